"""Runs that say they are of a baseline are compared with the committed records: a name alone proves nothing."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from leaderboard.load.files import Run
from leaderboard.load.records import SUFFIX, read_record
from leaderboard.load.specs import TaskSpec
from leaderboard.validate.identity import model_args
from recipe_mpr_task.item import N_OPTIONS

RESULTS = Path(__file__).parent.parent / "results"
"""Committed records: `untrained/` (what `recipe-mpr demo` runs), `trained/`, `exploit/`."""

_TOLERANCE = 1e-5
_FIRST = (1.0, *[0.0] * (N_OPTIONS - 1))

Scores = Mapping[str, Mapping[str, float]]


def baseline_status(run: Run, spec: TaskSpec) -> tuple[str, str]:
    """Return (status, reason) of a run whose model is recorded as a baseline.

    Args:
        run: its items and numbers are in order.
        spec: its task.
    """
    arguments = model_args(run)
    name, seed = str(arguments.get("kind"))[:40], str(arguments.get("seed", 0))
    reference = _reference().get(name)
    samples = run.samples or []
    known = {sample["doc"]["item_id"] for sample in samples} <= (reference or {}).keys()
    if reference is None or not known or seed != "0" or "{{ query }}" not in str(run.task_config.get("doc_to_text")):
        missing = f"there are no committed scores to compare it with on {run.task}"
        return "unknown", f"it says it is the baseline {name}; {missing}"
    for sample in samples:
        scores = [score for score, _ in spec.responses(sample)]
        shown = sample["doc"]["option_ids"]
        if not _is_near(scores, _expected(name, reference[sample["doc"]["item_id"]], shown)):
            return "excluded", f"it says it is the baseline {name}; its scores are others ({sample['doc']['item_id']})"
    return "clean", "never trained"


def _expected(name: str, by_option: Mapping[str, float], shown: Sequence[str]) -> list[list[float]]:
    """Scores of one item in each rotation of its options."""
    if name == "first":  # the only one that goes by place
        return [list(_FIRST)] * N_OPTIONS
    return [[by_option[i] for i in (*shown[r:], *shown[:r])] for r in range(N_OPTIONS)]


def _is_near(scores: Sequence[float], expected: Sequence[Sequence[float]]) -> bool:
    """Compare rows of scores up to a constant each: log-likelihoods are shifted by their logarithm's sum."""
    rows = [scores[i : i + N_OPTIONS] for i in range(0, len(scores), N_OPTIONS)]
    return all(
        math.isclose(s - row[0], e - want[0], abs_tol=_TOLERANCE)
        for row, want in zip(rows, expected, strict=False)
        for s, e in zip(row, want, strict=True)
    )


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
