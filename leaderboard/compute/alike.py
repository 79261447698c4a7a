"""Which rows answer alike, item by item, whatever board they are on.

Right answers prove nothing: two perfect systems are not copies. What counts is the same wrong choice on the same item,
and the same probabilities to four digits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from leaderboard.compute.packed import Picks
from leaderboard.compute.relations import related, relation_codes
from leaderboard.compute.row import Row
from leaderboard.compute.statistics import Floats, Ints
from leaderboard.validate.run import RANKED
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import pinned_items

SAME_SHARE = 0.95
"""Of the wrong choices of the row that has fewer: where so many are the other's too, one may be a copy.

Of the row that has fewer, so that a copy with some answers put right is found as well.
"""

_SAME_BY_CHANCE = 0.6
_UNLIKELY = 0.001
MIN_WRONG = math.ceil(math.log(_UNLIKELY) / math.log(_SAME_BY_CHANCE))
"""Wrong choices below which sharing all of them may be chance: 14.

Some distractors attract everybody. In 12 published runs without common parts the pair most alike shares .60 of the
wrong choices of the one that has fewer. At that rate n of n are the same with probability .6^n, below 1 in 1,000 from
n = 14 on; at 95% the binomial tail stays below it for every larger n.
"""

_MIN_EQUAL_ANSWERS = 20
_EQUAL_SHARE = 0.5
_ONE_LETTER = 0.95
_NO_CHOICE, _ALL_TIED = 0, 2**N_OPTIONS - 1
_BLOCK = 1024

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
    matrices = _Matrices.of(rows)
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
                for is_related, other in enumerate(firsts)
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
    same_answers: Ints
    shared_items: Floats
    by_choice: Flags
    is_alike: Flags

    def likeness(self, place: int, other: int, *, is_related: bool) -> Likeness:
        by_choice = bool(self.by_choice[place, other])
        same, of = (self.same_wrong, self.fewer_wrong) if by_choice else (self.same_answers, self.shared_items)
        return Likeness(other, int(same[place, other]), int(of[place, other]), by_choice, is_related)


@dataclass(frozen=True)
class _Matrices:
    """What rows chose, in columns of all items that there are.

    Attributes:
        picks: chosen options as bits, see `PackedItems.picks`, 0 where a row chose nothing or all; (rows, items).
        wrong: whether the choice is not the right option alone; (rows, items).
        scored: whether a row has the item; (rows, items).
        answers: which rows gave which answer, see `PackedItems.answers`; sparse (rows, answers).
        one_letter: rows that answer nearly always at one letter, which is why they agree; (rows,).
    """

    picks: Picks
    wrong: Flags
    scored: Flags
    answers: Any
    one_letter: Flags

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "_Matrices":
        shape = (len(rows), len(_columns()))
        picks, scored = np.zeros(shape, np.uint8), np.zeros(shape, bool)
        for place, row in enumerate(rows):
            columns = _columns_of(row.items.ids)
            picks[place, columns] = row.items.picks
            scored[place, columns] = True
        picks[picks == _ALL_TIED] = _NO_CHOICE  # no preference is no choice
        wrong = (picks != _golds()) & (picks != _NO_CHOICE)
        one_letter = np.array([letter_share(row)[1] >= _ONE_LETTER for row in rows], dtype=bool)
        return cls(picks, wrong, scored, _answers(rows), one_letter)

    def compared(self, block: slice) -> _Compared:
        chose, wrong = self.picks != _NO_CHOICE, self.wrong
        # Of each the wrong choices on items where the other chose something: other items are not compared.
        of_these, of_those = _shared(wrong[block], chose), _shared(chose[block], wrong)
        fewer = np.minimum(of_these, of_those)
        same_wrong = np.zeros_like(fewer)
        for pick in np.unique(self.picks[block][wrong[block]]):
            is_pick = wrong & (self.picks == pick)
            same_wrong += _shared(is_pick[block], is_pick)
        both_read = ~self.one_letter[block, None] & ~self.one_letter
        by_choice = (fewer >= MIN_WRONG) & (same_wrong >= SAME_SHARE * fewer) & both_read
        shared_items = _shared(self.scored[block], self.scored)
        same_answers = (self.answers[block] @ self.answers.T).toarray()
        by_answers = same_answers >= np.maximum(_MIN_EQUAL_ANSWERS, _EQUAL_SHARE * shared_items)
        return _Compared(same_wrong, fewer, same_answers, shared_items, by_choice, by_choice | by_answers)


def _shared(these: Flags, those: Flags) -> Floats:
    """How many columns two rows both have, for each pair; counts are exact in 32 bits."""
    return np.asarray(these.astype(np.float32) @ those.astype(np.float32).T)


def _answers(rows: Sequence[Row]) -> Any:
    given = [row.items.answers for row in rows]
    together = np.concatenate(given) if given else np.array([], np.int64)
    values, codes, times = np.unique(together, return_inverse=True, return_counts=True)
    places = np.repeat(np.arange(len(rows)), [len(answers) for answers in given])
    kept = times[codes] > 1  # an answer that one row alone gave is shared with none
    ones = np.ones(int(kept.sum()), np.int32)
    matrix = csr_matrix((ones, (places[kept], codes[kept])), shape=(len(rows), max(len(values), 1)))
    return matrix


def letter_share(row: Row) -> tuple[str, float]:
    """Return the letter at which most of a row's answers stand in the order it was shown, and their share in [0, 1].

    An imported row is taken to have seen the shuffled order: if it saw another, its answers stand at no one letter.
    """
    if row.position is not None:
        shares = [share or 0.0 for share in row.position["answers"]]
    else:
        picks = row.items.picks
        bits = (picks[:, None] >> _slots()[_columns_of(row.items.ids)]) & 1
        counts = (bits / np.maximum(bits.sum(axis=1, keepdims=True), 1)).sum(axis=0)
        shares = (counts / max(len(picks), 1)).tolist()
    most = max(range(N_OPTIONS), key=lambda k: shares[k])
    return LETTERS[most], float(shares[most])


def answers_one_letter(row: Row) -> bool:
    """Say whether nearly all of a row's answers, of enough to tell, stand at one letter."""
    return len(row.items) >= MIN_WRONG and letter_share(row)[1] >= _ONE_LETTER


