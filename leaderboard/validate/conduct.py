"""Faults of what a run scored: its items are right, but its number is not comparable with others."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from leaderboard.load.files import Run
from leaderboard.load.specs import TaskSpec
from leaderboard.validate.identity import IMPORTED, kind, model_args
from recipe_mpr_task.orders import EXPLOITABLE_ORDERS
from recipe_mpr_task.splits import scored_ids


def conduct_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Give, in words, each reason for not comparing a run with others.

    Args:
        run: its documents found genuine.
        spec: its task.
    """
    is_import = run.is_record and kind(run) == IMPORTED
    orders = (spec.order, model_args(run).get("order") if is_import else None)
    for order in [order for order in EXPLOITABLE_ORDERS if order in orders]:
        yield f"{order} order: the gold option is always A"
    if run.config.get("limit") is not None:
        yield f"--limit {str(run.config['limit']).removesuffix('.0')[:40]}"
    counts = Counter(sample["doc"]["item_id"] for sample in run.samples or [])
    wanted = scored_ids(spec.split)
    for ids, what in (
        (wanted - counts.keys(), "missing"),
        (counts.keys() - wanted, "not of its split"),
        ({i for i, n in counts.items() if n > 1}, "there more than once"),
    ):
        if ids:
            yield f"{n_items(ids)} {what} ({some(sorted(ids))})"


def n_items(ids: Collection[Any]) -> str:
    """Return "1 item" or "N items"."""
    return "1 item" if len(ids) == 1 else f"{len(ids)} items"


def some(ids: Collection[Any]) -> str:
    """Return the first three ids, for a message."""
    shown = list(ids)[:3]
    return ", ".join(str(i)[:40].encode(errors="replace").decode() for i in shown) + (
        ", ..." if len(ids) > len(shown) else ""
    )
