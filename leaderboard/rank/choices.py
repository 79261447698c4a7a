"""Compare what rows chose item by item, and count at which letters."""

from functools import lru_cache

import numpy as np

from leaderboard.rank.row import Row
from leaderboard.rank.row_items import Picks, RowItems
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.statistics import Floats, Ints

ONE_LETTER = 0.95
"""Least share of answers at one letter at which a row is flagged as answering that letter."""

_LEAST_ITEMS = 12
"""On fewer items, answers at one letter may be chance."""


def letter_share(row: Row) -> tuple[str, float]:
    """Return the letter of most of a row's answers in the order it was shown, and their share in [0, 1].

    An imported row is assumed to have seen the shuffled order; in another order its answers spread over the letters.
    """
    if row.position is not None:
        shares = list(row.position.answers)
    else:
        picks = row.items.picks
        bits = (picks[:, None] >> _slots()[columns_of(row.items.ids)]) & 1
        counts = (bits / np.maximum(bits.sum(axis=1, keepdims=True), 1)).sum(axis=0)
        shares = (counts / max(len(picks), 1)).tolist()
    most = max(range(N_OPTIONS), key=lambda k: shares[k])
    return LETTERS[most], float(shares[most])


def answers_one_letter(row: Row) -> bool:
    """Say whether nearly all answers of a row of at least 12 items stand at one letter."""
    return len(row.items) >= _LEAST_ITEMS and letter_share(row)[1] >= ONE_LETTER


def differing(items: RowItems, others: RowItems) -> int:
    """Count the items on which two rows chose or scored differently, or that only one has."""
    return int((_by_column(items) != _by_column(others)).any(axis=0).sum())


def _by_column(items: RowItems) -> Floats:
    values = np.full((2, len(columns())), -1.0)
    values[:, columns_of(items.ids)] = (items.picks, np.nan_to_num(items.accuracies, nan=-1.0))
    return values


@lru_cache(maxsize=1)
def columns() -> dict[str, int]:
    """Return a column number for each item of the dataset and the sample."""
    return {item_id: column for column, item_id in enumerate(sorted(pinned_items()))}


@lru_cache(maxsize=256)
def columns_of(ids: tuple[str, ...]) -> Ints:
    """Return the columns of some items, shape (items,)."""
    return np.array([columns()[item_id] for item_id in ids], dtype=np.int64)


@lru_cache(maxsize=1)
def golds() -> Picks:
    """Return each item's right option as a bit, see `RowItems.picks`, shape (columns,)."""
    bits = [1 << pinned.option_ids.index(pinned.gold) for _, pinned in sorted(pinned_items().items())]
    return np.array(bits, np.uint8)


@lru_cache(maxsize=1)
def _slots() -> Picks:
    """Return the file's option index at each letter of the shuffled order, shape (items, 5)."""
    return np.array([pinned.order for _, pinned in sorted(pinned_items().items())], np.uint8)
