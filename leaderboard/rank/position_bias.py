"""Position bias: how often a row answers each letter, and how often it is right where gold stands at that letter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from leaderboard.verify.items import ItemResult
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.orders import ORDERS, pinned_items

_DIGITS = 4


@dataclass(frozen=True)
class PositionProfile:
    """A row's answers by letter, A to E.

    Attributes:
        answers: share of the answers at each letter, ties shared.
        recall: accuracy where gold stands at each letter; None where gold never does, or an accuracy is missing.
    """

    answers: tuple[float, ...]
    recall: tuple[float | None, ...]


def position_profile(items: Sequence[ItemResult], order: str) -> PositionProfile | None:
    """Return the position profile of items that were shown in one order; None if no option was chosen.

    Args:
        items: the results.
        order: the order's name.
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
    return PositionProfile(
        answers=tuple(round(answer / len(items), _DIGITS) for answer in answers),
        recall=tuple(
            round(r / g, _DIGITS) if g and not math.isnan(r) else None for r, g in zip(right, golds, strict=True)
        ),
    )


@lru_cache(maxsize=1)
def _places() -> dict[tuple[str, str], dict[str, int]]:
    """Return each option's letter as an index, by item and order and then by recipe id."""
    return {
        (item_id, order): {recipe_id: k for k, recipe_id in enumerate(pinned.shown_ids(order))}
        for item_id, pinned in pinned_items().items()
        for order in ORDERS
    }
