"""Rank a board's rows and compare them by paired tests: each row with the leader, and all rows with each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm, rankdata

from leaderboard.rank.row import AgainstLeader, Row
from recipe_mpr_task import statistics
from recipe_mpr_task.statistics import LEVEL, Floats, Ints

_MATRIX = 50
_ROUNDING = 1e-6
"""Tolerance when a sum of squared differences is compared with a whole number."""
_USUAL_DISCORDANCE = 0.2
_DIGITS = 9


@dataclass(frozen=True)
class PairMatrix:
    """Two matrices that compare the best 50 systems of a board with each other.

    `difference` has the accuracy of the row's system minus the accuracy of the column's system, as fractions. `p_holm`
    has p values, Holm-corrected over all pairs. Both matrices have None on the diagonal.
    """

    ids: list[str]
    difference: list[list[float | None]]
    p_holm: list[list[float | None]]


@dataclass(frozen=True)
class Board:
    """The rows of one board. Ranked rows are comparable, because they have the same items and option order.

    Attributes:
        sizes: number of items of each query type.
        detectable: for "all" and each query type, the smallest difference in accuracy that the paired test detects
            with 80% power, a fraction. The power depends on the fraction of items on which two rows differ. The median
            fraction between the leader and other ranked rows is assumed; 20% if this median is 0 or unknown.
        matrix: None if fewer than two rows are ranked.
    """

    key: str
    title: str
    rows: tuple[Row, ...]
    sizes: dict[str, int]
    detectable: dict[str, float]
    matrix: PairMatrix | None


def board_of(key: str, title: str, rows: Iterable[Row]) -> Board:
    """Rank and compare the rows, and return them as a board."""
    ranked, others = _ranked(rows)
    first = next((row for row in (*ranked, *others) if row.items), None)
    sizes = {name: score.n or 0 for name, score in first.types.items()} if first else {}
    discordance, matrix = 0.0, None
    if len(ranked) > 1:
        accuracies = np.column_stack([row.items.accuracies for row in ranked])  # ranked rows have the same items
        discordance = float(np.median((accuracies[:, 1:] != accuracies[:, :1]).mean(axis=0)))
        differences, p = statistics.pairwise(accuracies[:, :_MATRIX])
        matrix = _matrix(ranked[:_MATRIX], differences, p)
        ranked = _compared(ranked, accuracies, p)
    else:
        ranked = [replace(row, rank_low=1, rank_high=1) for row in ranked]
    detectable = {
        name: round(statistics.minimal_detectable_effect(discordance or _USUAL_DISCORDANCE, size), _DIGITS)
        for name, size in {"all": len(first.items) if first else 0, **sizes}.items()
        if size
    }
    return Board(key, title, tuple(ranked + others), sizes, detectable, matrix)


def _ranked(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Return the ranked rows and the other rows, highest accuracy first. Rows with equal accuracy have equal ranks."""
    rows = sorted(rows, key=lambda row: (-(row.score.acc or 0.0), row.system, row.source, row.reason))
    contenders = [row for row in rows if row.is_contender]
    others = [row for row in rows if not row.is_contender]
    ranks = rankdata([-(row.score.acc or 0.0) for row in contenders], method="min").astype(int).tolist()
    return [replace(row, rank=rank) for row, rank in zip(contenders, ranks, strict=True)], others


def _compared(ranked: Sequence[Row], accuracies: Floats, p_of_best: Floats) -> list[Row]:
    """Add to each row its possible ranks and its paired comparison with the leader.

    A row is tied with the leader unless its p value, Holm-corrected over the board, is below 5%. The interval of the
    difference is corrected too, so it contains 0 exactly if the row is tied. `accuracies` has the shape (items,
    rows). `p_of_best` has the p values from `statistics.pairwise` for all pairs of the best 50 rows.
    """
    with_leader = statistics.compare_with(accuracies[:, 1:], accuracies[:, 0])
    p = all_pairs(accuracies)
    # `all_pairs` approximates some p values. Use exact p values for pairs of the best rows and pairs with the leader.
    p[: len(p_of_best), : len(p_of_best)] = p_of_best
    p[0, 1:] = p[1:, 0] = [comparison.p for comparison in with_leader]
    ranges = np.transpose(rank_ranges(np.array([row.rank for row in ranked]), p)).tolist()
    leader, *others = [
        replace(row, rank_low=low, rank_high=high) for row, (low, high) in zip(ranked, ranges, strict=True)
    ]
    corrected, agreeing = statistics.holm_agreeing(with_leader)
    return [replace(leader, is_tied=True)] + [
        replace(row, is_tied=p_holm >= LEVEL, against_leader=AgainstLeader.rounded(comparison, p_holm))
        for row, comparison, p_holm in zip(others, agreeing, corrected.tolist(), strict=True)
    ]


