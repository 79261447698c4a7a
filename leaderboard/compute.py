"""From checked runs to rows with ranks: repeats, pooled folds, boards."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from leaderboard import identity as who
from leaderboard.pooling import MAIN_BOARD, POOLS, pool
from leaderboard.published import boards_with_published_rows, published_rows
from leaderboard.row import Row
from leaderboard.rows import row_of
from leaderboard.validate import RANKED, CheckedRun

_TITLES = {
    MAIN_BOARD: "All 500 items",
    "recipe_mpr_test": "Published held-out split, 50 items",
    "recipe_mpr_circular": "Every item in five rotations: accuracy averaged over positions",
    "recipe_mpr_prompts": "Prompt sensitivity: mean accuracy over five templates",
    "recipe_mpr_generate": "Letters read from generated text",
    "recipe_mpr_cloze": "Likelihood of the option texts",
    "recipe_mpr_options_only": "The query withheld: what the options give away",
    "recipe_mpr_sample": "Embedded sample, 60 items of our own: shows that it runs, not how good a model is",
    "recipe_mpr_file_order": "File order, the flaw for demonstration: the gold option is always A",
    "recipe_mpr_test_file_order": "File order on the held-out split, the flaw for demonstration",
}


@dataclass(frozen=True)
class Board:
    """Rows that may be compared: one task, task version, item set and option order."""

    key: str
    title: str
    rows: tuple[Row, ...]


def build_boards(runs: Iterable[CheckedRun]) -> list[Board]:
    """Make every board from checked runs and the reported rows.

    Returns:
        The main board first; rows sorted by rank, then those without rank.
    """
    kept = mark_repeats(runs)
    pooled = {task for group in POOLS for task in group.tasks}
    rows = [row_of(run) for run in kept if run.run.task not in pooled]
    for group in POOLS:
        rows += pool(group, [run for run in kept if run.run.task in group.tasks])
    by_board: dict[str, list[Row]] = defaultdict(list)
    for row in mark_repeated_rows(rows):
        by_board[row.board].append(row)
    for key in boards_with_published_rows():
        by_board[key] += published_rows(key)
    known = list(_TITLES)
    keys = sorted(by_board, key=lambda key: (known.index(key) if key in known else len(known), key))
    return [Board(key, _TITLES.get(key, key), tuple(rank(by_board[key]))) for key in keys]


def mark_repeats(runs: Iterable[CheckedRun]) -> list[CheckedRun]:
    """Of several valid runs of one identity let the earliest count, so that nobody picks the best."""
    seen: dict[tuple[str, str], str] = {}
    kept = []
    for run in sorted(runs, key=_when):
        key = (run.run.task, who.identity(run.run))
        if run.status in RANKED and key in seen:
            reason = f"repeat of {seen[key]}: of one system's runs the earliest counts"
            kept.append(replace(run, status="excluded", reason=reason))
            continue
        if run.status in RANKED:
            seen[key] = run.run.source
        kept.append(run)
    return kept


def mark_repeated_rows(rows: Iterable[Row]) -> list[Row]:
    """Of two rows of one identity on one board (a whole run, and its folds pooled) let one count."""
    seen: dict[tuple[str, str], str] = {}
    kept = []
    for row in sorted(rows, key=lambda row: (row.task != row.board, row.source)):
        key = (row.board, row.extra["identity"])
        if row.status in RANKED and key in seen:
            reason = f"repeat of {seen[key]}: the same items asked the same way"
            kept.append(replace(row, status="excluded", reason=reason))
            continue
        if row.status in RANKED:
            seen[key] = row.source
        kept.append(row)
    return kept


def _when(run: CheckedRun) -> tuple[float, str, str]:
    date = run.run.results.get("date")
    return (float(date) if isinstance(date, (int, float)) else math.inf, run.run.source, run.run.task)


def rank(rows: Iterable[Row]) -> list[Row]:
    """Rank a board's rows by accuracy; equal accuracies share a rank."""
    rows = sorted(rows, key=lambda row: (-(row.score.acc or 0.0), row.system, row.source, row.reason))
    contenders = [row for row in rows if row.status in RANKED and row.score.acc is not None]
    better = {id(row): sum(other.score.acc > row.score.acc for other in contenders) for row in contenders}  # type: ignore[operator]
    ranked = [replace(row, rank=better[id(row)] + 1) for row in contenders]
    return ranked + [row for row in rows if id(row) not in better]
