"""Boards in a few narrow lines, for the terminal."""

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.tables import against, details, interval, status_text
from leaderboard.site.text import line

_MOST_ROWS = 10
_LONGEST_NAME = 60


def to_terminal(boards: Sequence[Board]) -> str:
    """Return each board's best rows; boards of reported rows alone are left out."""
    return "\n\n".join("\n".join(_board(board)) for board in boards if any(row.items for row in board.rows))


def _board(board: Board) -> Iterator[str]:
    ranked = [row for row in board.rows if row.rank is not None]
    yield f"{board.title}: {len(ranked)} ranked, {len(board.rows) - len(ranked)} listed without rank"
    if ranked:
        headers = ["#", "System", "Accuracy", "Against the leader", "Status"]
        cells = [[row.rank, _system(row), interval(row.score), against(row),
                  status_text(row.status, row.flags)]
                 for row in ranked[:_MOST_ROWS]]  # fmt: skip
        yield tabulate(cells, headers, tablefmt="simple", disable_numparse=True)
    if len(ranked) > _MOST_ROWS:
        yield f"... and {len(ranked) - _MOST_ROWS} more"


def _system(row: Row) -> str:
    shots = row.extra.get("shots")
    known = [*details(row), *([f"{shots} shots"] if shots else [])]
    return line(row.system, _LONGEST_NAME) + (f" ({'; '.join(known)})" if known else "")
