"""Find all pairs of rows with similar answers. Each pair is compared once, in blocks of bounded memory."""

from dataclasses import dataclass

import numpy as np

from leaderboard.rank.row_items import Picks
from leaderboard.rank.shared_counts import Flags
from leaderboard.rank.similar_answers import Matrices

_BITS = 8


@dataclass(frozen=True)
class AlikePairs:
    """Which rows have similar answers.

    Attributes:
        bits: packed flags, shape (rows, rows / 8). Bit k of row i says whether row i and row k are alike. Only one of
            (i, k) and (k, i) need be set.
        has_any: whether the row is like any other row, shape (rows,).
    """

    bits: Picks
    has_any: Flags

    @classmethod
    def of(cls, matrices: Matrices, most_cells: int) -> "AlikePairs":
        """Compare all rows. A block of rows has at most `most_cells` comparisons, but at least one row."""
        n = len(matrices.scored)
        bits, has_any = np.zeros((n, -(-n // _BITS)), np.uint8), np.zeros(n, bool)
        first = 0
        while first < n:
            column = first - first % _BITS  # the comparisons of this block with earlier rows are known
            block = slice(first, first + max(1, most_cells // (n - column)))
            is_alike = matrices.compared(block, slice(column, None)).is_alike
            own = np.arange(len(is_alike))
            is_alike[own, own + first - column] = False
            bits[block, column // _BITS :] = np.packbits(is_alike, axis=1)
            has_any[block] |= is_alike.any(axis=1)
            has_any[column:] |= is_alike.any(axis=0)
            first += len(is_alike)
        return cls(bits, has_any)

    def with_row(self, place: int) -> Flags:
        """Return which rows are like row `place`, shape (rows,)."""
        listed = np.unpackbits(self.bits[place], count=len(self.bits))
        byte, bit = divmod(place, _BITS)
        return np.asarray((listed | self.bits[:, byte] >> (_BITS - 1 - bit) & 1) == 1)
