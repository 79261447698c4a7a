"""Render boards as narrow tables for the terminal: the best rows, and the result of each run that was just read."""

from collections.abc import Sequence

from leaderboard.load.record import SUFFIX
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.columns import TERMINAL, Column
from leaderboard.site.opening import is_reference
from leaderboard.site.tables import cell, details, table
from leaderboard.site.text import LONGEST, interval_text, line

_MOST_ROWS = 10
_MOST_RUNS = 20


def to_terminal(boards: Sequence[Board]) -> str:
    """Return each board's best rows as a narrow table, then the other rows that were read from lm-eval's logs.

    Omit boards without item results.
    """
    return "\n\n".join(_board_text(board) for board in boards if any(row.items for row in board.rows))


def _board_text(board: Board) -> str:
    ranked = [row for row in board.rows if row.rank is not None]
    best = ranked[:_MOST_ROWS]
    parts = [f"{line(board.title)}: {len(ranked)} ranked, {len(board.rows) - len(ranked)} listed without rank"]
    if best:
        parts.append(table(TERMINAL, best, _cell, "simple"))
    if len(ranked) > len(best):
        parts.append(f"... and {len(ranked) - len(best)} more ranked rows")
    shown = {row.id for row in best}
    # List only rows from logs, because the user looks for the new runs. Compact records are from older runs.
    others = [row for row in board.rows if row.id not in shown and row.evidence != "claimed"]
    runs = [row for row in others if not (row.source.endswith(SUFFIX) or is_reference(row))]
    parts += [f"Your run: {_run_text(row)}" for row in runs[:_MOST_RUNS]]
    if len(runs) > _MOST_RUNS:
        parts.append(f"Your runs: {len(runs) - _MOST_RUNS} more; see leaderboard.md")
    return "\n".join(parts)


def _run_text(row: Row) -> str:
    """Return a row's name, accuracy, and rank, or the reason why the row has no rank."""
    place = f"rank {row.rank}, {row.status}" if row.rank is not None else f"no rank, {row.status}: {row.reason}"
    return line(f"{_name(row)}: {interval_text(row.score)}, {place}", LONGEST)


def _cell(column: Column, row: Row) -> str:
    return _name(row) if column.type == "name" else cell(column, row)


def _name(row: Row) -> str:
    return line(row.system, 60) + details(row, f"{row.asked.shots} shots" if row.asked.shots else "")
