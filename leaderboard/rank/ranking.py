"""Where rows stand on a board: rank, distance to the leader, who can be told apart from whom."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from leaderboard.rank.row import Row
from leaderboard.rank.statistics import (
    LEVEL,
    Floats,
    compare_with,
    holm,
    holm_agreeing,
    minimal_detectable_effect,
    pairwise,
)
from leaderboard.verify.checks import RANKED

_MATRIX = 50
_USUAL_DISCORDANCE = 0.2
_DIGITS = 9


@dataclass(frozen=True)
class Board:
    """Rows that may be compared: one task, task version, item set and option order.

    Attributes:
        sizes: items of each query type.
        detectable: the smallest difference that can be found, "all" and by query type, a fraction; see
            `statistics.minimal_detectable_effect`. At the median discordance with the leader, or 20% for want of one.
        matrix: ids of the best 50 rows, the differences of every pair and their p values, Holm-corrected over the
            matrix; None with fewer than two ranked rows.
    """

    key: str
    title: str
    rows: tuple[Row, ...]
    sizes: dict[str, int]
    detectable: dict[str, float]
    matrix: dict[str, Any] | None


def board_of(key: str, title: str, rows: Iterable[Row]) -> Board:
    """Rank a board's rows and compare them."""
    ranked, others = _ranked(rows)
    accuracies = _accuracies(ranked)
    if accuracies is not None:
        ranked = _against_leader(ranked, accuracies)
    first = next((row for row in (*ranked, *others) if row.items), None)
    sizes = {name: score.n or 0 for name, score in first.types.items()} if first else {}
    return Board(
        key=key,
        title=title,
        rows=tuple(ranked + others),
        sizes=sizes,
        detectable=_detectable(len(first.items), sizes, accuracies) if first else {},
        matrix=_matrix(ranked, accuracies) if accuracies is not None else None,
    )


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


def _accuracies(ranked: Sequence[Row]) -> Floats | None:
    """Accuracies by item and row, shape (items, rows); None if there are no two rows to compare."""
    if len(ranked) < 2:
        return None
    return np.column_stack([row.items.accuracies for row in ranked])  # a board's ranked rows have the same items


def _against_leader(ranked: Sequence[Row], accuracies: Floats) -> list[Row]:
    """Add each row's paired comparison with the leader, and whether it can be told from it.

    A row is in the leader's tie group unless the test, Holm-corrected over the board, separates them. The interval of
    the difference is corrected with it, so that it holds 0 exactly for the leader's tie group.
    """
    corrected, found = holm_agreeing(compare_with(accuracies[:, 1:], accuracies[:, 0]))
    rows = [replace(ranked[0], extra={**ranked[0].extra, "with_leader": True, "vs_leader": None})]
    for row, comparison, p in zip(ranked[1:], found, corrected, strict=True):
        against = _rounded({**asdict(comparison), "p_holm": float(p)})
        rows.append(replace(row, extra={**row.extra, "with_leader": bool(p >= LEVEL), "vs_leader": against}))
    return rows


def _detectable(n: int, sizes: dict[str, int], accuracies: Floats | None) -> dict[str, float]:
    discordance = _USUAL_DISCORDANCE
    if accuracies is not None:
        discordance = float(np.median((accuracies[:, 1:] != accuracies[:, :1]).mean(axis=0))) or discordance
    found = {name: minimal_detectable_effect(discordance, size) for name, size in {"all": n, **sizes}.items() if size}
    return _rounded(found)


def _matrix(ranked: Sequence[Row], accuracies: Floats) -> dict[str, Any]:
    differences, p = pairwise(accuracies[:, :_MATRIX])
    upper = np.triu_indices(len(p), 1)
    corrected = np.full(p.shape, np.nan)
    corrected[upper] = holm(p[upper])
    corrected.T[upper] = corrected[upper]
    return {
        "ids": [row.id for row in ranked[:_MATRIX]],
        "difference": _cells(differences),
        "p_holm": _cells(corrected),
    }


def _cells(matrix: Floats) -> list[list[float | None]]:
    """A matrix for JSON, its diagonal empty."""
    return [
        [None if i == j else round(float(value), _DIGITS) for j, value in enumerate(row)]
        for i, row in enumerate(matrix)
    ]


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, _DIGITS) if isinstance(value, float) else value for key, value in values.items()}
