"""Compare systems on the same items with paired tests, confidence intervals of differences and Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm
from statsmodels.stats.multitest import multipletests

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL = 0.05
_RESAMPLES = 4000
_SYSTEMS_AT_ONCE = 1024
"""Maximum number of systems that are resampled at the same time. The means of their resamples take 33 MB."""

_TIE = 1e-9
_APART = 0.0005
"""Minimum distance between 0 and an interval that excludes 0: 0.05 percentage points, as a fraction.

An interval's end that is closer to 0 would be displayed as 0.0 percent.
"""
_GRID = 300
"""An item's accuracy is a multiple of 1/300.

A tie of m options counts 1/m, which is a multiple of 1/60. The mean over five rotations or prompts is a multiple of
1/300.
"""


@dataclass(frozen=True)
class Comparison:
    """The comparison of system a with system b on the same items.

    Attributes:
        difference: accuracy of a minus accuracy of b, as a fraction.
        low: lower end of the 95% paired bootstrap interval of the difference.
        high: upper end of the 95% paired bootstrap interval.
        p: uncorrected two-sided p value, computed by `paired_p`.
        wins: number of items on which a is better.
        losses: number of items on which b is better.
    """

    difference: float
    low: float
    high: float
    p: float
    wins: int
    losses: int


def mcnemar(wins: Ints, losses: Ints) -> Floats:
    """Return the p value of the exact two-sided McNemar test for each pair of systems.

    For b wins and c losses, p = min(1, 2 sum_{k <= min(b, c)} C(b + c, k) / 2^(b + c)). If b + c = 0, p = 1.

    Args:
        wins: number of items on which the first system is better, shape (pairs,).
        losses: number of items on which the second system is better, shape (pairs,).
    """
    p = 2 * binom.cdf(np.minimum(wins, losses), wins + losses, 0.5)
    return np.asarray(np.minimum(1.0, np.where(wins + losses == 0, 1.0, p)))


def sign_flip(differences: Floats) -> float:
    """Return the p value of the exact two-sided sign-flip test for one pair of systems.

    Under the null hypothesis, each item's difference is positive or negative with equal probability. For n items, there
    are 2^n choices of the signs. p is the fraction of choices whose sum of differences is at least as far from 0 as the
    observed sum. If all differences are -1, 0 or 1, p equals the p value of McNemar's test. The distribution of the sum
    is computed from its characteristic function, prod_i cos(d_i t).

    Args:
        differences: for each item, accuracy of the first system minus accuracy of the second system, shape (items,).
            The values are multiples of 1/300.
    """
    steps = np.rint(differences * _GRID).astype(np.int64)
    if not np.any(steps):
        return 1.0
    steps //= np.gcd.reduce(np.abs(steps))
    sizes, counts = np.unique(np.abs(steps[steps != 0]), return_counts=True)
    furthest = int(sizes @ counts)
    n = 1 << (2 * furthest + 1).bit_length()
    angles = 2 * np.pi * np.arange(n) / n
    characteristic = np.prod(
        [np.cos(size * angles) ** count for size, count in zip(sizes, counts, strict=True)], axis=0
    )
    chances = np.fft.ifft(characteristic).real
    beyond = np.arange(abs(int(steps.sum())), furthest + 1)
    tail = float(chances[beyond].sum())
    return min(1.0, max(0.0, 2 * tail)) if steps.sum() else 1.0


def paired_p(differences: Floats) -> Floats:
    """Return the p value of each pair of systems, shape (pairs,).

    If all differences of a pair are -1, 0 or 1, `mcnemar` computes the p value. Otherwise, `sign_flip` computes it.

    Args:
        differences: for each item and pair, accuracy of the first system minus accuracy of the second system, shape
            (items, pairs).
    """
    p = mcnemar((differences > _TIE).sum(axis=0), (differences < -_TIE).sum(axis=0))
    whole = np.all(np.abs(differences - np.rint(differences)) < _TIE, axis=0)
    for k in np.flatnonzero(~whole):
        p[k] = sign_flip(differences[:, k])
    return p


def compare(a: Floats, b: Floats) -> Comparison:
    """Compare system a with system b.

    Args:
        a: accuracy of a on each item, as a fraction, shape (items,).
        b: accuracy of b on the same items in the same order, shape (items,).
    """
    (comparison,) = compare_with(a[:, None], b)
    return comparison


def compare_with(systems: Floats, reference: Floats) -> list[Comparison]:
    """Compare each of several systems with one reference system. All comparisons use the same bootstrap resamples.

    Args:
        systems: accuracy of each system on each item, shape (items, systems).
        reference: accuracy of the reference system on the same items, shape (items,).
    """
    differences = systems - reference[:, None]
    low, high = bootstrap_intervals(differences)
    wins, losses = (differences > _TIE).sum(axis=0), (differences < -_TIE).sum(axis=0)
    columns = (differences.mean(axis=0), low, high, paired_p(differences), wins, losses)
    return [Comparison(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def bootstrap_intervals(differences: Floats) -> tuple[Floats, Floats]:
    """Return 95% percentile bootstrap intervals of the mean difference over items.

    The same resamples of the items are used for all systems. The seed is fixed, so equal inputs give equal intervals.

    Args:
        differences: one value per item, or per item and system; shape (items,) or (items, systems).

    Returns:
        Lower ends and upper ends, each of shape () or (systems,).
    """
    if differences.ndim == 1:
        low, high = _interval_ends(differences)
        return low, high
    starts = range(0, max(differences.shape[1], 1), _SYSTEMS_AT_ONCE)
    ends = [_interval_ends(differences[:, start : start + _SYSTEMS_AT_ONCE]) for start in starts]
    low, high = np.concatenate(ends, axis=1)
    return low, high


def _interval_ends(differences: Floats) -> Floats:
    # Round, because the last digits depend on the order in which the processor adds the numbers.
    means = np.round(_resampled(len(differences)) @ differences, 12)
    return np.asarray(np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=0))


@lru_cache(maxsize=8)
def _resampled(n: int) -> Floats:
    """Return the weight of each of n items in each bootstrap resample, shape (resamples, n). Each row sums to 1."""
    return np.asarray(np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES) / n)


def pairwise(accuracies: Floats) -> tuple[Floats, Floats]:
    """Compare every pair of systems.

    Args:
        accuracies: accuracy of each system on each item, shape (items, systems).

    Returns:
        Two arrays of shape (systems, systems). The first holds the mean accuracy of the row's system minus the mean
        accuracy of the column's system. The second holds the uncorrected p value of each pair, and NaN on
        the diagonal.
    """
    means = accuracies.mean(axis=0)
    first, second = np.triu_indices(len(means), 1)
    p = np.full((len(means), len(means)), np.nan)
    p[first, second] = p[second, first] = paired_p(accuracies[:, first] - accuracies[:, second])
    return means[:, None] - means[None, :], p


def holm(p: Floats) -> Floats:
    """Return the p values after Holm's step-down correction. Argument and result have shape (tests,)."""
    return np.asarray(multipletests(p, method="holm")[1]) if len(p) else p


