"""Draw the plots of the items: calibration of the systems, and difficulty of the items."""

import math
from typing import Any

from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.calibration import Calibration, calibrations
from leaderboard.rank.item_numbers import item_numbers
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.figures.style import BLUE, CHANCE, GREY, LIGHT, figure_of, name_parts
from leaderboard.site.text import percent
from recipe_mpr_task.lines import line

_COLUMNS = 3
_MOST_PANELS = 9


def draw_calibration(_: Board, answers: BoardAnswers) -> Any:
    """Return reliability diagrams of the best systems with probabilities, at most 9; None if no system has any."""
    known: list[tuple[Row, Calibration]] = []
    for row, is_counted, found in zip(answers.rows, answers.counted, calibrations(answers), strict=True):
        if is_counted and row.kind != "baseline" and found:
            known.append((row, found))
    if not known:
        return None
    known = known[:_MOST_PANELS]
    columns = min(_COLUMNS, len(known))
    rows = math.ceil(len(known) / columns)
    figure, panels = figure_of(2.5 * columns, 2.7 * rows, columns, rows)
    flat = [panels] if columns * rows == 1 else list(panels.flat)
    for axes, (row, calibration) in zip(flat, known, strict=False):
        _reliability(axes, row, calibration)
    for axes in flat[len(known) :]:
        axes.set_axis_off()
    return figure


def _reliability(axes: Any, row: Row, calibration: Calibration) -> None:
    axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1)
    most = max(part.score.n or 0 for part in calibration.bins)
    for part in calibration.bins:
        score, x = part.score, 100 * part.confidence
        if score.acc is None or score.low is None or score.high is None:
            continue
        axes.plot([x, x], [100 * score.low, 100 * score.high], color=BLUE, alpha=0.35, linewidth=1.4)
        axes.plot([x], [100 * score.acc], "o", color=BLUE, markersize=3 + 5 * math.sqrt((score.n or 0) / most),
                  clip_on=False)  # fmt: skip
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="confidence, %", ylabel="accuracy, %", aspect="equal")
    axes.set_title(f"{line(name_parts(row)[0], 26)}\ncalibration error {percent(calibration.error)} points", fontsize=8)
    axes.grid(color=LIGHT)


def draw_difficulty(_: Board, answers: BoardAnswers) -> Any:
    """Return a figure: number of items by the number of right systems, and mean accuracy by query type."""
    numbers = item_numbers(answers)
    n = len(numbers.histogram) - 1
    figure, panels = figure_of(7.2, 2.6, 2)
    bars, types = panels.flat
    bars.bar(range(n + 1), numbers.histogram, color=BLUE, width=0.85)
    bars.set(xlabel=f"systems that are right, of {n}", ylabel="items")
    bars.set_xlim(-0.6, n + 0.6)
    bars.xaxis.get_major_locator().set_params(integer=True)
    names = list(numbers.mean_by_type)
    means = [100 * mean for _, mean in numbers.mean_by_type.values()]
    labels = [f"{name} ({size})" for name, (size, _) in numbers.mean_by_type.items()]
    types.barh(range(len(names)), means, color=BLUE, height=0.7)
    types.axvline(CHANCE, color=GREY, linestyle="--", linewidth=1)
    types.set_yticks(range(len(names)), labels)
    types.invert_yaxis()
    types.set(xlim=(0, 100), xlabel="mean accuracy of these systems, %")
    for place, mean in enumerate(means):
        types.annotate(f"{mean:.1f}", (max(mean, CHANCE), place), (4, 0), textcoords="offset points", va="center",
                       fontsize=8)  # fmt: skip
    return figure
