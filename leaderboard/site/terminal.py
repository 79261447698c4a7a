"""Boards in a few narrow lines, for the terminal."""

from collections.abc import Iterator, Sequence

from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.columns import TERMINAL, Column
from leaderboard.site.tables import cell_of, details, table_of
from leaderboard.site.text import line

_MOST_ROWS = 10
_LONGEST_NAME = 60


def to_terminal(boards: Sequence[Board]) -> str:
    """Return each board's best rows; boards of reported rows alone are left out."""
    return "\n\n".join("\n".join(_lines(board)) for board in boards if any(row.items for row in board.rows))


def _lines(board: Board) -> Iterator[str]:
    ranked = [row for row in board.rows if row.rank is not None]
    yield f"{board.title}: {len(ranked)} ranked, {len(board.rows) - len(ranked)} listed without rank"
    if ranked:
        yield table_of(TERMINAL, ranked[:_MOST_ROWS], _cell, "simple")
    if len(ranked) > _MOST_ROWS:
        yield f"... and {len(ranked) - _MOST_ROWS} more"


def _cell(column: Column, row: Row) -> str:
    if column.type != "name":
        return cell_of(column, row)
    known = [*details(row), *([f"{row.asked.shots} shots"] if row.asked.shots else [])]
    return line(row.system, _LONGEST_NAME) + (f" ({'; '.join(known)})" if known else "")
