"""Compare the answers of rows, item by item.

Equal right answers are not evidence of a copy, because two perfect systems give equal right answers. Therefore this
module counts the items with the same wrong choice, and the items with the same probabilities to four decimals. If a row
does not show its wrong choices, the module counts the items on which both rows are wrong.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from scipy.stats import binom

from leaderboard.rank.item_scores import letter_shares
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import Picks, RowItems
from leaderboard.rank.shared_counts import Flags, Patterns, product, shared
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.statistics import Floats, Ints

SAME_SHARE = 0.95
"""One of two rows may be a copy if at least this fraction of their wrong choices is the same.

The fraction refers to the row with fewer wrong choices. So a copy with some corrected answers is also found.
"""

MIN_WRONG = math.ceil(math.log(0.001) / math.log(0.55))
"""Compare two rows' wrong choices only if both rows have at least this many (12).

With fewer wrong choices, all of them can be equal by chance, because some wrong options attract every system. The two
most similar unrelated systems on the 500 items are two embedding models: 53% of their wrong choices are the same.
Assume that each wrong choice is the same with probability .55. Then n of n are the same with probability .55^n, which
is below 1 in 1,000 for n >= 12. The probability that at least 95% of n are the same is below 1 in 1,000, too.
"""

_BY_CHANCE = 0.001
_MIN_EQUAL_ANSWERS = 20
_EQUAL_SHARE = 0.5
_MOST_TIED = 2
"""If more wrong options than this are tied for the best, the row has no choice on the item."""

ONE_LETTER = 0.95
"""If a row answers at least this fraction of items with one letter, its wrong choices are no evidence of a copy."""

_MANY = 64
_ALL = slice(None)
_N_OPTIONS_OF = np.array([bits.bit_count() for bits in range(2**N_OPTIONS)])


def letter_share(row: Row) -> tuple[str, float]:
    """Return the letter that a row answers most often, and the fraction of items that it answers with this letter.

    If the displayed order is unknown, as for an imported row, the shuffled order is assumed. A row that saw another
    order then seems to use all letters equally.
    """
    shares = row.position.answers if row.position else letter_shares(row.items, "shuffled")
    most = max(range(N_OPTIONS), key=lambda k: shares[k])
    return LETTERS[most], float(shares[most])


def differing(items: RowItems, others: RowItems) -> int:
    """Count the items on which two rows have different choices or accuracies. Also count items of only one row."""
    values = np.full((2, 2, len(pinned_items())), -1.0)
    for row, one in zip(values, (items, others), strict=True):
        row[:, _columns_of(one.ids)] = (one.picks, np.nan_to_num(one.accuracies, nan=-1.0))
    return int((values[0] != values[1]).any(axis=0).sum())


@lru_cache(maxsize=256)
def _columns_of(ids: tuple[str, ...]) -> Ints:
    """Return each item's column: its index among the sorted ids of all items of the dataset and the sample."""
    columns = {item_id: column for column, item_id in enumerate(sorted(pinned_items()))}
    return np.array([columns[item_id] for item_id in ids], dtype=np.int64)


@dataclass(frozen=True)
class Compared:
    """Comparisons of a block of rows with other rows. Every field has the shape (rows of the block, other rows).

    A row is mute if `Matrices.is_mute` marks it.

    Attributes:
        same_wrong: number of items with the same wrong choice.
        fewer_wrong: number of wrong choices of the row with fewer, among the items that both rows answered.
        both_wrong: number of items on which both rows are wrong, whatever they chose; 0 if neither row is mute.
        fewer_failed: number of wrong items of the row with fewer, among the shared items; 0 if neither row is mute.
        same_answers: number of items with equal probabilities.
        shared_items: number of items that both rows have.
        by_choice: whether the wrong choices are similar.
        by_items: whether the rows are wrong on the same items.
        is_alike: whether the wrong choices, the wrong items or the probabilities are similar.
    """

    same_wrong: Floats
    fewer_wrong: Floats
    both_wrong: Floats
    fewer_failed: Floats
    same_answers: Floats
    shared_items: Floats
    by_choice: Flags
    by_items: Flags
    is_alike: Flags

    def in_common(self, place: int, other: int) -> str:
        """Return in words what row `place` of the block and row `other` of the other rows have in common."""
        by_choice = bool(self.by_choice[place, other])
        if self.by_items[place, other] and not by_choice:
            both, fewer = int(self.both_wrong[place, other]), int(self.fewer_failed[place, other])
            return f"wrong answers on the same items ({both} of {fewer})"
        same, of = (self.same_wrong, self.fewer_wrong) if by_choice else (self.same_answers, self.shared_items)
        what = "wrong choice" if by_choice else "scores"
        return f"the same {what} on {int(same[place, other])} of {int(of[place, other])} items"


