"""Rank the rows of a board, compare each with the leader, and find the ranks that the paired test cannot exclude."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from leaderboard.rank.row import AgainstLeader, Row
from leaderboard.rank.statistics import (
    LEVEL,
    Floats,
    Ints,
    compare_with,
    holm,
    holm_agreeing,
    mcnemar,
    minimal_detectable_effect,
    paired_p,
    pairwise,
)
from leaderboard.verify.statuses import RANKED

_MATRIX = 50
_MOST_EXACT = 200
"""Rows up to which every pair with shared ties is tested exactly."""
_WHOLE = 1e-6
"""Sums of squared differences that agree so far are equal."""
_USUAL_DISCORDANCE = 0.2
_DIGITS = 9


@dataclass(frozen=True)
class PairMatrix:
    """The best 50 rows against each other, row minus column; the diagonals are None.

    Attributes:
        ids: of the rows.
        difference: of the accuracies, fractions.
        p_holm: p values, Holm-corrected over the matrix.
    """

    ids: list[str]
    difference: list[list[float | None]]
    p_holm: list[list[float | None]]


@dataclass(frozen=True)
class Board:
    """Rows that may be compared: one task, task version, item set and option order.

    Attributes:
        sizes: items of each query type.
        detectable: the smallest detectable difference, "all" and by query type, a fraction; see
            `statistics.minimal_detectable_effect`. Computed at the median discordance with the leader, 20% without one.
        matrix: None with fewer than two ranked rows.
    """

    key: str
    title: str
    rows: tuple[Row, ...]
    sizes: dict[str, int]
    detectable: dict[str, float]
    matrix: PairMatrix | None


def board_of(key: str, title: str, rows: Iterable[Row]) -> Board:
    """Return the board of some rows, ranked and compared."""
    ranked, others = _ranked(rows)
    first = next((row for row in (*ranked, *others) if row.items), None)
    sizes = {name: score.n or 0 for name, score in first.types.items()} if first else {}
    discordance, matrix = 0.0, None
    if len(ranked) > 1:
        accuracies = np.column_stack([row.items.accuracies for row in ranked])  # ranked rows have the same items
        discordance = float(np.median((accuracies[:, 1:] != accuracies[:, :1]).mean(axis=0)))
        best = pairwise(accuracies[:, :_MATRIX])
        matrix = _matrix(ranked[:_MATRIX], *best)
        ranked = _with_rank_ranges(_against_leader(ranked, accuracies), accuracies, best[1])
    else:
        ranked = [replace(row, rank_low=1, rank_high=1) for row in ranked]
    detectable = {
        name: round(minimal_detectable_effect(discordance or _USUAL_DISCORDANCE, size), _DIGITS)
        for name, size in {"all": len(first.items) if first else 0, **sizes}.items()
        if size
    }
    return Board(key, title, tuple(ranked + others), sizes, detectable, matrix)


def _ranked(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Rank by accuracy, equal accuracies sharing a rank; return the ranked rows and the others, each sorted."""
    rows = sorted(rows, key=lambda row: (-(row.score.acc or 0.0), row.system, row.source, row.reason))
    contenders = [row for row in rows if row.status in RANKED and row.score.acc is not None]
    others = [row for row in rows if row.status not in RANKED or row.score.acc is None]
    ranked: list[Row] = []
    for place, row in enumerate(contenders, 1):
        tied = ranked and ranked[-1].score.acc == row.score.acc
        ranked.append(replace(row, rank=ranked[-1].rank if tied else place))
    return ranked, others


def _against_leader(ranked: Sequence[Row], accuracies: Floats) -> list[Row]:
    """Add each row's paired comparison with the leader, and whether the test separates the two.

    A row is in the leader's tie group unless the test, Holm-corrected over the board, separates them. The interval of
    the difference is corrected with it, so that it holds 0 exactly for the leader's tie group.
    """
    corrected, comparisons = holm_agreeing(compare_with(accuracies[:, 1:], accuracies[:, 0]))
    compared = zip(ranked[1:], comparisons, corrected.tolist(), strict=True)
    return [replace(ranked[0], is_tied=True)] + [
        replace(row, is_tied=p >= LEVEL, against_leader=AgainstLeader(comparison, p)) for row, comparison, p in compared
    ]


