"""Compute accuracies and the position bias from a row's items."""

import math
from functools import lru_cache

import numpy as np

from leaderboard.rank.row_items import RowItems, shown_slots
from leaderboard.rank.row_parts import PositionProfile, Score
from recipe_mpr_task.item import N_OPTIONS, QUERY_TYPES, UNTYPED
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.statistics import Floats, Ints

_DIGITS = 4


def score(accuracies: Floats) -> Score:
    """Return the score of a set of items. The score's accuracy is None if an item's accuracy is NaN.

    `accuracies` are fractions in [0, 1], shape (items,).
    """
    if np.isnan(accuracies).any():
        return Score(None, len(accuracies))
    # `fsum` has no rounding errors: 500 times 0.2 is exactly 100.
    return Score.of(math.fsum(accuracies.tolist()), len(accuracies))


def type_scores(items: RowItems) -> dict[str, Score]:
    """Return the score of each query type; a type without items is absent."""
    return {name: score(items.accuracies[places]) for name, places in _places_by_type(items.ids).items()}


@lru_cache(maxsize=64)  # thousands of rows have the same items
def _places_by_type(ids: tuple[str, ...]) -> dict[str, Ints]:
    types = [pinned_items()[item_id].types or (UNTYPED,) for item_id in ids]
    places = {name: [k for k, of_item in enumerate(types) if name in of_item] for name in (*QUERY_TYPES, UNTYPED)}
    return {name: np.array(listed, dtype=np.int64) for name, listed in places.items() if listed}


def position_profile(items: RowItems, order: str) -> PositionProfile | None:
    """Return the position profile of items whose options were shown in `order`; None if no option was chosen."""
    if not items.has_own_choices or not items.choices:
        return None
    answers = letter_shares(items, order)
    places = gold_places(items.ids, order)
    golds = np.bincount(places, minlength=N_OPTIONS).tolist()
    right = np.bincount(places, weights=items.accuracies, minlength=N_OPTIONS).tolist()
    recall = (round(r / g, _DIGITS) if g and not math.isnan(r) else None for r, g in zip(right, golds, strict=True))
    return PositionProfile(tuple(round(answer, _DIGITS) for answer in answers), tuple(recall))


def letter_shares(items: RowItems, order: str) -> list[float]:
    """Return the fraction of the items answered with each letter A to E, if the options were shown in `order`.

    If k options tie, each counts 1/k.
    """
    bits = (items.picks[:, None] >> shown_slots(items.ids, order)) & 1
    counts = (bits / np.maximum(bits.sum(axis=1, keepdims=True), 1)).sum(axis=0)
    shares: list[float] = (counts / max(len(items), 1)).tolist()
    return shares


@lru_cache(maxsize=64)
def gold_places(ids: tuple[str, ...], order: str) -> Ints:
    """Return the index of the letter of each item's right option, shape (items,)."""
    return np.array([pinned_items()[item_id].shown_gold(order) for item_id in ids], dtype=np.int64)
