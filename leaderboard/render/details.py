"""What a system's own page shows: every item's answer, letters and positions, the training curve."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from leaderboard.compute.row import Row
from leaderboard.load.specs import is_task, task_spec
from leaderboard.validate.items import ItemResult
from recipe_mpr_task.item import N_OPTIONS, Item
from recipe_mpr_task.metrics import SEEN
from recipe_mpr_task.orders import ORDERS, pinned_items

_DIGITS = 4


def has_page(row: Row) -> bool:
    """Say whether there is more to show of a row than the table does."""
    return bool(row.items or row.history)


def system_content(row: Row, shown: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a system's page.

    Args:
        row: the row.
        shown: the same row as `leaderboard.json` has it.
    """
    return {
        "row": shown,
        "answers": [_answer(item) for item in sorted(row.items, key=lambda item: item.item_id)],
        "position": _position(row),
        "history": list(row.history) or None,
    }


def _answer(item: ItemResult) -> list[Any]:
    probabilities = None if item.probabilities is None else [round(p, _DIGITS) for p in item.probabilities]
    seen = item.metrics.get(SEEN)
    accuracy = round(item.accuracy, _DIGITS) if item.accuracy == item.accuracy else None
    return [item.item_id, accuracy, list(item.chosen), probabilities, None if seen is None else int(seen)]


def _position(row: Row) -> dict[str, list[float | None]] | None:
    """Share of the answers at each letter, ties shared, and accuracy by the letter at which gold stands.

    None where the options stood in no one order: rotated, or not told.
    """
    if not row.items or not _in_one_order(row):
        return None
    answers, right, golds = ([0.0] * N_OPTIONS for _ in range(3))
    places, order = _places(), _order(row)
    for item in row.items:
        place = places[item.item_id, order]
        for recipe_id in item.chosen:
            answers[place[recipe_id]] += 1 / len(item.chosen)
        golds[place[item.gold]] += 1
        right[place[item.gold]] += item.accuracy
    shares = [round(answer / len(row.items), _DIGITS) for answer in answers]
    recalls = [round(r / g, _DIGITS) if g and r == r else None for r, g in zip(right, golds, strict=True)]  # noqa: PLR0124
    return {"answers": list(shares), "recall": recalls}


@lru_cache(maxsize=1)
def _places() -> dict[tuple[str, str], dict[str, int]]:
    """Where each option stands: item and order to recipe id to the letter's index."""
    return {
        (item_id, order): {recipe_id: k for k, recipe_id in enumerate(pinned.shown_ids(order))}
        for item_id, pinned in pinned_items().items()
        for order in ORDERS
    }


def _in_one_order(row: Row) -> bool:
    return row.kind != "imported" and "perf" not in row.extra and any(item.chosen for item in row.items)


def _order(row: Row) -> str:
    return task_spec(row.task).order if is_task(row.task) else "shuffled"


def items_content(texts: Mapping[str, Item]) -> dict[str, dict[str, Any]]:
    """Return what all systems' pages share: each item's types, gold and shown options, texts where they are at hand."""
    found = {}
    for item_id, pinned in pinned_items().items():
        entry: dict[str, Any] = {
            "types": list(pinned.types),
            "gold": pinned.gold,
            "shown": list(pinned.shown_ids("shuffled")),
        }
        if item_id in texts:
            entry |= _texts(texts[item_id].query, texts[item_id].options)
        found[item_id] = entry
    return found


def _texts(query: str, options: Sequence[Any]) -> dict[str, Any]:
    return {"query": query, "options": {option.recipe_id: option.text for option in options}}
