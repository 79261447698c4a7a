"""Draw the held-out accuracy and the validation accuracy of a training's checkpoints by step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from leaderboard.site.figures.style import BLUE, CHANCE, GREY, figure_of
from recipe_mpr_task.lines import line

if TYPE_CHECKING:
    from leaderboard.curve import Point


def draw_curve(points: "Sequence[Point]", system: str) -> Any:
    """Return a figure of accuracy by optimizer step. The selected step has a filled marker.

    One split gives one panel. Five folds give a panel for each fold and a panel for all folds together.

    Args:
        points: the checkpoints, sorted by split and step.
        system: the system's name.
    """
    splits = list(dict.fromkeys(point.split for point in points))
    figure, axes = figure_of(max(4.6, 2.5 * len(splits)), 3.4, columns=len(splits))
    panels = list(axes[0]) if len(splits) > 1 else [axes]
    for axis, split in zip(panels, splits, strict=True):
        _draw_split(axis, [point for point in points if point.split == split])
        axis.set(xlabel="optimizer step", title=split if len(splits) > 1 else "", ylim=(0, 100))
        axis.tick_params(colors=GREY, labelcolor="black")
        axis.grid(axis="y")
    panels[0].set_ylabel("accuracy, percent")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8
    )
    about = "do not choose a step by this curve: that is selection on test items"
    figure.suptitle(f"{line(system, 70)}\n{about}", fontsize=8)
    return figure


def _draw_split(axis: Any, points: "Sequence[Point]") -> None:
    axis.axhline(CHANCE, color=GREY, linestyle=":", linewidth=1)
    checked = [point for point in points if point.validation_accuracy is not None]
    if checked:
        accs = [100 * (point.validation_accuracy or 0) for point in checked]
        axis.plot([point.step for point in checked], accs, color=GREY, marker="s", markersize=3, label="validation")
    for point in points:
        if point.held_out.low is not None and point.held_out.high is not None:
            ends = [100 * point.held_out.low, 100 * point.held_out.high]
            axis.plot([point.step] * 2, ends, color=BLUE, linewidth=1.2, alpha=0.7)
    scored = [(point.step, 100 * point.held_out.acc) for point in points if point.held_out.acc is not None]
    axis.plot(*zip(*scored, strict=True), color=BLUE, marker="o", markersize=5, markerfacecolor="white",
              label="held out, 95% interval")  # fmt: skip
    chosen = [(p.step, 100 * p.held_out.acc) for p in points if p.selected and p.held_out.acc is not None]
    axis.plot(*zip(*chosen, strict=True), color=BLUE, marker="o", markersize=7, linestyle="none", label="selected")
