"""Measure the agreement of systems: in the options that they choose, and in the items on which they are right."""

import numpy as np

from recipe_mpr_task.statistics import Floats


def same_choice(chosen: Floats) -> Floats:
    """Return the fraction of the items on which two systems choose the same option, shape (systems, systems).

    If options tie, a system chooses one of them at random. The fraction is the expected value over these choices.

    Args:
        chosen: probability that a system chooses an option, shape (systems, items, options). All 0 if the system has no
            choice on the item.
    """
    flat = chosen.reshape(len(chosen), -1)
    return np.asarray(flat @ flat.T / chosen.shape[1])


def error_consistency(accuracies: Floats) -> Floats:
    """Return Cohen's kappa of two systems being right, shape (systems, systems). 0 is chance, given both accuracies.

    kappa = (c_obs - c_exp) / (1 - c_exp). c_obs is the fraction of the items on which both systems are right or both
    are wrong. c_exp = p q + (1 - p)(1 - q), where p and q are the accuracies (Geirhos, Meding and Wichmann 2020,
    arXiv 2006.16736, equations 1 to 3). NaN if both are right on all items, or both are wrong on all items.

    Args:
        accuracies: fractions, shape (systems, items). If options tie, each system's outcome is drawn independently.
    """
    wrong = 1 - accuracies
    observed = (accuracies @ accuracies.T + wrong @ wrong.T) / accuracies.shape[1]
    p = accuracies.mean(axis=1)
    expected = np.outer(p, p) + np.outer(1 - p, 1 - p)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)


def disagreement(chosen: Floats) -> Floats:
    """Return for each item the probability that two different systems choose different options, shape (items,).

    This is Simpson's index of diversity without replacement: 1 - sum_k n_k (n_k - 1) / (n (n - 1)), where n_k of n
    systems choose option k. With ties, n_k (n_k - 1) becomes the sum over pairs of systems of the probability that both
    choose k. Systems without a choice on the item are left out. NaN for fewer than two systems.

    Args:
        chosen: as in `same_choice`, shape (systems, items, options).
    """
    n = chosen.sum(axis=(0, 2))
    same = (chosen.sum(axis=0) ** 2 - (chosen**2).sum(axis=0)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(n > 1.5, np.clip(1 - same / (n * (n - 1)), 0, 1), np.nan))