def differing(row: Row, other: Row) -> int:
    """Count the items of two rows on which one chose otherwise, or scored otherwise, or that only one has."""
    mine, theirs = _by_column(row), _by_column(other)
    return int((mine != theirs).any(axis=0).sum())


def _by_column(row: Row) -> Floats:
    found = np.full((2, len(_columns())), -1.0)
    found[:, _columns_of(row.items.ids)] = (row.items.picks, np.nan_to_num(row.items.accuracies, nan=-1.0))
    return found


@lru_cache(maxsize=1)
def _columns() -> dict[str, int]:
    return {item_id: column for column, item_id in enumerate(sorted(pinned_items()))}


@lru_cache(maxsize=256)
def _columns_of(ids: tuple[str, ...]) -> Ints:
    return np.array([_columns()[item_id] for item_id in ids], dtype=np.int64)


@lru_cache(maxsize=1)
def _golds() -> Picks:
    golds = [1 << pinned.option_ids.index(pinned.gold) for _, pinned in sorted(pinned_items().items())]
    return np.array(golds, np.uint8)


@lru_cache(maxsize=1)
def _slots() -> Picks:
    """Which option in the file stands at each letter of the shuffled order, shape (items, 5)."""
    return np.array([pinned.order for _, pinned in sorted(pinned_items().items())], np.uint8)


def _numbered(keys: Sequence[str]) -> Ints:
    return np.asarray(np.unique(np.array(keys), return_inverse=True)[1])
