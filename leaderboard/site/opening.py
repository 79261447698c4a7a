"""Choose the board that the page opens on, and explain the boards that are not benchmarks."""

from collections.abc import Sequence
from typing import Literal

from leaderboard.load.item_sets import MAIN_TASK
from leaderboard.load.record import SUFFIX
from leaderboard.rank.item_set_boards import REFERENCE
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row

Group = Literal["benchmark", "set", "diagnostic"]

SAMPLE = "recipe_mpr_sample"

DIAGNOSTICS = {
    SAMPLE: "60 items written for this project, not from the benchmark. This board shows that the tools run, not how "
    "good a system is.",
    "recipe_mpr_options_only": "The query is withheld. This board shows how often the options alone reveal the answer.",
    f"{MAIN_TASK}_file_order": "The dataset's file puts the right option first in all 500 items. This board shows that "
    'always answering "A" scores 100% in file order.',
    f"{MAIN_TASK}_test_file_order": "The dataset's file puts the right option first in every item. This board shows "
    'that always answering "A" scores 100% in file order.',
}
"""Description of each diagnostic board, by the board's key. These boards test the tools or the data."""

_SET = (
    "Items that an importer chose. Systems get a rank once this board has systems from two sources. The rows for "
    "comparison show the accuracy of other systems and of a constant letter on the same items."
)

DEMONSTRATIONS = "Models with random weights that demonstrate a flaw. They have no rank."
"""Text above a board's rows of models with random weights."""

_LATEST = 4e9
"""Latest accepted time of a run, in seconds since 1970 (in the year 2096). Later times are ignored."""


def group_of(board: Board) -> Group:
    """Return the group of a board in the list of boards."""
    if board.key in DIAGNOSTICS:
        return "diagnostic"
    return "set" if any(row.item_set for row in board.rows) else "benchmark"


def about(board: Board) -> str:
    """Return the note on a board that is not a benchmark; "" for a benchmark."""
    return DIAGNOSTICS.get(board.key, _SET if group_of(board) == "set" else "")


def opening_board(boards: Sequence[Board]) -> str | None:
    """Return the key of the board that the page opens on; None if there are no boards.

    The first of these groups that has a run is used: benchmark, set, diagnostic. The page opens on the board of the
    group with the newest log. Records do not count as new, because records of earlier runs are shared and committed.
    If the group has only records, the main board is preferred. If no board has a run, the page opens on the first one.
    """
    groups: tuple[Group, ...] = ("benchmark", "set", "diagnostic")
    for group in groups:
        dated = [
            (order, board.key) for board in boards if group_of(board) == group and (order := _opening_order(board))
        ]
        if dated:
            return max(dated)[1]
    return boards[0].key if boards else None


def newest_run(board: Board) -> float | None:
    """Return the time of a board's newest run, in seconds since 1970; None if the board has no run with a time."""
    return max(map(_date, _dated_runs(board)), default=None)


def _opening_order(board: Board) -> tuple[bool, bool, float] | None:
    """Return (has a log, is the main board and has no log, newest time) of a board; None if no run has a time."""
    runs = _dated_runs(board)
    logs = [row for row in runs if not _is_record(row)]
    if not runs:
        return None
    return bool(logs), not logs and board.key == MAIN_TASK, max(map(_date, logs or runs))


def _dated_runs(board: Board) -> list[Row]:
    return [row for row in board.rows if _is_run(row) and 0 < _date(row) < _LATEST]


def _date(row: Row) -> float:
    return row.date or 0.0


def _is_record(row: Row) -> bool:
    return all(source.endswith(SUFFIX) for source in row.source.split(", "))


def is_without_dataset(boards: Sequence[Board]) -> bool:
    """Return whether only the board of the sample items has runs. The page then has no benchmark numbers."""
    with_runs = {board.key for board in boards if any(map(_is_run, board.rows))}
    return with_runs == {SAMPLE}


def is_reference(row: Row) -> bool:
    """Return whether the row is on its board only for comparison."""
    return row.no_rank.startswith(REFERENCE)


def _is_run(row: Row) -> bool:
    """Return whether the row is a run of its board, not a claim and not a row for comparison."""
    return row.kind != "reported" and not is_reference(row)
