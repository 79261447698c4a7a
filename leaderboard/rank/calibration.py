"""Measure calibration: for example, is a system right on 70% of the items that it answers with 70% confidence?"""

from dataclasses import dataclass

import numpy as np

from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.row_items import UNITS
from leaderboard.rank.row_parts import Score
from recipe_mpr_task.statistics import Floats

N_BINS = 10


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
    units = np.rint(confidences * UNITS).astype(np.int64)  # integers, so that the bins' edges are exact
    width = UNITS // N_BINS
    places = np.clip(-(-units // width) - 1, 0, N_BINS - 1)
    counts = np.bincount(places, minlength=N_BINS)
    sure, correct = (np.bincount(places, weights=values, minlength=N_BINS) for values in (confidences, right))
    error = float(np.abs(correct - sure).sum()) / len(confidences)
    filled = np.flatnonzero(counts)
    scores = map(Score.of, correct[filled].tolist(), counts[filled].tolist())
    bins = tuple(
        Bin(k / N_BINS, (k + 1) / N_BINS, float(sure[k] / counts[k]), score)
        for k, score in zip(filled.tolist(), scores, strict=True)
    )
    return Calibration(error, float(confidences.mean()), float(right.mean()), bins)


def calibration_of(answers: BoardAnswers, place: int) -> Calibration | None:
    """Return the calibration of one of a board's rows; None if an item of the row has no probabilities."""
    row, confidences = answers.rows[place], answers.confidences[place]
    known = ~np.isnan(confidences)
    if known.sum() < len(row.items):
        return None
    return calibration(confidences[known], answers.right_choice(place)[known])
