"""Test all pairs of a board's rows, and compute the ranks that the tests cannot exclude. Rows are tested in blocks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from recipe_mpr_task import statistics
from recipe_mpr_task.statistics import LEVEL, Floats, Ints

_CELLS = 2_000_000
"""A block has at most this many pairs, which take about 100 MB."""

_ROUNDING = 1e-6
"""Tolerance when a sum of squared differences is compared with a whole number."""


def rank_ranges(ranks: Ints, p_blocks: Iterable[Floats]) -> tuple[Ints, Ints]:
    """Return the best and the worst possible rank of each row, as two arrays of shape (rows,).

    For each row R, the p values of its comparisons with all other rows are Holm-corrected together. A lower row is
    separated from R if the corrected p value is below 5%. R's worst rank is the number of rows minus the number of
    lower rows that are separated from R. The leader's worst rank is therefore the size of its tie group. R's best rank
    is 1 plus the number of higher rows from which R is separated. A row that differs from others on many items is hard
    to separate, and can have a wide range. The ranges are marginal confidence sets of ranks: Mogstad,
    Romano, Shaikh and Wilhelm (2024), doi 10.1093/restud/rdad006.

    Args:
        ranks: ascending ranks, 1 for the best, shape (rows,). Equal accuracies have equal ranks.
        p_blocks: uncorrected p values of all pairs, in blocks of consecutive rows, shape (rows of the block, rows).
    """
    n, first = len(ranks), 0
    n_below, n_above = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for p in p_blocks:
        block = slice(first, first + len(p))
        separated = _separated(p, first) & (ranks[block, None] < ranks)
        n_below[block] = np.count_nonzero(separated, axis=1)
        n_above += np.count_nonzero(separated, axis=0)
        first += len(p)
    return 1 + n_above, n - n_below


def _separated(p: Floats, first: int) -> NDArray[np.bool_]:
    """Return which rows Holm's method separates from each row of a block, shape (rows of the block, rows).

    The result equals that of `statistics.holm` for each row, but needs no sorting. Holm's method tests the k-th
    smallest of m p values by p (m - k + 1) < 5%, and stops at the first failure. So if the method rejects k tests, k
    is the smallest number for which exactly k p values have p (m - k) < 5%.

    Args:
        p: uncorrected p values, shape (rows of the block, rows).
        first: index of the block's first row. A row's comparison with itself is not a test.
    """
    m = p.shape[1] - 1
    own = (np.arange(len(p)), np.arange(first, first + len(p)))
    separated: NDArray[np.bool_] = p * m < LEVEL  # rejected, whatever the other p values are
    separated[own] = False
    is_open = ~separated & (p < LEVEL)
    is_open[own] = False
    rows, columns = np.nonzero(is_open)
    left, n_sure = p[rows, columns], np.count_nonzero(separated, axis=1)
    n_rejected = n_sure
    while True:
        rejected = left * (m - np.minimum(n_rejected, m - 1))[rows] < LEVEL
        counted = n_sure + np.bincount(rows[rejected], minlength=len(p))
        if np.array_equal(counted, n_rejected):
            break
        n_rejected = counted
    separated[rows[rejected], columns[rejected]] = True
    return separated


@dataclass(frozen=True, eq=False)
class PairTests:
    """Paired tests of every pair of systems.

    The test is McNemar's exact test if every item is a full win, a full loss or a tie. Other pairs have fractional
    accuracies. Their p value approximates the sign-flip test: p = 2 Phi(-|sum d| / sqrt(sum d^2)), where d is an item's
    difference in accuracy. Matrix products count the wins of all pairs at once.

    Attributes:
        accuracies: fractions, shape (items, systems).
    """

    accuracies: Floats

    def blocks(self, most_cells: int = _CELLS) -> Iterator[Floats]:
        """Yield the p values of blocks of systems, shape (systems of the block, systems)."""
        n = self.accuracies.shape[1]
        size = max(1, most_cells // max(n, 1))
        for first in range(0, n, size):
            yield self.p(slice(first, first + size))

    def p(self, block: slice) -> Floats:
        """Return the p value of each pair of a system of the block and any system."""
        right, wrong = self._right_wrong
        wins, losses = right[:, block].T @ wrong, wrong[:, block].T @ right  # exact in 32-bit floats
        # Many pairs of systems have the same numbers of wins and losses. Run the test once per combination.
        codes = (wins * np.float32(len(self.accuracies) + 1) + losses).astype(np.intp)
        occurs = np.bincount(codes.ravel(), minlength=len(self._p_of_code)) > 0
        tested = np.flatnonzero(occurs & np.isnan(self._p_of_code))
        self._p_of_code[tested] = statistics.mcnemar(*np.divmod(tested, len(self.accuracies) + 1))
        p: Floats = self._p_of_code[codes]
        if self._has_fractions:
            self._approximate(p, block, wins + losses)
        return p

    def _approximate(self, p: Floats, block: slice, n_differing: Floats) -> None:
        """Write the p values of pairs with fractional accuracies into `p`."""
        accuracies = self.accuracies
        sums, squares = accuracies.sum(axis=0), (accuracies**2).sum(axis=0)
        distances = squares[block, None] + squares - 2 * accuracies[:, block].T @ accuracies
        first, second = np.nonzero(distances - n_differing > _ROUNDING)
        z = np.abs(sums[block][first] - sums[second]) / np.sqrt(distances[first, second])
        p[first, second] = 2 * norm.cdf(-z)

    @cached_property
    def _right_wrong(self) -> tuple[Floats, Floats]:
        return (self.accuracies == 1).astype(np.float32), (self.accuracies == 0).astype(np.float32)

    @cached_property
    def _p_of_code(self) -> Floats:
        """The p value of each combination of wins and losses; NaN if no pair had the combination yet."""
        return np.full((len(self.accuracies) + 1) ** 2, np.nan)

    @cached_property
    def _has_fractions(self) -> bool:
        return bool(((self.accuracies != 0) & (self.accuracies != 1)).any())
