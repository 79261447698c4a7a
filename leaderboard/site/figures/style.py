"""Set the look of the figures, and save them. With one matplotlib version, the same input gives the same bytes."""

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, get_args

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from leaderboard.rank.published import published_claims
from leaderboard.rank.row import Row
from leaderboard.verify.prompts import Evidence
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.lines import line

BLUE, GREY, LIGHT = "#0550ae", "#57606a", "#d8dde3"
CHANCE = 100 / N_OPTIONS
LONGEST_NAME = 70
MOST_ROWS = 50
ROW_HEIGHT = 0.26
TRAINED_ON = " \u2020"
_NAME = re.compile(r"(.{3,}?) \(([^()]+)\)", re.DOTALL)
_FITS = 30
"""Maximum number of characters of a name that is written in one line, including the text in brackets."""

# A half marker is filled on its left side, a hollow one is not filled.
_FILLS: dict[str, Literal["full", "left", "none"]] = {"run here": "full", "recounted": "left", "claimed": "none"}
_LABELS = {"run here": "run here", "recounted": "recounted from imported answers", "claimed": "claimed"}
_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # part of matplotlib, so all machines draw the same
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
    "text.parse_math": False,  # show a "$" in a system's name as it is
}


def look() -> AbstractContextManager[None]:
    """Return a context that sets this project's look. A text keeps the look of the context that it was created in."""
    context: AbstractContextManager[None] = mpl.rc_context(_STYLE)
    return context


def figure_of(width: float, height: float, columns: int = 1, rows: int = 1) -> tuple[Figure, Any]:
    """Return an empty figure of a size in inches, and its axes: one, or an array of shape (rows, columns)."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)  # needed to measure texts; the figure keeps the canvas
    return figure, figure.subplots(rows, columns, squeeze=rows * columns == 1)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as NAME.svg and NAME.png, each in one atomic step. Return both paths."""
    paths = []
    for suffix, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        content = io.BytesIO()
        figure.savefig(content, format=suffix, dpi=200, metadata=metadata)
        path = folder / f"{name}.{suffix}"
        write_atomic(path, content.getvalue())
        paths.append(path)
    return paths


def name_parts(row: Row) -> tuple[str, str]:
    """Return a system's name, and the text in brackets at the end, such as the base model. Do not split short names."""
    match = _NAME.fullmatch(row.system) if len(row.system) > _FITS else None
    name, base = match.groups() if match else (row.system, "")
    return line(name, LONGEST_NAME) + (TRAINED_ON if is_trained_on(row) else ""), line(base, LONGEST_NAME)


def is_trained_on(row: Row) -> bool:
    """Return whether a row is a claim whose source says that the system was trained on scored items."""
    return any(claim.overlap for claim in published_claims() if (claim.system, claim.board) == (row.system, row.board))


def label_rows(axes: Any, rows: Sequence[Row]) -> None:
    """Write the systems' names at an axis from top to bottom, with a base model beneath in grey."""
    axes.set_yticks(range(len(rows)), ["" for _ in rows])
    for place, (name, base) in enumerate(map(name_parts, rows)):
        for text, shift, look in ((name, 4 if base else 0, {}), (base, -5, {"color": GREY, "fontsize": 6.5})):
            axes.annotate(text, (0, place), (-6, shift), xycoords=("axes fraction", "data"), textcoords="offset points",
                          ha="right", va="center", **look)  # fmt: skip


def marker(evidence: Evidence, size: float = 6) -> dict[str, Any]:
    """Return matplotlib's arguments for a marker: solid if run here, half if recounted, hollow if claimed."""
    return {
        "marker": "o",
        "markersize": size,
        "fillstyle": _FILLS[evidence],
        "color": BLUE,
        "markerfacecoloralt": "white",
        "markeredgecolor": BLUE,
        "linestyle": "none",
    }


def evidence_legend(figure: Figure, rows: Sequence[Row]) -> None:
    """Add a legend above the plot, with the markers that occur in it."""
    shown = [each for each in get_args(Evidence) if any(row.evidence == each for row in rows)]
    handles = [Line2D([], [], label=_LABELS[each], **marker(each)) for each in shown]
    if any(map(is_trained_on, rows)):
        handles.append(Line2D([], [], linestyle="none", label=f"{TRAINED_ON.strip()} trained on scored items"))
    figure.legend(handles=handles, loc="outside upper right", ncols=4, frameon=False, fontsize=8, handletextpad=0.2)
