"""Compute an item's metrics from its scores, and list all metrics. Only `scoring` and this module compute metrics.

lm-eval aggregates each metric over the items that have a value under the metric's key. Only items of
query type Negated have the key `acc_negated`. So lm-eval reports no accuracy for a query type without items.
To add a metric, return its key from a `..._metrics` function, and add an entry to METRICS.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from recipe_mpr_task.extraction import extract_letter
from recipe_mpr_task.item import LETTERS, N_OPTIONS, QUERY_TYPES, UNTYPED
from recipe_mpr_task.scoring import brier, fair_accuracy, softmax

LogLikelihoods = Sequence[tuple[float, bool]]
SEEN = "seen_in_training"
"""Name of a metric and of a document's field. The field is 1 if the model has seen the item, 0 if not, None if unknown.

The metric is the fraction of scored items that the model has seen. Items with None are not counted.
"""


def type_keys(query_types: Sequence[str]) -> list[str]:
    """Return the keys of the per-type accuracies of an item, such as "acc_negated"."""
    return [f"acc_{name.lower()}" for name in query_types or (UNTYPED,)]


@lru_cache(maxsize=64)
def _accuracy_keys(query_types: tuple[str, ...]) -> tuple[str, ...]:
    return ("acc", *type_keys(query_types))


def _per_type(doc: Mapping[str, Any], accuracy: float) -> dict[str, float]:
    metrics = dict.fromkeys(_accuracy_keys(tuple(doc["query_types"])), accuracy)
    # If it is unknown whether the item was seen, omit the key, because 0 would mean "not seen".
    seen = doc.get(SEEN)
    if seen is not None:
        metrics[SEEN] = float(seen)
    return metrics


def letter_metrics(doc: dict[str, Any], results: LogLikelihoods) -> dict[str, float]:
    """Score one item of a letter task. Task YAML files name this function as `process_results`.

    Args:
        doc: the item's document, as `record_of` makes it.
        results: (log-likelihood, is_greedy) for each of the five options, in the order shown.

    Returns:
        Metric key to value: `acc`, `brier` and one `acc_<type>` for each query type of the item. An item without a
        query type has `acc_untyped`. `seen_in_training` is 0 or 1, and missing if unknown.
    """
    scores = [log_likelihood for log_likelihood, _ in results]
    return {**_per_type(doc, fair_accuracy(scores, doc["gold"])), "brier": brier(scores, doc["gold"])}


def choice_metrics(doc: dict[str, Any], chosen: Sequence[str]) -> dict[str, float]:
    """Score one item for a system that returns chosen options instead of scores.

    Args:
        doc: the item's document.
        chosen: recipe ids of the chosen options. If the gold option is one of m distinct choices, the accuracy is 1/m.
            If the gold option is not chosen, the accuracy is 0.

    Returns:
        The metrics of `letter_metrics`, without `brier`.
    """
    gold = doc["option_ids"][doc["gold"]]
    return _per_type(doc, 1 / len(set(chosen)) if gold in chosen else 0.0)


def cloze_metrics(doc: dict[str, Any], results: LogLikelihoods) -> dict[str, float]:
    """Score one item by the log-likelihoods of its option texts. Add `acc_norm` to the metrics of `letter_metrics`.

    For `acc_norm`, each log-likelihood is divided by the number of characters of the option, as in lm-eval.
    """
    scores = [log_likelihood for log_likelihood, _ in results]
    per_character = [score / len(text) for score, text in zip(scores, doc["options"], strict=True)]
    return {**letter_metrics(doc, results), "acc_norm": fair_accuracy(per_character, doc["gold"])}


def generate_metrics(doc: dict[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Score one item by the letter in the generated text. A text without exactly one clear letter counts as wrong.

    Args:
        doc: the item's document.
        results: a list that holds only the generated text.

    Returns:
        The metrics of `letter_metrics` without `brier`, and `parse_fail`: 1 if the text has no clear letter, else 0.
    """
    letter = extract_letter(results[0], doc["options"])
    # Read `gold`, because the pinned digest of a document covers `gold` and not `gold_letter`.
    accuracy = float(letter == LETTERS[doc["gold"]])
    return {**_per_type(doc, accuracy), "parse_fail": float(letter is None)}


