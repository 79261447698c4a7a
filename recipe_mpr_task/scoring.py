"""Compute an item's accuracy, probabilities and Brier score from the scores of its five options."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def fair_accuracy(scores: Sequence[float], gold: int) -> float:
    """Return the accuracy of one item: 1/m if the gold option is one of m options with the best score, else 0.

    Args:
        scores: one score per option; higher is better.
        gold: index of the right option.

    Returns:
        Fraction in [0, 1]. NaN if a score is not finite, so that the mean over items becomes NaN.
    """
    if not all(map(math.isfinite, scores)):
        return math.nan
    best = max(scores)
    return 1 / scores.count(best) if scores[gold] == best else 0.0


def share_choosing(rows: Sequence[Sequence[float]], option: int) -> float:
    """Return the fraction of items on which the option at one index has the best score.

    An item on which m options tie for the best score counts 1/m.

    Args:
        rows: one list of scores per item.
        option: index of the option, 0 for letter A.
    """
    return math.fsum(fair_accuracy(row, option) for row in rows) / len(rows)


def softmax(scores: Sequence[float]) -> list[float]:
    """Return the softmax of `scores`: probabilities that sum to 1. All results are NaN if a score is not finite."""
    probabilities: list[list[float]] = softmax_of_each(np.array([scores], dtype=np.float64)).tolist()
    return probabilities[0]


def softmax_of_each(scores: Floats) -> Floats:
    """Return the softmax of each row of scores, shape (rows, options). A row with a score that is not finite is NaN."""
    finite = np.where(np.isfinite(scores).all(axis=1, keepdims=True), scores, np.nan)
    weights = np.exp(finite - finite.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def brier(scores: Sequence[float], gold: int) -> float:
    """Return the multi-class Brier score of one item: sum over options of (softmax(scores)_k - [k = gold])^2.

    This is the original form of Brier (1950). 0 is perfect. 2 means that a wrong option has probability 1.
    """
    return float(_briers(softmax_of_each(np.array([scores], dtype=np.float64)), np.array([gold]))[0])


def _briers(probabilities: Floats, golds: Ints) -> Floats:
    errors = probabilities - (np.arange(probabilities.shape[1]) == golds[:, None])
    return np.asarray((errors * errors).sum(axis=1))


class LetterResults(NamedTuple):
    """The results of many items of a letter task, all by `letter_metrics` and `softmax`.

    Attributes:
        accuracies: `acc` of each item, a fraction, shape (items,).
        briers: `brier` of each item, shape (items,).
        probabilities: softmax of the scores, shape (items, 5).
        is_best: whether each option has the best score, shape (items, 5).
    """

    accuracies: Floats
    briers: Floats
    probabilities: Floats
    is_best: NDArray[np.bool_]


def letter_results(scores: Floats, golds: Ints) -> LetterResults:
    """Score many items of a letter task at once, several times faster than one by one.

    Every number is bit-identical to the result of `letter_metrics` and `softmax` for a single item.

    Args:
        scores: finite log-likelihoods of the options as shown, shape (items, 5).
        golds: index of each item's right option, shape (items,).
    """
    is_best = scores == scores.max(axis=1, keepdims=True)
    accuracies = np.where(is_best[np.arange(len(golds)), golds], 1 / is_best.sum(axis=1), 0.0)
    probabilities = softmax_of_each(scores)
    return LetterResults(accuracies, _briers(probabilities, golds), probabilities, is_best)
