"""Compute the numbers of a board's items: number of right systems, by kind, and disagreement between systems."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from leaderboard.rank.agreement import disagreement
from leaderboard.rank.board_answers import BoardAnswers
from recipe_mpr_task.item import QUERY_TYPES, UNTYPED
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.statistics import Floats

_ITEMS_AT_ONCE = 64


@dataclass(frozen=True)
class ItemNumbers:
    """The numbers of one item.

    Attributes:
        right: number of systems that are right, without ties.
        partly: number of systems whose accuracy on the item is between 0 and 1, as after a tie or over several orders.
        mean: mean accuracy of the systems, a fraction; the lower, the harder. Classical test theory calls this number
            the item's difficulty, or p value (Lord and Novick 1968, section 15.3).
        disagreement: probability that two different systems choose different options; None if unknown.
        by_kind: number of systems of each kind that are right, without ties.
        votes: number of systems that choose the option at each letter, shape (5,). Ties are shared.
    """

    item_id: str
    right: int
    partly: int
    mean: float
    disagreement: float | None
    by_kind: dict[str, int]
    votes: tuple[float, ...]


@dataclass(frozen=True)
class BoardItems:
    """The numbers of all items of a board.

    Attributes:
        kinds: number of counted systems of each kind.
        items: the numbers of each item, in the order of `BoardAnswers.ids`.
        histogram: for k = 0 to n, the number of items on which exactly k of the n counted systems are right.
        never, always: number of items on which no system, or every system, is right. A tie is neither.
        mean_by_type: (number of items, mean accuracy of the systems) of each query type.
    """

    kinds: dict[str, int]
    items: tuple[ItemNumbers, ...]
    histogram: tuple[int, ...]
    never: int
    always: int
    mean_by_type: dict[str, tuple[int, float]]


def item_numbers(answers: BoardAnswers) -> BoardItems:
    """Compute the numbers of a board's items from the counted rows."""
    rows = [row for row, is_counted in zip(answers.rows, answers.counted, strict=True) if is_counted]
    accuracies = answers.accuracies[answers.counted]
    kinds = Counter[str](sorted(row.kind for row in rows))
    right = accuracies == 1
    right_by_kind = {kind: right[[row.kind == kind for row in rows]].sum(axis=0) for kind in kinds}
    partly = ((accuracies > 0) & ~right).sum(axis=0)
    means = accuracies.mean(axis=0)
    apart, votes = _apart_and_votes(answers)
    items = tuple(
        ItemNumbers(
            item_id,
            int(right[:, k].sum()),
            int(partly[k]),
            float(means[k]),
            None if np.isnan(apart[k]) else float(apart[k]),
            {kind: int(counts[k]) for kind, counts in right_by_kind.items()},
            tuple(votes[k].tolist()),
        )
        for k, item_id in enumerate(answers.ids)
    )
    histogram = np.bincount(right.sum(axis=0), minlength=len(rows) + 1)
    never, always = int((accuracies == 0).all(axis=0).sum()), int(right.all(axis=0).sum())
    return BoardItems(dict(kinds), items, tuple(histogram.tolist()), never, always, _by_type(answers.ids, means))


def _apart_and_votes(answers: BoardAnswers) -> tuple[Floats, Floats]:
    """Return the items' disagreement, shape (items,), and votes, shape (items, 5). Work in blocks to save memory."""
    apart, votes = [], []
    for first in range(0, len(answers.ids), _ITEMS_AT_ONCE):
        chosen = answers.chosen(columns=slice(first, first + _ITEMS_AT_ONCE))
        apart.append(disagreement(chosen))
        votes.append(chosen.sum(axis=0))
    return np.concatenate(apart), np.concatenate(votes)


def _by_type(ids: tuple[str, ...], means: Floats) -> dict[str, tuple[int, float]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, item_id in enumerate(ids):
        for name in pinned_items()[item_id].types or (UNTYPED,):
            places[name].append(place)
    names = [name for name in (*QUERY_TYPES, UNTYPED) if name in places]
    return {name: (len(places[name]), float(means[places[name]].mean())) for name in names}