def _with_rank_ranges(ranked: Sequence[Row], accuracies: Floats, p_of_best: Floats) -> list[Row]:
    p = all_pairs(accuracies)
    # The tests that the marks and the matrix show are exact on boards of any size.
    p[: len(p_of_best), : len(p_of_best)] = p_of_best
    p[0, 1:] = p[1:, 0] = paired_p(accuracies[:, 1:] - accuracies[:, :1])
    low, high = rank_ranges(np.array([row.rank for row in ranked]), p)
    return [
        replace(row, rank_low=best, rank_high=worst)
        for row, best, worst in zip(ranked, low.tolist(), high.tolist(), strict=True)
    ]


def rank_ranges(ranks: Ints, p: Floats) -> tuple[Ints, Ints]:
    """Return the best and the worst rank of each row that the paired test cannot exclude, shape (rows,).

    Row i and a row j ranked below it are separated if their p value, Holm-corrected over the comparisons of i with all
    other rows, is below 5%. The best rank of j is 1 plus the rows above that are separated from j. The worst rank of i
    is the number of rows less the rows below that are separated from i: the leader's range is its tie group. These are
    marginal confidence sets of ranks, see Mogstad, Romano, Shaikh and Wilhelm (2024), doi 10.1093/restud/rdad006.

    Args:
        ranks: 1 for the best, equal accuracies sharing one; ascending, shape (rows,).
        p: uncorrected p values of all pairs, shape (rows, rows).
    """
    n = len(ranks)
    others = ~np.eye(n, dtype=bool)
    separated = np.zeros((n, n), dtype=bool)
    for row in range(n):
        separated[row, others[row]] = holm(p[row, others[row]]) < LEVEL
    separated &= ranks[:, None] < ranks
    return 1 + separated.sum(axis=0), n - separated.sum(axis=1)


def all_pairs(accuracies: Floats) -> Floats:
    """Test every pair of systems as `statistics.paired_p` does, by matrix products; p values, shape (systems, systems).

    Pairs with shared ties are tested by the exact sign flip among at most 200 systems. Among more, by its normal
    approximation p = 2 Phi(-|sum d| / sqrt(sum d^2)) for differences d.

    Args:
        accuracies: shape (items, systems).
    """
    right, wrong = (accuracies == 1).astype(np.float32), (accuracies == 0).astype(np.float32)
    wins = np.rint(right.T @ wrong).astype(np.int64)
    squares = (accuracies**2).sum(axis=0)
    distances = squares[:, None] + squares - 2 * accuracies.T @ accuracies
    p = mcnemar(wins, wins.T)
    has_ties = distances - (wins + wins.T) > _WHOLE
    if len(p) > _MOST_EXACT:
        sums = accuracies.sum(axis=0)
        approximate = 2 * norm.cdf(-np.abs(sums[:, None] - sums) / np.sqrt(np.maximum(distances, _WHOLE)))
        return np.where(has_ties, approximate, p)
    first, second = np.nonzero(np.triu(has_ties))
    p[first, second] = p[second, first] = paired_p(accuracies[:, first] - accuracies[:, second])
    return p


def _matrix(rows: Sequence[Row], differences: Floats, p: Floats) -> PairMatrix:
    upper = np.triu_indices(len(p), 1)
    corrected = np.full(p.shape, np.nan)
    corrected[upper] = holm(p[upper])
    corrected.T[upper] = corrected[upper]
    return PairMatrix([row.id for row in rows], _cells(differences), _cells(corrected))


def _cells(matrix: Floats) -> list[list[float | None]]:
    """Return a matrix for JSON, its diagonal None."""
    return [
        [None if i == j else round(float(value), _DIGITS) for j, value in enumerate(row)]
        for i, row in enumerate(matrix)
    ]