def holm_agreeing(comparisons: Sequence[Comparison]) -> tuple[Floats, list[Comparison]]:
    """Correct p values by Holm's method, and widen the intervals so that intervals and p values agree.

    An interval then excludes 0 if and only if the corrected p value is below 5%.

    1. Holm's method tests the k-th smallest of m p values at the level 5% / (m - k + 1). After the first
       test that is not significant, all later tests keep the level of that first test.
    2. Each interval is widened from the level 5% to the level of its test, in proportion to the normal quantiles.
    3. If interval and test still disagree, the test decides. If the test is not significant, the interval is
       extended to 0. If the test is significant, the interval is shortened and ends 0.05 percentage points from 0.

    Returns:
        Corrected p values, shape (comparisons,), and the comparisons with the new intervals.
    """
    p = np.array([comparison.p for comparison in comparisons])
    corrected = holm(p)
    levels = _holm_levels(p)
    z = norm.ppf(1 - levels / 2) / norm.ppf(1 - LEVEL / 2)
    agreeing = [
        _agreeing(comparison, widening, is_separated=is_separated)
        for comparison, widening, is_separated in zip(
            comparisons, z.tolist(), (corrected < LEVEL).tolist(), strict=True
        )
    ]
    return corrected, agreeing


def _holm_levels(p: Floats) -> Floats:
    """Return the significance level at which Holm's method tests each p value, shape (tests,)."""
    order = np.argsort(p, kind="stable")
    levels = LEVEL / np.arange(len(p), 0, -1)
    failed = np.flatnonzero(p[order] >= levels)
    if len(failed):
        levels[failed[0] :] = levels[failed[0]]
    found = np.empty(len(p))
    found[order] = levels
    return found


def _agreeing(comparison: Comparison, widening: float, *, is_separated: bool) -> Comparison:
    middle = comparison.difference
    low, high = (middle - widening * (middle - comparison.low), middle + widening * (comparison.high - middle))
    low, high = max(min(low, middle), -1.0), min(max(high, middle), 1.0)
    if not is_separated:
        low, high = min(low, 0.0), max(high, 0.0)
    elif middle > 0:
        low = max(low, min(middle, _APART))
    else:
        high = min(high, max(middle, -_APART))
    return replace(comparison, low=low, high=high)


def minimal_detectable_effect(discordance: float, n: int) -> float:
    """Return the smallest true difference that a paired test detects with 80% power at the 5% level, as a fraction.

    The formula is (z_.975 + z_.80) sqrt(discordance / n).

    Args:
        discordance: fraction of the items on which the two systems differ.
        n: number of items.
    """
    return float((norm.ppf(1 - LEVEL / 2) + norm.ppf(0.8)) * np.sqrt(discordance / n))
