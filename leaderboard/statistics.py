"""Paired statistics over items: tests, intervals of differences, corrections. Numbers in, numbers out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm
from statsmodels.stats.multitest import multipletests

Floats = NDArray[np.float64]

LEVEL = 0.05
_RESAMPLES = 4000
_TIE = 1e-9


@dataclass(frozen=True)
class Comparison:
    """System a against system b on the same items.

    Attributes:
        difference: accuracy of a minus accuracy of b, a fraction.
        low: lower end of its 95% paired bootstrap interval.
        high: its upper end.
        p: exact McNemar test, two-sided, uncorrected.
        wins: items on which a is better.
        losses: items on which b is.
    """

    difference: float
    low: float
    high: float
    p: float
    wins: int
    losses: int


def mcnemar(wins: NDArray[np.int64], losses: NDArray[np.int64]) -> Floats:
    """Exact two-sided McNemar test of pairs of systems.

    p = min(1, 2 sum_{k <= min(b, c)} C(b + c, k) / 2^(b + c)) for b wins and c losses; 1 where there are neither.
    """
    p = 2 * binom.cdf(np.minimum(wins, losses), wins + losses, 0.5)
    return np.asarray(np.minimum(1.0, np.where(wins + losses == 0, 1.0, p)))


def compare(a: Floats, b: Floats) -> Comparison:
    """Compare two systems.

    Args:
        a: accuracies of the items, fractions, shape (items,).
        b: of the same items in the same order.
    """
    low, high = bootstrap_intervals(a - b)
    wins, losses = int(np.sum(a - b > _TIE)), int(np.sum(b - a > _TIE))
    p = float(mcnemar(np.array(wins), np.array(losses)))
    return Comparison(float(np.mean(a - b)), float(low), float(high), p, wins, losses)


def bootstrap_intervals(differences: Floats) -> tuple[Floats, Floats]:
    """95% percentile bootstrap intervals of means over items; one resample of the items serves all columns.

    Args:
        differences: shape (items,) or (items, systems). Seeded: same input, same interval.

    Returns:
        Lower and upper ends, shape () or (systems,).
    """
    n = len(differences)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES) / n
    # Rounded, so that the order in which a processor adds up does not show in the files.
    low, high = np.round(np.quantile(weights @ differences, [LEVEL / 2, 1 - LEVEL / 2], axis=0), 9)
    return low, high


def pairwise(accuracies: Floats) -> tuple[Floats, Floats]:
    """Compare every pair of systems.

    Args:
        accuracies: shape (items, systems).

    Returns:
        Differences of row system minus column system, and McNemar p values, both of shape (systems, systems).
    """
    columns = accuracies.T
    wins = np.array([(column[:, None] - accuracies > _TIE).sum(axis=0) for column in columns])
    means = accuracies.mean(axis=0)
    return means[:, None] - means[None, :], mcnemar(wins, wins.T)


def holm(p: Floats) -> Floats:
    """Holm's step-down correction of p values, shape (tests,)."""
    return np.asarray(multipletests(p, method="holm")[1]) if len(p) else p


def minimal_detectable_effect(discordance: float, n: int) -> float:
    """Smallest true difference that a paired test on n items finds four times in five at the 5% level.

    (z_.975 + z_.80) sqrt(discordance / n), for the share of items on which two systems differ.
    """
    return float((norm.ppf(1 - LEVEL / 2) + norm.ppf(0.8)) * np.sqrt(discordance / n))
