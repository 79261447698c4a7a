"""Measure calibration: for example, is a system right on 70% of the items that it answers with 70% confidence?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.row_items import UNITS
from leaderboard.rank.row_parts import Score
from recipe_mpr_task.statistics import Floats

N_BINS = 10
_ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Bin:
    """The items whose confidence is in (low, high].

    `confidence` is the mean confidence of the items. `score` is the accuracy on the items.
    """

    low: float
    high: float
    confidence: float
    score: Score


@dataclass(frozen=True)
class Calibration:
    """The calibration of one system.

    Attributes:
        error: expected calibration error, a fraction in [0, 1]; 0 is perfect.
        confidence: mean confidence over all items, a fraction.
        acc: accuracy of the most probable option over all items, a fraction. Ties are shared.
        bins: bins with items, from low to high confidence.
    """

    error: float
    confidence: float
    acc: float
    bins: tuple[Bin, ...]


def calibration(confidences: Floats, right: Floats) -> Calibration:
    """Compute the expected calibration error with ten bins of equal width.

    ECE = sum_m |B_m| / n |acc(B_m) - conf(B_m)|, where bin B_m has the items with a confidence in ((m - 1)/10, m/10]
    (Guo, Pleiss, Sun and Weinberger 2017, arXiv 1706.04599, equation 3).

    Args:
        confidences: probability of each item's most probable option, in (0, 1], shape (items,).
        right: accuracy of this option on each item, a fraction in [0, 1], shape (items,).
    """
    (found,) = _calibrations(confidences[None], right[None])
    return found


def calibrations(answers: BoardAnswers) -> list[Calibration | None]:
    """Return the calibration of each of a board's rows; None if an item of the row has no probabilities."""
    is_complete = (~np.isnan(answers.confidences)).sum(axis=1) >= [max(len(row.items), 1) for row in answers.rows]
    found: list[Calibration | None] = [None] * len(answers.rows)
    complete = np.flatnonzero(is_complete)
    for first in range(0, len(complete), _ROWS_AT_ONCE):
        rows = complete[first : first + _ROWS_AT_ONCE]
        some = _calibrations(answers.confidences[rows], answers.right_choice(rows))
        for place, one in zip(rows.tolist(), some, strict=True):
            found[place] = one
    return found


def _calibrations(confidences: Floats, right: Floats) -> list[Calibration]:
    """Return each row's calibration. Both arrays have the shape (rows, items); a confidence is NaN if unknown."""
    known = ~np.isnan(confidences)
    units = np.rint(np.where(known, confidences, 1) * UNITS).astype(np.int64)  # integers, so the bins' edges are exact
    bins = np.clip(-(-units // (UNITS // N_BINS)) - 1, 0, N_BINS - 1)
    shape = (len(confidences), N_BINS)
    cells = (np.arange(len(confidences))[:, None] * N_BINS + bins)[known]
    counts = np.bincount(cells, minlength=shape[0] * N_BINS).reshape(shape)
    sure, correct = (
        np.bincount(cells, weights=values[known], minlength=shape[0] * N_BINS).reshape(shape)
        for values in (confidences, right)
    )
    n = counts.sum(axis=1)
    errors, confident, accs = ((sums.sum(axis=1) / n).tolist() for sums in (np.abs(correct - sure), sure, correct))
    bins_of = map(_bins, counts.tolist(), sure.tolist(), correct.tolist())
    return [Calibration(*values) for values in zip(errors, confident, accs, bins_of, strict=True)]


def _bins(counts: Sequence[int], sure: Sequence[float], correct: Sequence[float]) -> tuple[Bin, ...]:
    return tuple(
        Bin(k / N_BINS, (k + 1) / N_BINS, sure[k] / n, Score.of(correct[k], n)) for k, n in enumerate(counts) if n
    )
