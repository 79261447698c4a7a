"""Turn numbers and names into text for readers: round numbers and cut long names."""

from typing import TYPE_CHECKING

from recipe_mpr_task.lines import line

if TYPE_CHECKING:
    from leaderboard.rank.row_parts import Score
    from recipe_mpr_task.statistics import Comparison

__all__ = ["bounds", "count", "difference_text", "interval_text", "line", "percent", "short"]

LONGEST = 500
"""Maximum number of characters of a text in `leaderboard.json`, CSV and exports. Longer texts are cut."""


def percent(fraction: float | None) -> str:
    """Return a fraction in percent, such as "49.2"; "" for None."""
    return "" if fraction is None else f"{100 * fraction:z.1f}"  # "z" writes -0.0 as 0.0


def bounds(low: float | None, high: float | None) -> str:
    """Return an interval's ends in percent, such as "[44.8, 53.6]"; "" if there is no interval."""
    return "" if low is None or high is None else f"[{percent(low)}, {percent(high)}]"


def interval_text(score: "Score") -> str:
    """Return an accuracy in percent with its interval, such as "49.2 [44.8, 53.6]". Unknown parts are left out."""
    return f"{percent(score.acc)} {bounds(score.low, score.high)}".strip()


def difference_text(comparison: "Comparison") -> str:
    """Return a paired difference in points with its interval, such as "+1.2 [-0.4, +2.8]"."""
    shown = (comparison.difference, comparison.low, comparison.high)
    difference, low, high = (f"{100 * value:+.1f}" for value in shown)
    return f"{difference} [{low}, {high}]"


def count(number: int | None) -> str:
    """Return a number with three digits and k, M or B, such as "109M"; "" for None."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number and number >= 0.9995 * size:  # with three digits, 999.5k is written as 1M
            return f"{number / size:.3g}{unit}"
    return "" if number is None else str(number)


def short(text: str) -> str:
    """Cut a text to `LONGEST` characters, so that long names do not fill the files."""
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
