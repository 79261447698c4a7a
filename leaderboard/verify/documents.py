"""Whether a run's documents are the pinned ones, in the task's order, with the model's own responses."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator

from leaderboard.load.samples import Sample
from leaderboard.load.schema import Run
from leaderboard.verify.items import responses_of
from recipe_mpr_task.orders import digest_of_record, pinned_items
from recipe_mpr_task.task_specs import TaskSpec

_SHOWN_IDS = 3


def document_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Give, in words, each reason for believing no number of the run.

    An item counts for the first fault that it has.
    """
    tests: tuple[tuple[str, Callable[[Sample], bool]], ...] = (
        ("not of the pinned dataset", lambda sample: _is_genuine(sample, is_record=run.is_record)),
        (f"with options not in {spec.order} order", lambda sample: _is_in_order(sample, spec)),
        (f"without their {spec.n_responses} responses", lambda sample: _is_answered(sample, spec)),
        ("with other responses than the first of the raw ones", lambda sample: sample.is_first_of_raw),
    )
    faulty: dict[str | None, list[str]] = defaultdict(list)
    for sample in run.items:
        faulty[next((fault for fault, passes in tests if not passes(sample)), None)].append(sample.item_id)
    for fault, _ in tests:
        if ids := faulty[fault]:
            yield counted(ids, fault)


def _is_genuine(sample: Sample, *, is_record: bool) -> bool:
    """Say whether a logged document is a pinned one; a record's has no texts to hash."""
    document = sample.document
    if document is None or document.item_id not in pinned_items():
        return False
    if is_record:
        return True
    try:
        digest = digest_of_record(document.as_record())
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return document.has_texts and digest == pinned_items()[document.item_id].digest


def _is_in_order(sample: Sample, spec: TaskSpec) -> bool:
    return tuple(sample.doc.option_ids) == pinned_items()[sample.doc.item_id].shown_ids(spec.order)


def _is_answered(sample: Sample, spec: TaskSpec) -> bool:
    return sample.chosen is not None or len(responses_of(sample, spec) or ()) == spec.n_responses


def counted(ids: Collection[str], what: str) -> str:
    """Return "1 item WHAT (mpr-000)" or "N items WHAT (mpr-000, mpr-001, mpr-002, ...)"."""
    number = "1 item" if len(ids) == 1 else f"{len(ids)} items"
    shown = [item_id[:40].encode(errors="replace").decode() for item_id in list(ids)[:_SHOWN_IDS]]
    return f"{number} {what} ({', '.join(shown)}{', ...' * (len(ids) > _SHOWN_IDS)})"
