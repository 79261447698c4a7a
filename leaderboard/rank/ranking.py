"""Rank a board's rows and compare them by paired tests: each row with the leader, and all rows with each other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import rankdata

from leaderboard.rank.rank_ranges import PairTests, rank_ranges
from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import AgainstLeader
from recipe_mpr_task import statistics
from recipe_mpr_task.statistics import LEVEL, Floats

_MATRIX = 50
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
    blocks = _exact_blocks(accuracies, p_of_best, np.array([comparison.p for comparison in with_leader]))
    ranges = np.transpose(rank_ranges(np.array([row.rank for row in ranked]), blocks)).tolist()
    corrected, agreeing = statistics.holm_agreeing(with_leader)
    tested = [
        (p_holm >= LEVEL, AgainstLeader.rounded(comparison, p_holm))
        for comparison, p_holm in zip(agreeing, corrected.tolist(), strict=True)
    ]
    return [
        replace(row, rank_low=low, rank_high=high, is_tied=is_tied, against_leader=against)
        for row, (low, high), (is_tied, against) in zip(ranked, ranges, [(True, None), *tested], strict=True)
    ]


def _exact_blocks(accuracies: Floats, p_of_best: Floats, p_with_leader: Floats) -> Iterator[Floats]:
    """Yield `PairTests.blocks`, with exact p values for pairs of the best rows and pairs with the leader."""
    first = 0
    for p in PairTests(accuracies).blocks():
        n = max(0, min(len(p), len(p_of_best) - first))
        p[:n, : len(p_of_best)] = p_of_best[first : first + n]
        if first == 0:
            p[0, 1:] = p_with_leader
        after = max(first, 1)
        p[after - first :, 0] = p_with_leader[after - 1 : first + len(p) - 1]
        yield p
        first += len(p)


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
