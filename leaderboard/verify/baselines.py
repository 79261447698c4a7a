"""Runs that say they are of a baseline are compared with the committed records: a name alone proves nothing."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from leaderboard.load.record import SUFFIX, read_record
from leaderboard.load.results import Run
from leaderboard.load.task_specs import TaskSpec
from leaderboard.verify.identity import model_args
from recipe_mpr_task import prompts
from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.item import N_OPTIONS

RESULTS = Path(__file__).parent.parent / "results"
"""Committed records: `untrained/` (what `recipe-mpr demo` runs), `trained/`, `exploit/`."""

_TOLERANCE = 1e-5
_ROUNDED = 1e-6
"""Relative to a score's size: records keep seven digits of it."""

_EQUAL = (0.0,) * N_OPTIONS
_IGNORED = ("kind", "batch_size", "max_batch_size", "device")
"""Model arguments that change no score."""

Scores = Mapping[str, Mapping[str, float]]


def baseline_status(run: Run, spec: TaskSpec) -> tuple[str, str]:
    """Return (status, reason) of a run whose model is recorded as a baseline.

    Args:
        run: its items and numbers are in order.
        spec: its task.
    """
    arguments = model_args(run)
    name = str(arguments.get("kind"))[:40]
    if other := [str(key)[:40] for key, value in arguments.items() if not _is_committed(key, value)]:
        return "excluded", _why_excluded(name, other)
    reference = _reference().get(name)
    samples = run.samples or []
    if reference is None or not {sample["doc"]["item_id"] for sample in samples} <= reference.keys() or spec.generates:
        missing = f"there are no committed scores to compare it with on {run.task}"
        return "unknown", f"it says it is the baseline {name}; {missing}"
    for sample in samples:
        scores = [score for score, _ in spec.responses(sample)]
        shown = sample["doc"]["option_ids"]
        if not _is_near(scores, _expected(name, spec, reference[sample["doc"]["item_id"]], shown)):
            return "excluded", f"it says it is the baseline {name}; its scores are others ({sample['doc']['item_id']})"
    return "clean", "never trained"


def _is_committed(key: str, value: Any) -> bool:
    return key in _IGNORED or (key == "seed" and str(value) == "0")


def _why_excluded(name: str, other: Sequence[str]) -> str:
    """Say which arguments are not those of the committed records."""
    if name == "random" and "seed" in other:
        return "baseline random counts with seed 0 alone: trying seeds finds a lucky one; this is another"
    said = ", ".join(sorted(other)[:3])
    return f"baseline {name} counts with its committed arguments alone (kind, seed=0); this one has others: {said}"


def _expected(name: str, spec: TaskSpec, by_option: Mapping[str, float], shown: Sequence[str]) -> list[Sequence[float]]:
    """Return the scores of one item, one row of five for each rotation of its options."""
    baseline = BASELINES[name]
    if baseline.by_position:
        return [list(by_option.values())] * N_OPTIONS  # kept in the places of the order that was scored
    if baseline.reads_query and "{{ query }}" not in prompts.template(spec.prompt):
        return [_EQUAL] * N_OPTIONS
    return [[by_option[i] for i in (*shown[r:], *shown[:r])] for r in range(N_OPTIONS)]


def _is_near(scores: Sequence[float], expected: Sequence[Sequence[float]]) -> bool:
    """Compare rows of scores up to a constant each: log-likelihoods are shifted by their logarithm's sum."""
    rows = [scores[i : i + N_OPTIONS] for i in range(0, len(scores), N_OPTIONS)]
    pairs = list(zip(rows, expected, strict=False))
    if any(_best(row) != _best(want) for row, want in pairs):
        return False  # a tie broken by less than the tolerance would decide who is right
    return all(
        math.isclose(s - row[0], e - want[0], abs_tol=_TOLERANCE + _ROUNDED * (abs(e) + abs(want[0])))
        for row, want in pairs
        for s, e in zip(row, want, strict=True)
    )


def _best(row: Sequence[float]) -> list[int]:
    return [k for k, score in enumerate(row) if score == max(row)]


@lru_cache(maxsize=1)
def _reference() -> Mapping[str, Scores]:
    """Scores by baseline, item and recipe id, from the committed records."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for path in sorted((RESULTS / "untrained").glob(f"*{SUFFIX}")):
        task, results, samples = read_record(path)
        config: dict[str, Any] = results["config"]
        if config.get("model") == "recipe-mpr-baseline" and task in ("recipe_mpr", "recipe_mpr_sample"):
            of_kind = found.setdefault(str(config["model_args"]["kind"]), {})
            for sample in samples:
                scores = [score for score, _ in sample["filtered_resps"]]
                of_kind[sample["doc"]["item_id"]] = dict(zip(sample["doc"]["option_ids"], scores, strict=True))
    return found