def rank_ranges(ranks: Ints, p: Floats) -> tuple[Ints, Ints]:
    """Return the best and the worst possible rank of each row, as two arrays of shape (rows,).

    For each row R, the p values of its comparisons with all other rows are Holm-corrected together. A lower row is
    separated from R if the corrected p value is below 5%. R's worst rank is the number of rows minus the number of
    lower rows that are separated from R. The leader's worst rank is therefore the size of its tie group. R's best rank
    is 1 plus the number of higher rows from which R is separated. A row that differs from the others on many items is
    hard to separate, so this row can have a wide range. The ranges are marginal confidence sets of ranks: Mogstad,
    Romano, Shaikh and Wilhelm (2024), doi 10.1093/restud/rdad006.

    Args:
        ranks: ascending ranks, 1 for the best, shape (rows,). Equal accuracies have equal ranks.
        p: uncorrected p values of all pairs, shape (rows, rows).
    """
    n = len(ranks)
    p = np.where(np.eye(n, dtype=bool), 1.0, p)
    order = np.argsort(p, axis=1)
    # This is `statistics.holm` for all rows at once. The diagonal is not a test, so each row has n - 1 tests.
    corrected = np.maximum.accumulate(np.take_along_axis(p, order, axis=1) * np.arange(n - 1, -1, -1), axis=1)
    separated = np.zeros((n, n), dtype=bool)
    np.put_along_axis(separated, order, corrected < LEVEL, axis=1)
    separated &= ranks[:, None] < ranks
    return 1 + separated.sum(axis=0), n - separated.sum(axis=1)


def all_pairs(accuracies: Floats) -> Floats:
    """Return the p value of a paired test for every pair of systems, shape (systems, systems).

    The test is McNemar's exact test if every item is a full win, a full loss or a tie. Other pairs have fractional
    accuracies. Their p value approximates the sign-flip test: p = 2 Phi(-|sum d| / sqrt(sum d^2)), where d is an item's
    difference in accuracy. Matrix products count the wins of all pairs at once.

    Args:
        accuracies: fractions, shape (items, systems).
    """
    right, wrong = (accuracies == 1).astype(np.float32), (accuracies == 0).astype(np.float32)
    wins = np.rint(right.T @ wrong).astype(np.int64)
    # Many pairs of systems have the same numbers of wins and losses. Run the test once per combination.
    codes = wins * (len(accuracies) + 1) + wins.T
    p_of_code = np.zeros(codes.max(initial=0) + 1)
    tested = np.flatnonzero(np.bincount(codes.ravel()))
    p_of_code[tested] = statistics.mcnemar(*np.divmod(tested, len(accuracies) + 1))
    p: Floats = p_of_code[codes]
    sums, squares = accuracies.sum(axis=0), (accuracies**2).sum(axis=0)
    distances = squares[:, None] + squares - 2 * accuracies.T @ accuracies
    first, second = np.nonzero(distances - (wins + wins.T) > _ROUNDING)  # pairs with fractional accuracies
    z = np.abs(sums[first] - sums[second]) / np.sqrt(distances[first, second])
    p[first, second] = 2 * norm.cdf(-z)
    return p


def _matrix(rows: Sequence[Row], differences: Floats, p: Floats) -> PairMatrix:
    upper = np.triu_indices(len(p), 1)
    corrected = np.full(p.shape, np.nan)
    corrected[upper] = statistics.holm(p[upper])
    corrected.T[upper] = corrected[upper]
    return PairMatrix([row.id for row in rows], _cells(differences), _cells(corrected))


def _cells(matrix: Floats) -> list[list[float | None]]:
    """Return a matrix as lists of rounded numbers for JSON, with None on the diagonal."""
    return [
        [None if i == j else round(float(value), _DIGITS) for j, value in enumerate(row)]
        for i, row in enumerate(matrix)
    ]
