"""Paired statistics over items: tests, intervals of differences, corrections. Numbers in, numbers out."""

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
_TIE = 1e-9
_APART = 0.0005
"""Least distance from 0, a fraction, of an interval that excludes 0: it is visible at one decimal in percent."""
_GRID = 300
"""Accuracies are multiples of 1/300: a half to a fifth for ties, averaged over five rotations or prompts."""


@dataclass(frozen=True)
class Comparison:
    """System a against system b on the same items.

    Attributes:
        difference: accuracy of a minus accuracy of b, a fraction.
        low: lower end of its 95% paired bootstrap interval.
        high: its upper end.
        p: exact McNemar test, two-sided, uncorrected; see `paired_p`.
        wins: items on which a is better.
        losses: items on which b is better.
    """

    difference: float
    low: float
    high: float
    p: float
    wins: int
    losses: int


def mcnemar(wins: Ints, losses: Ints) -> Floats:
    """Return p values of the exact two-sided McNemar test for pairs of systems.

    p = min(1, 2 sum_{k <= min(b, c)} C(b + c, k) / 2^(b + c)) for b wins and c losses; 1 where there are neither.
    """
    p = 2 * binom.cdf(np.minimum(wins, losses), wins + losses, 0.5)
    return np.asarray(np.minimum(1.0, np.where(wins + losses == 0, 1.0, p)))


def sign_flip(differences: Floats) -> float:
    """Return p of the exact two-sided sign-flip test of one pair: McNemar's test for fractional wins by shared ties.

    Under the null hypothesis each item's difference is as likely to be the other system's. p is the share of the
    2^items assignments of signs whose sum is at least as far from 0; on wins and losses of 1 that is McNemar's p. The
    sum's distribution comes from its characteristic function, prod_i cos(d_i t).

    Args:
        differences: accuracies of one system minus the other's, multiples of 1/300, shape (items,).
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
    """Return the p value of each pair of systems: by `mcnemar` if all differences are whole, else by `sign_flip`.

    Args:
        differences: shape (items, pairs).
    """
    p = mcnemar((differences > _TIE).sum(axis=0), (differences < -_TIE).sum(axis=0))
    whole = np.all(np.abs(differences - np.rint(differences)) < _TIE, axis=0)
    for k in np.flatnonzero(~whole):
        p[k] = sign_flip(differences[:, k])
    return p


def compare(a: Floats, b: Floats) -> Comparison:
    """Compare two systems.

    Args:
        a: accuracies of the items, fractions, shape (items,).
        b: of the same items in the same order.
    """
    (comparison,) = compare_with(a[:, None], b)
    return comparison


def compare_with(systems: Floats, reference: Floats) -> list[Comparison]:
    """Compare each of several systems with one, all on the same resamples.

    Args:
        systems: accuracies, shape (items, systems).
        reference: of the same items, shape (items,).
    """
    differences = systems - reference[:, None]
    low, high = bootstrap_intervals(differences)
    wins, losses = (differences > _TIE).sum(axis=0), (differences < -_TIE).sum(axis=0)
    columns = (differences.mean(axis=0), low, high, paired_p(differences), wins, losses)
    return [Comparison(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def bootstrap_intervals(differences: Floats) -> tuple[Floats, Floats]:
    """Return 95% percentile bootstrap intervals of means over items; all columns share each resample of the items.

    Args:
        differences: shape (items,) or (items, systems). Seeded: same input, same interval.

    Returns:
        Lower and upper ends, shape () or (systems,).
    """
    # Rounded, so that the order in which a processor adds up does not show in the files.
    means = np.round(_resampled(len(differences)) @ differences, 12)
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    return low, high


@lru_cache(maxsize=8)
def _resampled(n: int) -> Floats:
    """Return the weight of each of n items in each resample, shape (resamples, n); rows sum to 1."""
    return np.asarray(np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES) / n)


def pairwise(accuracies: Floats) -> tuple[Floats, Floats]:
    """Compare every pair of systems.

    Args:
        accuracies: shape (items, systems).

    Returns:
        Differences of row system minus column system, and p values, NaN on the diagonal; shape (systems, systems).
    """
    means = accuracies.mean(axis=0)
    first, second = np.triu_indices(len(means), 1)
    p = np.full((len(means), len(means)), np.nan)
    p[first, second] = p[second, first] = paired_p(accuracies[:, first] - accuracies[:, second])
    return means[:, None] - means[None, :], p


def holm(p: Floats) -> Floats:
    """Return p values after Holm's step-down correction, shape (tests,)."""
    return np.asarray(multipletests(p, method="holm")[1]) if len(p) else p


def holm_agreeing(comparisons: Sequence[Comparison]) -> tuple[Floats, list[Comparison]]:
    """Correct the p values of several comparisons, and widen their intervals so that both agree.

    An interval excludes 0 exactly where the corrected p is below 5%. Holm tests the k-th smallest of m p values at 5% /
    (m - k + 1). From the first test that fails on, all tests have that test's level. Each interval is widened to the
    level of its test, its half-widths in proportion to the normal quantile. Where exact test and bootstrap still
    disagree, the test decides: the interval then ends at 0, or at 0.05 points from 0.

    Returns:
        Corrected p values, shape (comparisons,), and the comparisons with their new intervals.
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
    """Return the level at which Holm's procedure decides on each p value, shape (tests,)."""
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
    """Return the smallest true difference that a paired test on n items detects with 80% power at the 5% level.

    (z_.975 + z_.80) sqrt(discordance / n), for the share of items on which two systems differ.
    """
    return float((norm.ppf(1 - LEVEL / 2) + norm.ppf(0.8)) * np.sqrt(discordance / n))
