"""Decides what a run's numbers are worth: checks every item against what the package pins.

A status is one of STATUSES. `clean` and `unknown` rows are ranked, the others only listed. A run is
checked without the dataset: each logged document must hash to its pinned digest, its options must
stand as its order has them, and its accuracy is computed anew from its scores.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from leaderboard.load.results import Run
from leaderboard.load.schema import CHOSEN, FLAGS
from leaderboard.load.task_specs import TaskSpec, is_task, task_spec
from leaderboard.verify.baselines import baseline_status
from leaderboard.verify.comparability import conduct_faults, gold_letters, n_items, some
from leaderboard.verify.identity import IMPORTED, is_from_random_weights, kind, model_args
from leaderboard.verify.items import ItemResult, item_result
from leaderboard.verify.prompt_checks import prompt_faults, prompt_flags, text_around
from leaderboard.verify.surroundings import surroundings
from leaderboard.verify.training import UNKNOWN, shared_doubts, training_flags, training_status
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.metrics import SEEN
from recipe_mpr_task.orders import digest_of_record, pinned_items

STATUSES = ("clean", "unknown", "overlap", "reported", "excluded")
RANKED = ("clean", "unknown")

RANDOM_WEIGHTS = "made from random weights: a demonstration, listed and not ranked"

_TOLERANCE = 1e-9


def _are_letters(letters: list[str]) -> list[str]:
    if letters != list(LETTERS):
        raise ValueError("not the letters that every item is shown with")
    return letters


Texts = Annotated[list[str], Field(min_length=N_OPTIONS, max_length=N_OPTIONS)]


class _Document(BaseModel):
    """What a logged document must be before its content is looked at; a record's has no texts."""

    model_config = ConfigDict(strict=True)

    item_id: str
    option_ids: Texts
    gold: Annotated[int, Field(ge=0, lt=N_OPTIONS)]
    query_types: list[str]
    query: str = ""
    options: Texts | None = None
    letters: Annotated[list[str], AfterValidator(_are_letters)] = list(LETTERS)
    seen_in_training: Literal[0, 1] | None = None


_OF_LOGS = {"query", "options", "letters"}
"""Fields that a logged document has and a record's has not."""


@dataclass(frozen=True)
class CheckedRun:
    """A run with its verdict.

    Attributes:
        items: the items whose numbers can be believed; empty if the run's documents cannot.
        status: one of STATUSES.
        reason: why, in words.
        flags: see `row.Row`.
        around: what stands around its prompts, see `row.Row`; "" if that is not known.
    """

    run: Run
    items: tuple[ItemResult, ...]
    status: str
    reason: str
    flags: tuple[str, ...] = ()
    around: str = ""

    @property
    def unseen_items(self) -> tuple[ItemResult, ...]:
        """The items known to be neither trained nor validated on."""
        return tuple(item for item in self.items if item.metrics.get(SEEN) == 0)


def check(run: Run) -> CheckedRun:
    """Check a run and give it a status."""
    if unusable := next(_unusable(run), None):
        return CheckedRun(run, (), "excluded", unusable)
    spec = task_spec(run.task)
    if broken := list(_document_faults(run, spec)):
        return CheckedRun(run, (), "excluded", "; ".join(broken))
    items = tuple(item_result(sample, spec) for sample in run.samples or [])
    around = surroundings(run, spec)
    shown = () if kind(run) == IMPORTED and run.is_record else prompt_faults(run, spec, around)
    if faults := [*conduct_faults(run, spec), *shown, *_number_faults(run, items)]:
        return CheckedRun(run, items, "excluded", "; ".join(faults), around=text_around(run, spec, around))
    status, reason = _status(run, spec, items)
    if status in RANKED and is_from_random_weights(run):
        status, reason = "excluded", f"{RANDOM_WEIGHTS}; {reason}"
    flags = [*_flags(run), *prompt_flags(run, spec, around), *training_flags(run)]
    return CheckedRun(run, items, status, reason, tuple(dict.fromkeys(flags)), text_around(run, spec, around))


def _status(run: Run, spec: TaskSpec, items: tuple[ItemResult, ...]) -> tuple[str, str]:
    if kind(run) == "baseline":
        status, reason = baseline_status(run, spec)
        doubts = list(shared_doubts(run, model_args(run)))
        if status == "clean" and doubts:
            return "unknown", "; ".join(doubts)
        return status, "; ".join((reason, *doubts)) if status == "excluded" else reason
    if kind(run) == IMPORTED:
        return "unknown", f"imported: {UNKNOWN}, nor, beyond its own word, how the options were shown"
    return training_status(run, model_args(run), items)


