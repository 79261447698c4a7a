"""What place does to a row's answers: where they go, and how often they are right where gold stands."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from leaderboard.verify.items import ItemResult
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.orders import ORDERS, pinned_items

_DIGITS = 4

Position = dict[str, list[float | None]]


def position_profile(items: Sequence[ItemResult], order: str) -> Position | None:
    """Return the share of the answers at each letter, ties shared, and accuracy by the letter at which gold stands.

    Args:
        items: the results of items that were shown in one order.
        order: its name.

    Returns:
        `answers` and `recall`, five fractions each, null where gold never stands; None where nothing was chosen.
    """
    if not any(item.chosen for item in items):
        return None
    answers, right, golds = ([0.0] * N_OPTIONS for _ in range(3))
    places = _places()
    for item in items:
        place = places[item.item_id, order]
        for recipe_id in item.chosen:
            answers[place[recipe_id]] += 1 / len(item.chosen)
        golds[place[item.gold]] += 1
        right[place[item.gold]] += item.accuracy
    shares: list[Any] = [round(answer / len(items), _DIGITS) for answer in answers]
    recalls = [round(r / g, _DIGITS) if g and r == r else None for r, g in zip(right, golds, strict=True)]  # noqa: PLR0124
    return {"answers": shares, "recall": recalls}


@lru_cache(maxsize=1)
def _places() -> dict[tuple[str, str], dict[str, int]]:
    """Where each option stands: item and order to recipe id to the letter's index."""
    return {
        (item_id, order): {recipe_id: k for k, recipe_id in enumerate(pinned.shown_ids(order))}
        for item_id, pinned in pinned_items().items()
        for order in ORDERS
    }