def circular_metrics(doc: dict[str, Any], results: LogLikelihoods) -> dict[str, Any]:
    """Score one item over the five rotations of its options.

    In each rotation the option with the best score is chosen. If options tie, one of them is chosen at random. The
    choices in different rotations are independent. Each metric is the expected value over these random choices.

    Args:
        doc: the item's document, unrotated.
        results: 25 pairs (log-likelihood, is_greedy). Index 5r + k holds rotation r and letter k.

    Returns:
        The metrics of `letter_metrics`, with `acc` and `brier` averaged over the rotations, and these keys:
        `perf`: 1 if every rotation is right (CircularEval), else 0.
        `acc_averaged`: average each option's probability over the rotations, then take the accuracy.
        `flip_rate`: 1 if not all rotations choose the same option, else 0.
        `consistency`: fraction of the pairs of rotations that choose the same option.
        `rstd`: one pair (index of the gold letter, accuracy) per rotation, for `recall_std`.
        `invalid`: 1 if a score is missing or not finite, else 0. If it is 1, `rstd` is None, and all other metrics
            except `seen_in_training` are NaN.
    """
    scores = [log_likelihood for log_likelihood, _ in results]
    if len(scores) != N_OPTIONS**2 or not all(map(math.isfinite, scores)):
        keys = ("brier", "perf", "acc_averaged", "flip_rate", "consistency")
        return {**_per_type(doc, math.nan), **dict.fromkeys(keys, math.nan), "rstd": None, "invalid": 1.0}
    rows = [scores[N_OPTIONS * r : N_OPTIONS * (r + 1)] for r in range(N_OPTIONS)]
    gold = doc["gold"]
    golds = [(gold - r) % N_OPTIONS for r in range(N_OPTIONS)]
    right = [fair_accuracy(row, g) for row, g in zip(rows, golds, strict=True)]
    # Rotation r shows option (k + r) mod 5 at letter k, so choices are rotated back before they are compared.
    chosen = [_unrotated(_choice(row), r) for r, row in enumerate(rows)]
    averaged = averaged_probabilities(scores)
    agreement = [math.fsum(map(math.prod, zip(a, b, strict=True))) for a, b in itertools.combinations(chosen, 2)]
    return {
        **_per_type(doc, math.fsum(right) / N_OPTIONS),
        "brier": math.fsum(brier(row, g) for row, g in zip(rows, golds, strict=True)) / N_OPTIONS,
        "perf": math.prod(right),
        "acc_averaged": fair_accuracy(averaged, gold),
        "flip_rate": 1 - math.fsum(map(math.prod, zip(*chosen, strict=True))),
        "consistency": math.fsum(agreement) / len(agreement),
        "rstd": [list(pair) for pair in zip(golds, right, strict=True)],
        "invalid": 0.0,
    }


def averaged_probabilities(scores: Sequence[float]) -> list[float]:
    """Return each option's probability, averaged over the five rotations, in the unrotated order of the options.

    Args:
        scores: 25 log-likelihoods. Index 5r + k holds rotation r and letter k.
    """
    rows = [scores[N_OPTIONS * r : N_OPTIONS * (r + 1)] for r in range(N_OPTIONS)]
    by_content = [_unrotated(softmax(row), r) for r, row in enumerate(rows)]
    # Use fsum, because its result does not depend on the order of the numbers. So equal averages stay tied.
    return [math.fsum(column) / N_OPTIONS for column in zip(*by_content, strict=True)]


def _choice(scores: Sequence[float]) -> list[float]:
    """Return the probability that each option is chosen: 1/m for each of m options with the best score, else 0."""
    return [fair_accuracy(scores, k) for k in range(len(scores))]


def _unrotated(values: Sequence[float], rotation: int) -> list[float]:
    return [values[(content - rotation) % N_OPTIONS] for content in range(N_OPTIONS)]


