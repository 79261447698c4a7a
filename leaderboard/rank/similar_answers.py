"""Which rows answer alike, item by item, whatever board they are on.

Right answers prove nothing: two perfect systems are not copies. What counts is the same wrong choice on the same item,
and the same probabilities to four digits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from leaderboard.rank.choices import ONE_LETTER, columns, columns_of, golds, letter_share
from leaderboard.rank.relations import related, relation_codes
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import Picks
from leaderboard.rank.statistics import Floats, Ints
from leaderboard.verify.checks import RANKED
from recipe_mpr_task.item import N_OPTIONS

SAME_SHARE = 0.95
"""Of the wrong choices of the row that has fewer: where so many are the other's too, one may be a copy.

Of the row that has fewer, so that a copy with some answers put right is found as well.
"""

_SAME_BY_CHANCE = 0.55
_UNLIKELY = 0.001
MIN_WRONG = math.ceil(math.log(_UNLIKELY) / math.log(_SAME_BY_CHANCE))
"""Wrong choices below which sharing all of them may be chance: 12.

Some distractors attract everybody. Among published runs on all 500 items and ours, the two systems most alike that
have no part in common (two embedding models) share .53 of the wrong choices of the one that has fewer. At .55, n of n
are the same with probability .55^n, below 1 in 1,000 from n = 12 on; at 95% of n the binomial tail stays below it.
"""

_MIN_EQUAL_ANSWERS = 20
_EQUAL_SHARE = 0.5
_MOST_TIED = 2
"""Wrong options tied for the best up to which a choice is one; with more of them there is no preference."""

_BLOCK = 1024
_MANY = 64
_N_OPTIONS_OF = np.array([bits.bit_count() for bits in range(2**N_OPTIONS)])

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Likeness:
    """A row that another answers like.

    Attributes:
        other: its place among the rows.
        same: items with the same wrong choice, or with the same probabilities.
        of: the wrong choices of the row that has fewer on the items that both answered, or the items that both have.
        by_choice: whether wrong choices are counted, and not equal probabilities.
        is_related: whether the two are known to belong together.
    """

    other: int
    same: int
    of: int
    by_choice: bool
    is_related: bool


def find_alike(rows: Sequence[Row]) -> list[list[Likeness]]:
    """Find for each row the first unrelated and the first related row that answers like it.

    Rows of one identity are one system and are passed over. Of two rows without rank nothing is said. Ranked rows come
    first, then those that stand earlier.

    Args:
        rows: with items, in the order of preference.

    Returns:
        For each row no, one or two likenesses, the unrelated one first.
    """
    matrices = Matrices.of(rows)
    codes = relation_codes(rows)
    identities = _numbered([row.identity or f"row {place}" for place, row in enumerate(rows)])
    ranked = np.array([row.status in RANKED for row in rows], dtype=bool)
    preference = np.argsort(~ranked, kind="stable")
    found: list[list[Likeness]] = []
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(rows)))
        compared = matrices.compared(block)
        for place in range(block.start, block.stop):
            is_alike = compared.is_alike[place - start] & (identities != identities[place]) & (ranked | ranked[place])
            if not is_alike.any():
                found.append([])
                continue
            akin = related(codes, place)
            firsts = (_first(is_alike & ~akin, preference), _first(is_alike & akin, preference))
            found.append([
                compared.likeness(place - start, other, is_related=is_related)
                for is_related, other in zip((False, True), firsts, strict=True)
                if other is not None
            ])  # fmt: skip
    return found


def _first(flags: Flags, preference: Ints) -> int | None:
    chosen = np.flatnonzero(flags[preference])
    return int(preference[chosen[0]]) if len(chosen) else None


@dataclass(frozen=True)
class _Compared:
    """A block of rows against all, each matrix of shape (rows of the block, rows)."""

    same_wrong: Floats
    fewer_wrong: Floats
    same_answers: Floats
    shared_items: Floats
    by_choice: Flags
    is_alike: Flags

    def likeness(self, place: int, other: int, *, is_related: bool) -> Likeness:
        by_choice = bool(self.by_choice[place, other])
        same, of = (self.same_wrong, self.fewer_wrong) if by_choice else (self.same_answers, self.shared_items)
        return Likeness(other, int(same[place, other]), int(of[place, other]), by_choice, is_related)


@dataclass(frozen=True)
class Matrices:
    """What rows chose, in columns of all items that there are.

    Attributes:
        chose: whether a row chose anything, without too many ties; (rows, items).
        wrong: the wrong options chosen as bits, see `PackedItems.picks`, 0 where there are none; (rows, items).
        scored: whether a row has the item; (rows, items).
        answers: which rows gave which answer, see `PackedItems.answers`; sparse (rows, answers), those that few gave.
        common: the same of answers that many rows gave; (rows, answers).
        one_letter: rows that answer nearly always at one letter, which is why they agree; (rows,).
    """

    chose: Flags
    wrong: Picks
    scored: Flags
    answers: Any
    common: Flags
    one_letter: Flags

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Matrices":
        """Return the matrices of these rows, one line per row."""
        shape = (len(rows), len(columns()))
        picks, scored = np.zeros(shape, np.uint8), np.zeros(shape, bool)
        for place, row in enumerate(rows):
            theirs = columns_of(row.items.ids)
            picks[place, theirs] = row.items.picks
            scored[place, theirs] = True
        wrong = picks & ~golds()
        picks[_N_OPTIONS_OF[wrong] > _MOST_TIED] = 0
        wrong[picks == 0] = 0
        one_letter = np.array([letter_share(row)[1] >= ONE_LETTER for row in rows], dtype=bool)
        return cls(picks > 0, wrong, scored, *_answers(rows), one_letter)

    def compared(self, block: slice) -> _Compared:
        """Compare the rows of a block with all rows."""
        chose, wrong = self.chose, self.wrong > 0
        # Of each the wrong choices on items where the other chose something: other items are not compared.
        of_these, of_those = _shared(wrong[block], chose), _shared(chose[block], wrong)
        fewer = np.minimum(of_these, of_those)
        same_wrong = self._same_wrong(block)
        both_read = ~self.one_letter[block, None] & ~self.one_letter
        by_choice = (fewer >= MIN_WRONG) & (same_wrong >= SAME_SHARE * fewer) & both_read
        shared_items = _shared(self.scored[block], self.scored)
        same_answers = (self.answers[block] @ self.answers.T).toarray() + _shared(self.common[block], self.common)
        by_answers = same_answers >= np.maximum(_MIN_EQUAL_ANSWERS, _EQUAL_SHARE * shared_items)
        return _Compared(same_wrong, fewer, same_answers, shared_items, by_choice, by_choice | by_answers)

    def _same_wrong(self, block: slice) -> Floats:
        """How many items have a wrong option that both chose: a tie added to a copied choice hides nothing.

        By inclusion and exclusion: items that share an option, less those counted twice because they share two.
        """
        bits = [(self.wrong >> k) & 1 > 0 for k in range(N_OPTIONS)]
        shared = sum(_shared(bit[block], bit) for bit in bits)
        pairs = ((one & other) for one, other in combinations(bits, _MOST_TIED))
        twice = sum(_shared(pair[block], pair) for pair in pairs if pair.any())
        return np.asarray(shared - twice)


def _shared(these: Flags, those: Flags) -> Floats:
    """How many columns two rows both have, for each pair; counts are exact in 32 bits."""
    return np.asarray(these.astype(np.float32) @ those.astype(np.float32).T)


def _answers(rows: Sequence[Row]) -> tuple[Any, Flags]:
    """The answers that few rows share, sparse, and those that many share: the first product grows with their square."""
    given = [row.items.answers for row in rows]
    together = np.concatenate(given) if given else np.array([], np.int64)
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


def _numbered(keys: Sequence[str]) -> Ints:
    return np.asarray(np.unique(np.array(keys), return_inverse=True)[1])