def _unusable(run: Run) -> Iterator[str]:
    """Reasons for not looking at a run's items at all."""
    if not is_task(run.task):
        yield f"task {run.task} is not one of this release"
    if run.version != TASK_VERSION:
        yield f"task version {run.version}; this release scores version {TASK_VERSION}, not comparable"
    if run.samples is None:
        yield "no per-item samples; run with --log_samples"


def _flags(run: Run) -> Iterator[str]:
    kept = run.results.get(FLAGS)
    if run.is_record and isinstance(kept, list):
        yield from (str(flag)[:200] for flag in kept[:10])
    tells_order = model_args(run).get("order") or sum(gold_letters(run)) >= len(run.samples or [])
    if kind(run) == IMPORTED and not tells_order:
        yield "in which order it saw the options is not told: in the file's order the right one is always the first"
    truncated = run.config.get("recipe_mpr_truncated")
    by_task = run.config.get("recipe_mpr_truncated_in")
    if isinstance(by_task, dict):  # a run can hold several tasks, and a text of one is not cut in another
        truncated = by_task.get(run.task, truncated)
    if isinstance(truncated, int) and truncated > 0:
        yield f"{truncated} texts were cut to the model's length"


def _document_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Faults after which no number of the run can be believed."""
    foreign, disordered, unscored, edited = [], [], [], []
    for sample in run.samples or []:
        doc = sample.get("doc")
        item_id = str(doc.get("item_id") if isinstance(doc, dict) else None)
        if not _is_genuine(doc, is_record=run.is_record):
            foreign.append(item_id)
        elif tuple(doc["option_ids"]) != pinned_items()[item_id].shown_ids(spec.order):  # type: ignore[index]
            disordered.append(item_id)
        elif not _is_answered(sample, spec):
            unscored.append(item_id)
        elif not _is_first_of_raw(sample):
            edited.append(item_id)
    for ids, what in (
        (foreign, "not of the pinned dataset"),
        (disordered, f"with options not in {spec.order} order"),
        (unscored, f"without their {spec.n_responses} responses"),
        (edited, "with other responses than the first of the raw ones"),
    ):
        if ids:
            yield f"{n_items(ids)} {what} ({some(ids)})"


def _is_genuine(doc: Any, *, is_record: bool) -> bool:
    """Say whether a logged document is a pinned one, field by field of the type that it must have."""
    try:
        document = _Document.model_validate(doc)
        pinned = pinned_items()[document.item_id]
        return is_record or (document.model_fields_set >= _OF_LOGS and digest_of_record(doc) == pinned.digest)
    except (ValidationError, KeyError, IndexError, TypeError, ValueError):
        return False


def _is_answered(sample: dict[str, Any], spec: TaskSpec) -> bool:
    try:
        return CHOSEN in sample or len(spec.responses(sample)) == spec.n_responses
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError):
        return False


def _is_first_of_raw(sample: dict[str, Any]) -> bool:
    """Say whether what was scored is the first of each request's raw responses; true where none are logged."""
    if "resps" not in sample:
        return True
    try:
        return [responses[0] for responses in sample["resps"]] == list(sample["filtered_resps"])
    except (KeyError, IndexError, TypeError):
        return False


def _number_faults(run: Run, items: tuple[ItemResult, ...]) -> Iterator[str]:
    """Faults of the numbers: not finite, or other than what the logged scores give."""
    unusable = [item.item_id for item in items if math.isnan(item.accuracy)]
    if unusable:
        yield f"{n_items(unusable)} with a score that is not finite ({some(unusable)})"
        return
    logged = [sample.get("acc") for sample in run.samples or []]
    edited = [i.item_id for i, acc in zip(items, logged, strict=True) if not _equal(acc, i.accuracy)]
    if edited:
        yield f"{n_items(edited)} with another accuracy logged than the scores give ({some(edited)})"
    total = math.fsum(item.accuracy for item in items) / len(items) if items else math.nan
    if not _equal(run.metrics.get("acc,none"), total):
        yield f"the results file says acc {run.metrics.get('acc,none')}, the samples give {total:.4f}"


def _equal(logged: Any, computed: float) -> bool:
    is_accuracy = isinstance(logged, (int, float)) and 0 <= logged <= 1
    return is_accuracy and math.isclose(logged, computed, abs_tol=_TOLERANCE)
