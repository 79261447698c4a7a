"""From an item's scores to its metric keys. Nothing else in the project computes a metric.

lm-eval averages each key over the documents that have it and takes the standard error over them,
so per-type keys are simply absent from the other documents, and a type without items never shows 0.
"""

import math
from collections.abc import Sequence
from typing import Any

from recipe_mpr_task.item import UNTYPED


def fair_accuracy(scores: Sequence[float], gold: int) -> float:
    """Accuracy of one item with ties shared: 1/m if the gold is among the m best-scored options, else 0.

    Args:
        scores: one score an option, higher is better.
        gold: index of the right option.

    Returns:
        Fraction in [0, 1]; NaN if a score is not finite, so that no mean hides a broken item.
    """
    if not all(math.isfinite(score) for score in scores):
        return math.nan
    best = max(scores)
    return 1 / sum(score == best for score in scores) if scores[gold] == best else 0.0


def softmax(scores: Sequence[float]) -> list[float]:
    """Return the probabilities that `scores`, read as log-weights, imply; NaN for a non-finite score."""
    if not all(math.isfinite(score) for score in scores):
        return [math.nan] * len(scores)
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def brier(scores: Sequence[float], gold: int) -> float:
    """Multi-class Brier score of one item: sum over options of (softmax(scores)_k - [k = gold])^2.

    Brier (1950), the original form over all classes: 0 is perfect, 2 is certain and wrong.
    """
    return math.fsum((p - (k == gold)) ** 2 for k, p in enumerate(softmax(scores)))


def type_keys(query_types: Sequence[str]) -> list[str]:
    """Return the per-type metric keys that an item counts for."""
    return [f"acc_{name.lower()}" for name in query_types or (UNTYPED,)]


def letter_metrics(doc: dict[str, Any], results: Sequence[tuple[float, bool]]) -> dict[str, float]:
    """Score one item of a letter task; `process_results` in the task YAML.

    Args:
        doc: the item's document, see `task.record_of`.
        results: (log-likelihood, is_greedy) for each of the five options, in the order shown.

    Returns:
        `acc`, `brier` and one `acc_<type>` for each of the item's types (`acc_untyped` if none).
    """
    scores = [log_likelihood for log_likelihood, _ in results]
    accuracy = fair_accuracy(scores, doc["gold"])
    return {
        "acc": accuracy,
        "brier": brier(scores, doc["gold"]),
        **dict.fromkeys(type_keys(doc["query_types"]), accuracy),
    }
