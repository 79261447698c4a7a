"""Set the look of the figures, and save them. The same input gives the same bytes with the same matplotlib."""

import io
from pathlib import Path
from typing import Any, Literal, get_args

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from leaderboard.rank.row import Row
from leaderboard.verify.prompts import Evidence
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.lines import line

BLUE, GREY, LIGHT = "#0550ae", "#57606a", "#d8dde3"
CHANCE = 100 / N_OPTIONS
LONGEST_NAME = 70
MOST_ROWS = 50

# A half marker is filled on its left side, a hollow one is not filled.
_FILLS: dict[str, Literal["full", "left", "none"]] = {"run here": "full", "recounted": "left", "claimed": "none"}
_LABELS = {"run here": "run here", "recounted": "recounted from others' items", "claimed": "claimed"}
_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so all machines draw the same
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "xtick.color": GREY,
    "ytick.color": "black",
    "grid.color": LIGHT,
    "svg.hashsalt": "recipe-mpr",
    "svg.fonttype": "path",
    "text.parse_math": False,  # a "$" in a system's name is a "$"
}


def figure_of(width: float, height: float, columns: int = 1, rows: int = 1) -> tuple[Figure, Any]:
    """Return an empty figure of a size in inches, and its axes: one, or an array of shape (rows, columns)."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)  # measures texts; the figure keeps it
        return figure, figure.subplots(rows, columns, squeeze=rows * columns == 1)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as NAME.svg and NAME.png, each in one atomic step. Return both paths."""
    paths = []
    with mpl.rc_context(_STYLE):
        for suffix, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
            content = io.BytesIO()
            figure.savefig(content, format=suffix, dpi=200, metadata=metadata)
            path = folder / f"{name}.{suffix}"
            write_atomic(path, content.getvalue())
            paths.append(path)
    return paths


def name_of(row: Row) -> str:
    """Return a system's name for an axis, in one line."""
    return line(row.system, LONGEST_NAME)


def marker(evidence: Evidence, size: float = 6) -> dict[str, Any]:
    """Return matplotlib's arguments for the marker of a number: solid, half or hollow."""
    return {
        "marker": "o",
        "markersize": size,
        "fillstyle": _FILLS[evidence],
        "color": BLUE,
        "markerfacecoloralt": "white",
        "markeredgecolor": BLUE,
        "linestyle": "none",
    }


def evidence_legend(axes: Any, rows: list[Row]) -> None:
    """Add a legend of the markers that occur."""
    shown = [each for each in get_args(Evidence) if any(row.evidence == each for row in rows)]
    handles = [Line2D([], [], label=_LABELS[each], **marker(each)) for each in shown]
    axes.legend(handles=handles, loc="lower right", frameon=True, framealpha=0.9, edgecolor=LIGHT, fontsize=8)
