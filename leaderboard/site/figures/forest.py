"""Draw each system's difference from the leader, as a forest plot."""

from typing import Any

from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.ranking import Board
from leaderboard.site.figures.style import BLUE, GREY, MOST_ROWS, ROW_HEIGHT, figure_of, label_rows, marker, name_parts
from leaderboard.site.text import difference_text


def draw_forest(board: Board, _: BoardAnswers) -> Any:
    """Return a figure of the paired differences with their Holm-corrected 95% intervals, in points.

    A hollow marker means that the system is tied with the leader. Return None if no row is compared with the leader.
    """
    leader = next(row for row in board.rows if row.rank is not None)
    rows = [row for row in board.rows if row.against_leader][:MOST_ROWS]
    if not rows:
        return None
    figure, axes = figure_of(7.2, 0.9 + ROW_HEIGHT * len(rows))
    for place, row in enumerate(rows):
        assert row.against_leader is not None  # noqa: S101 (rows without a comparison are left out above)
        compared = row.against_leader.comparison
        low, middle, high = (100 * value for value in (compared.low, compared.difference, compared.high))
        axes.plot([low, high], [place, place], color=BLUE, linewidth=1.4, alpha=0.8, zorder=2)
        axes.plot([middle], [place], zorder=3, **marker("claimed" if row.is_tied else "run here"))
        axes.annotate(difference_text(compared), (1.01, place), xycoords=("axes fraction", "data"), va="center",
                      fontsize=7.5)  # fmt: skip
    axes.axvline(0, color="black", linewidth=1, zorder=1)
    about = f"difference from {name_parts(leader)[0]}, points\n(interval Holm-corrected over the board)"
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=about)
    label_rows(axes, rows)
    axes.grid(axis="x")
    axes.tick_params(colors=GREY, labelcolor="black")
    return figure
