"""Rank the rows of a board, compare each with the leader, and find the ranks that the paired test cannot exclude."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm, rankdata

from leaderboard.rank.row import AgainstLeader, Row
from leaderboard.verify.statuses import RANKED
from recipe_mpr_task import statistics
from recipe_mpr_task.statistics import LEVEL, Comparison, Floats, Ints

_MATRIX = 50
_ROUNDING = 1e-6
"""Tolerance for sums of squared differences."""
_USUAL_DISCORDANCE = 0.2
_DIGITS = 9


@dataclass(frozen=True)
class PairMatrix:
    """The best 50 rows against each other, row minus column: differences of accuracies, fractions, and p values.

    The p values are Holm-corrected over the matrix; the diagonals are None.
    """

    ids: list[str]
    difference: list[list[float | None]]
    p_holm: list[list[float | None]]


@dataclass(frozen=True)
class Board:
    """Rows that may be compared: one task, task version, item set and option order.

    Attributes:
        sizes: number of items of each query type.
        detectable: the smallest detectable difference, "all" and by query type, a fraction; see
            `statistics.minimal_detectable_effect`. Computed at the median discordance with the leader, else at 20%.
        matrix: None with fewer than two ranked rows.
    """

    key: str
    title: str
    rows: tuple[Row, ...]
    sizes: dict[str, int]
    detectable: dict[str, float]
    matrix: PairMatrix | None


def board_of(key: str, title: str, rows: Iterable[Row]) -> Board:
    """Return a board with the rows ranked and compared."""
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
    """Return the ranked rows and the other rows, each sorted; equal accuracies share a rank."""
    rows = sorted(rows, key=lambda row: (-(row.score.acc or 0.0), row.system, row.source, row.reason))
    contenders = [row for row in rows if row.status in RANKED and row.score.acc is not None]
    others = [row for row in rows if row.status not in RANKED or row.score.acc is None]
    ranks = rankdata([-(row.score.acc or 0.0) for row in contenders], method="min").astype(int).tolist()
    return [replace(row, rank=rank) for row, rank in zip(contenders, ranks, strict=True)], others


def _compared(ranked: Sequence[Row], accuracies: Floats, p_of_best: Floats) -> list[Row]:
    """Return the rows with possible ranks, the paired comparison with the leader, and whether it separates the two.

    A row is in the leader's tie group unless the test, Holm-corrected over the board, separates them. The interval of
    the difference is corrected with it, so that it holds 0 exactly for the leader's tie group.
    """
    with_leader = statistics.compare_with(accuracies[:, 1:], accuracies[:, 0])
    p = all_pairs(accuracies)
    # The pairs that marks and matrix show have exact tests on boards of any size.
    p[: len(p_of_best), : len(p_of_best)] = p_of_best
    p[0, 1:] = p[1:, 0] = [comparison.p for comparison in with_leader]
    ranges = np.transpose(rank_ranges(np.array([row.rank for row in ranked]), p)).tolist()
    leader, *others = [
        replace(row, rank_low=low, rank_high=high) for row, (low, high) in zip(ranked, ranges, strict=True)
    ]
    corrected, agreeing = statistics.holm_agreeing(with_leader)
    return [replace(leader, is_tied=True)] + [
        replace(row, is_tied=p_holm >= LEVEL, against_leader=_rounded(comparison, p_holm))
        for row, comparison, p_holm in zip(others, agreeing, corrected.tolist(), strict=True)
    ]


def _rounded(comparison: Comparison, p_holm: float) -> AgainstLeader:
    """Round a comparison, so that every machine writes the same digits."""
    digits = {name: round(value, _DIGITS) for name, value in vars(comparison).items()}
    return AgainstLeader(Comparison(**digits), round(p_holm, _DIGITS))


def rank_ranges(ranks: Ints, p: Floats) -> tuple[Ints, Ints]:
    """Return the best and the worst rank of each row that the paired test cannot exclude, shape (rows,).

    The test separates row i and a row j ranked below it if their p value is below 5%, Holm-corrected over the
    comparisons of i with all other rows. The best rank of j is 1 plus the rows above that are separated from j. The
    worst rank of i is the number of rows less the rows below that are separated from i: the leader's range is its tie
    group. These are marginal confidence sets of ranks, see Mogstad, Romano, Shaikh and Wilhelm (2024), doi
    10.1093/restud/rdad006. Neighbours' ranges need not be ordered: a row that differs from the others on more items is
    harder to separate.

    Args:
        ranks: 1 for the best, equal accuracies sharing one; ascending, shape (rows,).
        p: uncorrected p values of all pairs, shape (rows, rows).
    """
    n = len(ranks)
    p = np.where(np.eye(n, dtype=bool), 1.0, p)
    order = np.argsort(p, axis=1)
    # `statistics.holm` for all rows at once; the diagonal is no test.
    corrected = np.maximum.accumulate(np.take_along_axis(p, order, axis=1) * np.arange(n - 1, -1, -1), axis=1)
    separated = np.zeros((n, n), dtype=bool)
    np.put_along_axis(separated, order, corrected < LEVEL, axis=1)
    separated &= ranks[:, None] < ranks
    return 1 + separated.sum(axis=0), n - separated.sum(axis=1)


def all_pairs(accuracies: Floats) -> Floats:
    """Return p values of paired tests of all systems, shape (systems, systems), by matrix products.

    McNemar's exact test; if shared ties give fractional wins, the normal approximation of the exact sign-flip test,
    p = 2 Phi(-|sum d| / sqrt(sum d^2)) for differences d.

    Args:
        accuracies: shape (items, systems).
    """
    right, wrong = (accuracies == 1).astype(np.float32), (accuracies == 0).astype(np.float32)
    wins = np.rint(right.T @ wrong).astype(np.int64)
    # Many pairs have the same wins and losses: each such pair of numbers is tested once.
    codes = wins * (len(accuracies) + 1) + wins.T
    p_of_code = np.zeros(codes.max(initial=0) + 1)
    tested = np.flatnonzero(np.bincount(codes.ravel()))
    p_of_code[tested] = statistics.mcnemar(*np.divmod(tested, len(accuracies) + 1))
    p: Floats = p_of_code[codes]
    sums, squares = accuracies.sum(axis=0), (accuracies**2).sum(axis=0)
    distances = squares[:, None] + squares - 2 * accuracies.T @ accuracies
    first, second = np.nonzero(distances - (wins + wins.T) > _ROUNDING)  # pairs with parts of wins
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
    """Return a matrix for JSON, its diagonal None."""
    return [
        [None if i == j else round(float(value), _DIGITS) for j, value in enumerate(row)]
        for i, row in enumerate(matrix)
    ]
