"""Collect a board's answers, item by item, in arrays. The item pages and plots use these arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import NO_UNITS, UNITS, shown_slots
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.statistics import Floats, Ints
from recipe_mpr_task.task_specs import is_task, task_spec

Bytes = NDArray[np.uint8]
NO_PROBABILITY = 255

_BITS = (np.arange(2**N_OPTIONS)[:, None] >> np.arange(N_OPTIONS)) & 1
_SHARES = _BITS / np.maximum(_BITS.sum(axis=1, keepdims=True), 1)
"""For each set of chosen options, the probability of each option, shape (32, 5). Tied options are equally probable."""


@dataclass(frozen=True, eq=False)
class BoardAnswers:
    """The answers of a board's systems.

    Attributes:
        key: the board's key.
        rows: the board's rows that have results of single items, in the board's order.
        ids: ids of all items of these rows, sorted.
        order: the order in which the board's task shows the options, one of ORDERS.
        accuracies: shape (rows, items); NaN if the row does not have the item, or if its accuracy is unknown.
        masks: chosen options, shape (rows, items). Bit k is 1 if the option at letter k was chosen.
        percents: probability of the option at each letter in whole percent, shape (rows, items, 5). NO_PROBABILITY if
            there is none.
        confidences: probability of the most probable option, a fraction, shape (rows, items); NaN if there is none.
        golds: index of the right option's letter, shape (items,).
        counted: whether a row is used for the numbers of the items, shape (rows,). See `_counted`.
    """

    key: str
    rows: tuple[Row, ...]
    ids: tuple[str, ...]
    order: str
    accuracies: Floats
    masks: Bytes
    percents: Bytes
    confidences: Floats
    golds: Ints
    counted: NDArray[np.bool_]

    @classmethod
    def of(cls, board: Board) -> "BoardAnswers":
        """Read the answers of all rows of a board."""
        rows = tuple(row for row in board.rows if row.items)
        ids = tuple(sorted({item_id for row in rows for item_id in row.items.ids}))
        order = task_spec(board.key).order if is_task(board.key) else "shuffled"
        shown = [pinned_items()[item_id].shown_ids(order) for item_id in ids]
        golds = [options.index(pinned_items()[i].gold) for i, options in zip(ids, shown, strict=True)]
        answers = cls(
            board.key, rows, ids, order,
            accuracies=np.full((len(rows), len(ids)), np.nan),
            masks=np.zeros((len(rows), len(ids)), np.uint8),
            percents=np.full((len(rows), len(ids), N_OPTIONS), NO_PROBABILITY, np.uint8),
            confidences=np.full((len(rows), len(ids)), np.nan),
            golds=np.array(golds, dtype=np.int64),
            counted=_counted(rows, len(ids)),
        )  # fmt: skip
        columns = {item_id: column for column, item_id in enumerate(ids)}
        slots = shown_slots(ids, order)
        for place, row in enumerate(rows):
            answers._add(place, row, np.array([columns[item_id] for item_id in row.items.ids]), slots)
        return answers

    def _add(self, place: int, row: Row, own: Ints, slots: Bytes) -> None:
        """Write one row's answers into the arrays.

        Args:
            place: index of the row.
            row: the row.
            own: columns of the row's items.
            slots: for each column and letter, the shown option's index in the dataset's file, shape (columns, 5).
        """
        self.accuracies[place, own] = row.items.accuracies
        if row.items.has_own_choices:
            bits = (row.items.picks[:, None] >> slots[own]) & 1
            self.masks[place, own] = (bits << np.arange(N_OPTIONS, dtype=np.uint8)).sum(axis=1)
        known = row.items.units[:, 0] != NO_UNITS
        if known.any():
            probabilities = row.items.units[known] / UNITS
            self.percents[place, own[known]] = np.rint(100 * probabilities)
            self.confidences[place, own[known]] = probabilities.max(axis=1)

    def chosen(self, rows: slice = slice(None), columns: slice = slice(None)) -> Floats:
        """Return the probability that a counted row chooses the option at a letter, shape (counted rows, items, 5).

        `rows` and `columns` select some of the counted rows and some of the items.
        """
        return np.asarray(_SHARES[self.masks[self.counted][rows, columns]])

    def right_choice(self, rows: Ints) -> Floats:
        """Return the probability that each of some rows chooses the right option of each item, shape (rows, items)."""
        return np.asarray(_SHARES[self.masks[rows], self.golds])


def _counted(rows: Sequence[Row], n_items: int) -> NDArray[np.bool_]:
    """Choose the rows that the numbers of the items are computed from, shape (rows,).

    Use the ranked rows, because they are comparable. If fewer than two rows are ranked, use all rows with all items
    except excluded rows. If there are still fewer than two, also use excluded rows.
    """
    complete = np.array([len(row.items) == n_items and row.score.acc is not None for row in rows], dtype=bool)
    ranked = np.array([row.rank is not None for row in rows], dtype=bool)
    allowed = complete & np.array([row.status != "excluded" for row in rows], dtype=bool)
    return next((chosen for chosen in (ranked, allowed) if chosen.sum() > 1), complete)
