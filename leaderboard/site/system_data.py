"""What a system's own page shows: every item's answer, letters and positions, the training curve."""

from collections.abc import Mapping, Sequence
from typing import Any

from leaderboard.rank.row import Row
from recipe_mpr_task.item import Item
from recipe_mpr_task.orders import pinned_items


def has_page(row: Row) -> bool:
    """Say whether there is more to show of a row than the table does."""
    return bool(row.items or row.history)


def system_content(row: Row, shown: dict[str, Any], title: str) -> dict[str, Any]:
    """Return the data of a system's page but for its items, which are `row.items.text`.

    Args:
        row: the row.
        shown: the same row as `leaderboard.json` has it.
        title: its board's.
    """
    return {
        "row": shown,
        "board_title": title,
        "position": row.position,
        "history": list(row.history) or None,
        "around": list(row.around),
    }


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
