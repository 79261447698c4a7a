"""Draw accuracy with intervals, and accuracy against parameters."""

from typing import Any

from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.figures.style import (
    BLUE,
    CHANCE,
    GREY,
    LIGHT,
    MOST_ROWS,
    ROW_HEIGHT,
    evidence_legend,
    figure_of,
    label_rows,
    marker,
    name_parts,
)
from leaderboard.site.text import percent
from recipe_mpr_task.lines import line


def shown_rows(board: Board) -> list[Row]:
    """Return the ranked rows and the claims, best first, at most 50. Models with random weights are left out."""
    rows = [
        row
        for row in board.rows
        if row.score.acc is not None and (row.rank is not None or row.evidence == "claimed")
        if not row.from_random_weights
    ]
    return sorted(rows, key=lambda row: -(row.score.acc or 0))[:MOST_ROWS]


def draw_accuracy(board: Board, _: BoardAnswers) -> Any:
    """Return a figure of each system's accuracy with its 95% Wilson interval. Claims have hollow markers."""
    rows = shown_rows(board)
    figure, axes = figure_of(7.2, 1 + ROW_HEIGHT * len(rows))
    for place, row in enumerate(rows):
        acc, low, high = (100 * value if value is not None else None for value in _interval(row))
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=BLUE, linewidth=1.4, alpha=0.8, zorder=2)
        axes.plot([acc], [place], zorder=3, **marker(row.evidence))
        axes.annotate(
            percent(row.score.acc), (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8
        )
    axes.axvline(CHANCE, color=GREY, linestyle="--", linewidth=1, zorder=1)
    axes.annotate("chance", (CHANCE, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", color=GREY,
                  fontsize=8)  # fmt: skip
    axes.set(xlim=(0, 100), ylim=(len(rows) - 0.4, -0.6), xlabel="accuracy, % (95% Wilson interval)")
    label_rows(axes, rows)
    axes.grid(axis="x")
    evidence_legend(figure, rows)
    return figure


def draw_parameters(board: Board, _: BoardAnswers) -> Any:
    """Return a figure of accuracy against parameters, or None if fewer than two rows state their parameters."""
    rows = [row for row in shown_rows(board) if row.params]
    if len(rows) < 2:
        return None
    figure, axes = figure_of(7.2, 4.4)
    for row in rows:
        acc, low, high = (100 * value if value is not None else None for value in _interval(row))
        if low is not None and high is not None:
            axes.plot([row.params, row.params], [low, high], color=BLUE, linewidth=1.2, alpha=0.35, zorder=2)
        axes.plot([row.params], [acc], zorder=3, **marker(row.evidence))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda count, _: _short(count))
    axes.set(ylim=(0, 100), xlabel="parameters", ylabel="accuracy, % (95% Wilson interval)")
    axes.margins(x=0.25)
    axes.axhline(CHANCE, color=GREY, linestyle="--", linewidth=1, zorder=1)
    axes.annotate("chance", (1, CHANCE), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=GREY,
                  fontsize=8)  # fmt: skip
    axes.grid(color=LIGHT)
    evidence_legend(figure, rows)
    _write_names(figure, axes, rows)
    return figure


def _short(count: float) -> str:
    """Return a power of ten in short form, such as "100M"."""
    size, unit = next(((size, unit) for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")) if count >= size), (1, ""))
    return f"{count / size:g}{unit}"


def _interval(row: Row) -> tuple[float | None, ...]:
    return row.score.acc, row.score.low, row.score.high


_SIDES = ((7, 0, "left", "center"), (-7, 0, "right", "center"), (0, 8, "center", "bottom"), (0, -8, "center", "top"),
          (7, 9, "left", "center"), (7, -9, "left", "center"), (-7, 9, "right", "center"),
          (-7, -9, "right", "center"))  # fmt: skip
"""Possible places of a name beside its dot, best first: x and y in points, and the alignments."""


def _write_names(figure: Any, axes: Any, rows: list[Row]) -> None:
    """Write each system's name at a place without dots and other names. Omit the name if no place is free."""
    figure.draw_without_rendering()
    renderer, inside = figure.canvas.get_renderer(), axes.get_window_extent()
    dots = axes.transData.transform([(row.params, 100 * (row.score.acc or 0)) for row in rows])
    taken: list[Any] = []
    for row, dot in zip(rows, dots, strict=True):
        name = line(name_parts(row)[0], 40)
        for x, y, ha, va in _SIDES:
            text = axes.annotate(name, (row.params, 100 * (row.score.acc or 0)), (x, y), textcoords="offset points",
                                 ha=ha, va=va, fontsize=7.5)  # fmt: skip
            box = text.get_window_extent(renderer)
            hits_dot = any(box.padded(4).contains(*other) for other in dots if tuple(other) != tuple(dot))
            fits = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
            if fits and not hits_dot and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()