def recall_std(items: Sequence[list[list[float]] | None]) -> float:
    """Return RStd, the standard deviation of recall over the five letters: 0 without position bias.

    The recall of a letter is the mean accuracy in the rotations that show the gold option at this letter. RStd is the
    population standard deviation of the five recalls (Zheng et al., arXiv 2309.03882).

    Args:
        items: one list per item; None for an invalid item. A list holds one pair (index of the gold letter, accuracy)
            per rotation.

    Returns:
        Fraction in [0, 0.5]; NaN if an item is invalid.
    """
    if any(item is None for item in items):
        return math.nan
    recalls = [
        statistics.fmean(accuracy for item in items for letter, accuracy in item or () if letter == k)
        for k in range(N_OPTIONS)
    ]
    return statistics.pstdev(recalls)


@dataclass(frozen=True)
class Metric:
    """A metric of the tasks.

    Attributes:
        key: the metric's name in results, samples and `leaderboard.json`.
        label: heading of the metric's column.
        help: what the metric measures, in one or two sentences.
        unit: "fraction" is a value in [0, 1] that is shown in percent; "score" is shown unchanged.
        higher_is_better: whether a higher value is better.
        aggregation: "mean" of the items' values, or a function from the items' values to one number.
        in_row: whether a leaderboard row shows the metric. Accuracies are always shown.
        of_position: whether the metric measures the effect of option positions. If True, the metric is meaningless for
            a model that does not see the positions.
    """

    key: str
    label: str
    help: str
    unit: Literal["fraction", "score"] = "fraction"
    higher_is_better: bool = True
    aggregation: Literal["mean"] | Callable[[Any], float] = "mean"
    in_row: bool = False
    of_position: bool = False


def _of_type(name: str) -> Metric:
    which = "without a query type" if name == UNTYPED else f"of query type {name}"
    return Metric(type_keys([name])[0], name, f"Accuracy on the items {which}.")


METRICS: tuple[Metric, ...] = (
    Metric("acc", "Accuracy", "Share of items answered correctly. A tie of m counts 1/m; rotations are averaged."),
    *(_of_type(name) for name in (*QUERY_TYPES, UNTYPED)),
    Metric(SEEN, "Seen in training", "Share of scored items that were used for training or validation.",
           higher_is_better=False, in_row=True),
    Metric("brier", "Brier", "Squared error of the probabilities over the five options: 0 is perfect, 2 is worst.",
           unit="score", higher_is_better=False, in_row=True),
    Metric("perf", "Right in all rotations", "Share of items answered correctly in all five rotations of the options.",
           in_row=True, of_position=True),
    Metric("acc_averaged", "Averaged choice",
           "Accuracy if each option's probability is first averaged over the five rotations.", in_row=True),
    Metric("flip_rate", "Flips", "Share of items whose chosen recipe changes over the five rotations.",
           higher_is_better=False, in_row=True, of_position=True),
    Metric("consistency", "Consistency", "Share of an item's pairs of rotations in which the same recipe is chosen.",
           in_row=True, of_position=True),
    Metric("rstd", "RStd", "Standard deviation of recall over the gold option's letters: 0 without position bias.",
           higher_is_better=False, aggregation=recall_std, in_row=True, of_position=True),
    Metric("invalid", "Invalid", "Share of items with a score that is missing or not finite.", higher_is_better=False),
    Metric("acc_norm", "By length", "Accuracy if each log-likelihood is divided by the option's length in characters.",
           in_row=True),
    Metric("parse_fail", "No letter", "Share of replies without exactly one clear letter; they count as wrong.",
           higher_is_better=False, in_row=True),
)  # fmt: skip
"""All metrics of all tasks, in the order of the leaderboard's columns."""

METRIC_LIST: list[dict[str, Any]] = [
    {"metric": metric.key, "aggregation": metric.aggregation, "higher_is_better": metric.higher_is_better}
    for metric in METRICS
]
"""The `metric_list` of every task. lm-eval aggregates a metric if the task's items have the metric's key."""
