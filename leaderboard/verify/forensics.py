"""Find deliberate forgery: keys to answers in prompts, a baseline's name on other scores, hidden training items."""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from leaderboard.load.record import SUFFIX, read_record
from leaderboard.load.schema import Run
from leaderboard.verify.items import ItemResult
from recipe_mpr_task import prompts
from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.result_records import TrainingRecord
from recipe_mpr_task.splits import TRAINING_SPLITS, parts_of
from recipe_mpr_task.task_specs import TaskSpec

RESULTS = Path(__file__).parent.parent / "results"
"""Committed records: `untrained/` (what `recipe-mpr demo` runs), `trained/`, `exploit/`."""

_ABBREVIATIONS = re.compile(r"\b(?:e\.g|i\.e)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"\bA(?= [a-z])")
_LETTERS = re.compile(r"(?<![^\W_])(?:[A-E]+|(?<!['\u2019])[b-e]|[A-Ea-e]{8,}|\d{1,3}[A-Ea-e]|[A-E]\d{1,3})(?![^\W_])")
_NUMBERS = re.compile(r"(?<![^\W_])(?<!\d[.,:])(?:[1-5]|[1-5]{8,})(?![^\W_])(?![.,:]\d)")
_LISTS = 2
"""Enumerations that an honest text may hold: "one of A, B, C, D or E", a numbered list."""

_TOLERANCE = 1e-5
_ROUNDED = 1e-6
"""Relative to a score's size: records keep seven digits of it."""

_FIRST = (1.0, *[0.0] * (N_OPTIONS - 1))
_EQUAL = (0.0,) * N_OPTIONS
_WITHOUT_EFFECT = ("kind", "batch_size", "max_batch_size", "device")
"""A baseline's arguments that change no score."""

_Scores = Mapping[str, Mapping[str, float]]
"""Item id to recipe id to score."""


def answers_named(text: str) -> int:
    """Return how many answers a text seems to name: isolated letters A to E, or numbers 1 to 5, whichever are more.

    The first two enumerations ("A, B, C, D or E") and the article "A" do not count.
    """
    text = _ARTICLE.sub("", _ABBREVIATIONS.sub("", unicodedata.normalize("NFKC", text)))
    letters = [sign for word in _LETTERS.findall(text) for sign in word.upper() if sign in LETTERS]
    numbers = [sign for word in _NUMBERS.findall(text) for sign in word]
    return max(_outside_lists(letters, LETTERS), _outside_lists(numbers, "12345"))


def _outside_lists(signs: list[str], alphabet: Sequence[str]) -> int:
    """Count signs without the first enumerations of three or more from the alphabet's start."""
    count, lists, place = 0, 0, 0
    while place < len(signs):
        run = 0
        while run < len(alphabet) and signs[place + run : place + run + 1] == [alphabet[run]]:
            run += 1
        if run >= 3 and lists < _LISTS:
            lists += 1
            place += run
        else:
            count += 1
            place += 1
    return count


def hidden_items(training: TrainingRecord, items: Sequence[ItemResult]) -> list[str]:
    """Return ids of the items that the recorded split trains or validates on but that are not logged as seen."""
    if not training.has_manifest or training.split not in TRAINING_SPLITS:
        return []
    parts = parts_of(training.split)
    seen = {*parts.train, *parts.validation}
    return [item.item_id for item in items if item.item_id in seen and item.seen != 1]


def is_compared(run: Run, spec: TaskSpec) -> bool:
    """Say whether there are committed scores of each item of a run that is recorded as a baseline."""
    reference = _reference().get(baseline_name(run), {})
    return bool(reference) and not spec.generates and all(sample.item_id in reference for sample in run.items)


def baseline_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Give, in words, why a run that is recorded as a baseline is another system: a name alone proves nothing.

    Args:
        run: its documents are genuine.
        spec: its task.
    """
    name = baseline_name(run)
    if other := [str(key)[:40] for key, value in run.args.given.items() if not _is_committed(key, value)]:
        yield _other_arguments(name, other)
    elif is_compared(run, spec):
        reference = _reference()[name]
        for sample in run.items:
            expected = _expected(name, spec, reference[sample.item_id], sample.doc.option_ids)
            if not _is_near(sample.log_likelihoods() or [], expected):
                yield f"it says it is the baseline {name}; its scores are others ({sample.item_id})"
                return


def baseline_name(run: Run) -> str:
    """Return the kind of baseline that a run is recorded as."""
    return (run.args.text("kind") or "None")[:40]


def _is_committed(argument: str, value: object) -> bool:
    return argument in _WITHOUT_EFFECT or (argument == "seed" and str(value) == "0")


def _other_arguments(name: str, other: Sequence[str]) -> str:
    """Return which arguments are not those of the committed records, in words."""
    if name == "random" and "seed" in other:
        return "baseline random counts with seed 0 alone: trying seeds finds a lucky one; this is another"
    shown = ", ".join(sorted(other)[:3])
    return f"baseline {name} counts with its committed arguments alone (kind, seed=0); this one has others: {shown}"


def _expected(name: str, spec: TaskSpec, by_option: Mapping[str, float], shown: Sequence[str]) -> list[Sequence[float]]:
    """Return the scores of one item, one row of five for each rotation of its options."""
    if BASELINES[name].by_position:
        return [_FIRST] * N_OPTIONS
    if BASELINES[name].reads_query and "{{ query }}" not in prompts.template(spec.prompt):
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
def _reference() -> Mapping[str, _Scores]:
    """Return scores by baseline, item and recipe id, from the committed records; empty for an unknown baseline."""
    scores: defaultdict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for path in sorted((RESULTS / "untrained").glob(f"*{SUFFIX}")):
        run = read_record(path)
        if run.config.model == "recipe-mpr-baseline" and run.task in ("recipe_mpr", "recipe_mpr_sample"):
            for sample in run.items:
                by_option = zip(sample.doc.option_ids, sample.log_likelihoods() or (), strict=True)
                scores[run.args.text("kind")][sample.item_id] = dict(by_option)
    return scores
