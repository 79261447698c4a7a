"""What rows chose, by item: at which letters, and on which items two rows differ."""

from functools import lru_cache

import numpy as np

from leaderboard.rank.row import Row
from leaderboard.rank.row_items import Picks
from leaderboard.rank.statistics import Floats, Ints
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import pinned_items

ONE_LETTER = 0.95
"""Share of answers at one letter from which on a system is said to answer that letter."""

_ENOUGH = 12
"""Items: on fewer, answers at one letter may be chance."""


def letter_share(row: Row) -> tuple[str, float]:
    """Return the letter at which most of a row's answers stand in the order it was shown, and their share in [0, 1].

    An imported row is taken to have seen the shuffled order: if it saw another, its answers stand at no one letter.
    """
    if row.position is not None:
        shares = [share or 0.0 for share in row.position["answers"]]
    else:
        picks = row.items.picks
        bits = (picks[:, None] >> _slots()[columns_of(row.items.ids)]) & 1
        counts = (bits / np.maximum(bits.sum(axis=1, keepdims=True), 1)).sum(axis=0)
        shares = (counts / max(len(picks), 1)).tolist()
    most = max(range(N_OPTIONS), key=lambda k: shares[k])
    return LETTERS[most], float(shares[most])


def answers_one_letter(row: Row) -> bool:
    """Say whether nearly all of a row's answers, of enough to tell, stand at one letter."""
    return len(row.items) >= _ENOUGH and letter_share(row)[1] >= ONE_LETTER


def differing(row: Row, other: Row) -> int:
    """Count the items of two rows on which one chose otherwise, or scored otherwise, or that only one has."""
    mine, theirs = _by_column(row), _by_column(other)
    return int((mine != theirs).any(axis=0).sum())


def _by_column(row: Row) -> Floats:
    found = np.full((2, len(columns())), -1.0)
    found[:, columns_of(row.items.ids)] = (row.items.picks, np.nan_to_num(row.items.accuracies, nan=-1.0))
    return found


@lru_cache(maxsize=1)
def columns() -> dict[str, int]:
    """Return a column number for each item that there is."""
    return {item_id: column for column, item_id in enumerate(sorted(pinned_items()))}


@lru_cache(maxsize=256)
def columns_of(ids: tuple[str, ...]) -> Ints:
    """Return the columns of some items, shape (items,)."""
    return np.array([columns()[item_id] for item_id in ids], dtype=np.int64)


@lru_cache(maxsize=1)
def golds() -> Picks:
    """Return each item's right option as a bit, see `PackedItems.picks`, shape (columns,)."""
    bits = [1 << pinned.option_ids.index(pinned.gold) for _, pinned in sorted(pinned_items().items())]
    return np.array(bits, np.uint8)


@lru_cache(maxsize=1)
def _slots() -> Picks:
    """Which option in the file stands at each letter of the shuffled order, shape (items, 5)."""
    return np.array([pinned.order for _, pinned in sorted(pinned_items().items())], np.uint8)
