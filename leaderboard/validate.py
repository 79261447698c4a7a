"""Decides what a run's numbers are worth: checks every item against what the package pins.

A status is one of STATUSES. `clean` and `unknown` rows are ranked, the others only listed. A run is
checked without the dataset: each logged document must hash to its pinned digest, its options must
stand as its order has them, and its accuracy is computed anew from its scores.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from leaderboard.identity import model_args
from leaderboard.load import Run
from leaderboard.specs import TaskSpec, is_task, task_spec
from leaderboard.training import training_status
from recipe_mpr_task import TASK_VERSION, prompts
from recipe_mpr_task.metrics import SEEN
from recipe_mpr_task.orders import EXPLOITABLE_ORDERS, digest_of_record, pinned_items
from recipe_mpr_task.splits import scored_ids

STATUSES = ("clean", "unknown", "overlap", "reported", "excluded")
RANKED = ("clean", "unknown")

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class ItemResult:
    """What one item contributes: all numbers of a row are computed from these.

    Attributes:
        accuracy: fraction in [0, 1], ties shared.
        types: the item's query types, as pinned.
        metrics: all that the task's own `process_results` computes.
    """

    item_id: str
    accuracy: float
    types: tuple[str, ...]
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckedRun:
    """A run with its verdict.

    Attributes:
        items: the items whose numbers can be believed; empty if the run's documents cannot.
        status: one of STATUSES.
        reason: why, in words.
    """

    run: Run
    items: tuple[ItemResult, ...]
    status: str
    reason: str

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
    items = tuple(_item_result(sample, spec) for sample in run.samples or [])
    if faults := [*_run_faults(run, spec), *_number_faults(run, items)]:
        return CheckedRun(run, items, "excluded", "; ".join(faults))
    return CheckedRun(run, items, *training_status(run, model_args(run), items))


def _unusable(run: Run) -> Iterator[str]:
    """Reasons for not looking at a run's items at all."""
    if not is_task(run.task):
        yield f"task {run.task} is not one of this release"
    if run.version != TASK_VERSION:
        yield f"task version {run.version}; this release scores version {TASK_VERSION}, not comparable"
    if run.samples is None:
        yield "no per-item samples; run with --log_samples"


def _document_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Faults after which no number of the run can be believed."""
    foreign, disordered, unscored = [], [], []
    pinned = pinned_items()
    for sample in run.samples or []:
        doc = sample.get("doc")
        item_id = str(doc.get("item_id") if isinstance(doc, dict) else None)
        try:
            genuine = item_id in pinned and (run.is_record or digest_of_record(doc) == pinned[item_id].digest)  # type: ignore[arg-type]
            shown = tuple(doc["option_ids"]) == pinned[item_id].shown_ids(spec.order)  # type: ignore[index]
            n_responses = len(spec.responses(sample))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            genuine, shown, n_responses = False, False, 0
        if not genuine:
            foreign.append(item_id)
        elif not shown:
            disordered.append(item_id)
        elif n_responses != spec.n_responses:
            unscored.append(item_id)
    for ids, what in (
        (foreign, "not of the pinned dataset"),
        (disordered, f"with options not in {spec.order} order"),
        (unscored, f"without their {spec.n_responses} responses"),
    ):
        if ids:
            yield f"{_items(ids)} {what} ({_some(ids)})"


def _item_result(sample: dict[str, Any], spec: TaskSpec) -> ItemResult:
    """Compute an item's metrics anew, by the task's own function, from what the model answered."""
    item_id = sample["doc"]["item_id"]
    metrics = spec.process_results(sample["doc"], spec.responses(sample))
    return ItemResult(item_id, metrics["acc"], pinned_items()[item_id].types, metrics)


def _run_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Faults of how the run was made: its items are right, its number is not comparable."""
    if spec.order in EXPLOITABLE_ORDERS:
        yield f"{spec.order} order: the gold option is always A"
    if run.task_config.get("doc_to_text") != prompts.template(spec.prompt):
        yield f"its prompt template is not {spec.prompt}, the task's own: what the model was shown may give gold away"
    if (run.task_config.get("description") or "") != spec.description:
        yield "its description is not the task's own"
    if run.config.get("limit") is not None:
        yield f"--limit {str(run.config['limit']).removesuffix('.0')}"
    counts = Counter(sample["doc"]["item_id"] for sample in run.samples or [])
    wanted = scored_ids(spec.split)
    for ids, what in (
        (wanted - counts.keys(), "missing"),
        (counts.keys() - wanted, "not of its split"),
        ({i for i, n in counts.items() if n > 1}, "there more than once"),
    ):
        if ids:
            yield f"{_items(ids)} {what} ({_some(sorted(ids))})"


def _number_faults(run: Run, items: tuple[ItemResult, ...]) -> Iterator[str]:
    """Faults of the numbers: not finite, or other than what the logged scores give."""
    unusable = [item.item_id for item in items if math.isnan(item.accuracy)]
    if unusable:
        yield f"{_items(unusable)} with a score that is not finite ({_some(unusable)})"
        return
    logged = [sample.get("acc") for sample in run.samples or []]
    edited = [i.item_id for i, acc in zip(items, logged, strict=True) if not _equal(acc, i.accuracy)]
    if edited:
        yield f"{_items(edited)} with another accuracy logged than the scores give ({_some(edited)})"
    total = math.fsum(item.accuracy for item in items) / len(items) if items else math.nan
    if not _equal(run.metrics.get("acc,none"), total):
        yield f"the results file says acc {run.metrics.get('acc,none')}, the samples give {total:.4f}"


def _equal(logged: Any, computed: float) -> bool:
    return isinstance(logged, (int, float)) and math.isclose(logged, computed, abs_tol=_TOLERANCE)


def _items(ids: Any) -> str:
    return "1 item" if len(ids) == 1 else f"{len(ids)} items"


def _some(ids: Any) -> str:
    shown = list(ids)[:3]
    return ", ".join(str(i)[:40] for i in shown) + (", ..." if len(ids) > len(shown) else "")