@dataclass(frozen=True)
class Matrices:
    """The choices and answers of all rows, as matrices.

    Attributes:
        chose: whether the row has a choice on the item; shape (rows, items). More than two tied wrong options do not
            count as a choice.
        wrong: bit mask of the wrong options chosen, with the bits of `RowItems.picks`; shape (rows, items).
        scored: whether the row has the item; shape (rows, items).
        answers: sparse, shape (rows, hashes). Each hash in `RowItems.answers` of any row has a column. If 2 to 64 rows
            have the hash, the column is 1 for these rows. All other values are 0.
        common: one column for each hash that more than 64 rows have, true for these rows; shape (rows, common hashes).
        one_letter: whether the row answers nearly all items with one letter; shape (rows,).
        failed: whether the row is wrong on the item, whatever it chose; shape (rows, items).
        is_mute: whether the row has no choice on more than half of its wrong items; shape (rows,).
    """

    chose: Flags
    wrong: Picks
    scored: Flags
    answers: Any
    common: Flags
    one_letter: Flags
    failed: Flags
    is_mute: Flags

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Matrices":
        """Return the matrices of these rows, in the same order."""
        shape = (len(rows), len(pinned_items()))
        picks, scored, failed = np.zeros(shape, np.uint8), np.zeros(shape, bool), np.zeros(shape, bool)
        for place, row in enumerate(rows):
            columns = _columns_of(row.items.ids)
            picks[place, columns] = row.items.picks
            scored[place, columns] = True
            failed[place, columns] = row.items.accuracies == 0
        golds = [1 << item.option_ids.index(item.gold) for _, item in sorted(pinned_items().items())]
        wrong = picks & ~np.array(golds, np.uint8)
        picks[_N_OPTIONS_OF[wrong] > _MOST_TIED] = 0
        wrong[picks == 0] = 0
        one_letter = np.array([letter_share(row)[1] >= ONE_LETTER for row in rows], dtype=bool)
        is_mute = 2 * (failed & (picks == 0)).sum(axis=1) > failed.sum(axis=1)
        return cls(picks > 0, wrong, scored, *_answers(rows), one_letter, failed, is_mute)

    def in_common(self, place: int, other: int) -> str:
        """Return in words what two rows have in common."""
        return self.compared(slice(place, place + 1), slice(other, other + 1)).in_common(0, 0)

    def compared(self, block: slice, others: slice = _ALL) -> Compared:
        """Compare the rows of a block with other rows. Memory grows with the product of their numbers."""
        # Each row's wrong choices are counted on items where the other row chose something.
        fewer = np.minimum(
            self._chose.of(others).shared_with(self._any_wrong[block]),
            self._chose.of(block).shared_with(self._any_wrong[others]).T,
        )
        same_wrong = self._same_wrong(block, others)
        both_read = ~self.one_letter[block, None] & ~self.one_letter[others]
        by_choice = (fewer >= MIN_WRONG) & (same_wrong >= SAME_SHARE * fewer) & both_read
        shared_items = self._scored.of(others).shared_with(self.scored[block])
        same_answers = product(self.answers, block, others) + shared(self.common[block], self.common[others])
        both_wrong, fewer_failed, by_items = self._failed_alike(block, others, shared_items)
        by_answers = same_answers >= np.maximum(_MIN_EQUAL_ANSWERS, _EQUAL_SHARE * shared_items)
        return Compared(
            same_wrong, fewer, both_wrong, fewer_failed, same_answers, shared_items, by_choice, by_items,
            by_choice | by_items | by_answers,
        )  # fmt: skip

    def _failed_alike(self, block: slice, others: slice, shared_items: Floats) -> tuple[Floats, Floats, Flags]:
        """Count for each pair of rows the items that both get wrong, and the wrong items of the row with fewer.

        The third result marks pairs that are wrong on the same items. Only pairs with a mute row can be marked. Two
        systems that are often wrong share wrong items by chance. So the number must also be improbable: below 1 in
        1,000 if each wrong item is shared with probability (1 + p) / 2. p is the fraction of shared items on which the
        row with more wrong items is wrong.
        """
        mute, others_mute = self.is_mute[block], self.is_mute[others]
        both, fewer, more = (np.zeros(shared_items.shape) for _ in range(3))
        if not self.is_mute.any():
            return both, fewer, np.zeros(shared_items.shape, bool)
        for some, some_others in ((mute, np.full(len(others_mute), fill_value=True)), (~mute, others_mute)):
            if some.any() and some_others.any():
                failed, scored = self.failed[block][some], self.scored[block][some]
                others_failed, others_scored = self.failed[others][some_others], self.scored[others][some_others]
                mine, theirs = shared(failed, others_scored), shared(scored, others_failed)
                cells = np.ix_(some, some_others)
                fewer[cells], more[cells] = np.minimum(mine, theirs), np.maximum(mine, theirs)
                both[cells] = shared(failed, others_failed)
        pairs = (fewer >= MIN_WRONG) & (both >= SAME_SHARE * fewer)
        by_chance = (1 + more[pairs] / np.maximum(shared_items[pairs], 1)) / 2
        alike = np.zeros(pairs.shape, bool)
        alike[pairs] = binom.sf(both[pairs] - 1, fewer[pairs], by_chance) < _BY_CHANCE
        return both, fewer, alike

    def _same_wrong(self, block: slice, others: slice) -> Floats:
        """Count for each pair of rows the items on which both rows chose the same wrong option.

        One common option is enough, so that a copy with an added tie is found. The sum over the options counts an item
        with two common options twice, so subtract each of these items once.
        """
        same = self._wrong_options[block] @ self._wrong_options[others].T
        return np.asarray(same) - product(self._tied, block, others)

    @cached_property
    def _any_wrong(self) -> Flags:
        return self.wrong > 0

    @cached_property
    def _chose(self) -> Patterns:
        return Patterns.of_rows(self.chose)

    @cached_property
    def _scored(self) -> Patterns:
        return Patterns.of_rows(self.scored)

    @cached_property
    def _wrong_options(self) -> NDArray[np.float32]:
        """1 if the row chose the wrong option; shape (rows, wrong options that any row chose)."""
        bits = np.concatenate([(self.wrong >> k) & 1 for k in range(N_OPTIONS)], axis=1)
        return bits[:, bits.any(axis=0)].astype(np.float32)

    @cached_property
    def _tied(self) -> Any:
        """1 if two wrong options are tied; sparse, because ties are rare; shape (rows, pairs of options)."""
        bits = [(self.wrong >> k) & 1 for k in range(N_OPTIONS)]
        return hstack([csr_matrix(one & other, dtype=np.int32) for one, other in combinations(bits, _MOST_TIED)], "csr")


def _answers(rows: Sequence[Row]) -> tuple[Any, Flags]:
    """Return `Matrices.answers`, a sparse matrix of rare answers, and `Matrices.common`, a dense matrix of common ones.

    Common answers are dense, because an answer that k rows gave costs k^2 steps in a sparse product.
    """
    given = [row.items.answers for row in rows]
    together = np.concatenate([np.array([], np.int64), *given])
    _, codes, times = np.unique(together, return_inverse=True, return_counts=True)
    places = np.repeat(np.arange(len(rows)), [len(answers) for answers in given])
    few, many = (times > 1) & (times <= _MANY), times > _MANY
    common = np.zeros((len(rows), int(many.sum())), bool)
    is_common = many[codes]
    common[places[is_common], np.cumsum(many)[codes[is_common]] - 1] = True
    kept = few[codes]
    ones = np.ones(int(kept.sum()), np.int32)
    sparse = csr_matrix((ones, (places[kept], codes[kept])), shape=(len(rows), max(len(times), 1)))
    return sparse, common
