"""Compute an item's metrics from its scores, and list all metrics. No other module computes a metric.

lm-eval takes mean and standard error of each key over the documents that have the key. So documents of
other types lack a per-type key, and a type without items never shows 0.
To add a metric: return its key from a `..._metrics` function, and add it to METRICS.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from recipe_mpr_task.extraction import extract_letter
from recipe_mpr_task.item import LETTERS, N_OPTIONS, QUERY_TYPES, UNTYPED

LogLikelihoods = Sequence[tuple[float, bool]]
SEEN = "seen_in_training"
"""Key of the metric "share of scored items that the model has seen", and of the document's field, 0 or 1."""


def fair_accuracy(scores: Sequence[float], gold: int) -> float:
    """Return the accuracy of one item with ties shared: 1/m if the gold is among the m best-scored options, else 0.

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


def share_choosing(rows: Sequence[Sequence[float]], option: int) -> float:
    """Return the share of items on which the option at an index is chosen, 0 for "A"; ties shared.

    Args:
        rows: one list of scores per item.
        option: index into each list.
    """
    return math.fsum(fair_accuracy(row, option) for row in rows) / len(rows)


def softmax(scores: Sequence[float]) -> list[float]:
    """Return the probabilities that `scores`, read as log-weights, imply; NaN for a non-finite score."""
    if not all(math.isfinite(score) for score in scores):
        return [math.nan] * len(scores)
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def brier(scores: Sequence[float], gold: int) -> float:
    """Return the multi-class Brier score of one item: sum over options of (softmax(scores)_k - [k = gold])^2.

    Brier (1950), the original form over all classes: 0 is perfect, 2 is certain and wrong.
    """
    return math.fsum((p - (k == gold)) ** 2 for k, p in enumerate(softmax(scores)))


def type_keys(query_types: Sequence[str]) -> list[str]:
    """Return the per-type metric keys that an item counts for."""
    return [f"acc_{name.lower()}" for name in query_types or (UNTYPED,)]


def _per_type(doc: dict[str, Any], accuracy: float) -> dict[str, float]:
    # Absent if unknown. A mean over the known items alone would make the model look clean.
    seen = doc.get(SEEN)
    share = {} if seen is None else {SEEN: float(seen)}
    return {"acc": accuracy, **dict.fromkeys(type_keys(doc["query_types"]), accuracy), **share}


def letter_metrics(doc: dict[str, Any], results: LogLikelihoods) -> dict[str, float]:
    """Score one item of a letter task. This and the functions below are `process_results` in task YAML files.

    Args:
        doc: the item's document, see `task.record_of`.
        results: (log-likelihood, is_greedy) for each of the five options, in the order shown.

    Returns:
        `acc`, `brier`, one `acc_<type>` for each of the item's types (`acc_untyped` if none), and
        `seen_in_training` (0 or 1) where it is known.
    """
    scores = [log_likelihood for log_likelihood, _ in results]
    return {**_per_type(doc, fair_accuracy(scores, doc["gold"])), "brier": brier(scores, doc["gold"])}


def choice_metrics(doc: dict[str, Any], chosen: Sequence[str]) -> dict[str, float]:
    """Score one item by the options that a system chose, if it gives no scores.

    Args:
        doc: the item's document.
        chosen: recipe ids; several ids share the item like ties; an empty list counts as wrong.

    Returns:
        As `letter_metrics`, without `brier`.
    """
    gold = doc["option_ids"][doc["gold"]]
    return _per_type(doc, 1 / len(set(chosen)) if gold in chosen else 0.0)


def cloze_metrics(doc: dict[str, Any], results: LogLikelihoods) -> dict[str, float]:
    """Score one item by its option texts: as `letter_metrics`, and `acc_norm` by characters.

    `acc_norm` divides a text's log-likelihood by its length in characters, as lm-eval does.
    """
    scores = [log_likelihood for log_likelihood, _ in results]
    per_character = [score / len(text) for score, text in zip(scores, doc["options"], strict=True)]
    return {**letter_metrics(doc, results), "acc_norm": fair_accuracy(per_character, doc["gold"])}


def generate_metrics(doc: dict[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Score one item by the letter in the generated text; text without one clear letter is wrong.

    Args:
        doc: the item's document.
        results: the generated text, alone in a list.
    """
    letter = extract_letter(results[0], doc["options"])
    # From gold, which the document's pinned digest covers; gold_letter is for people.
    accuracy = float(letter == LETTERS[doc["gold"]])
    return {**_per_type(doc, accuracy), "parse_fail": float(letter is None)}


def circular_metrics(doc: dict[str, Any], results: LogLikelihoods) -> dict[str, Any]:
    """Score one item over the five rotations of its options.

    A tie within a rotation counts as a random choice among the tied options, independent of the
    other rotations; each metric is its expectation.

    Args:
        doc: the item's document, unrotated.
        results: 25 (log-likelihood, is_greedy), rotation r and letter k at index 5r + k.

    Returns:
        As `letter_metrics`, `acc` and `brier` averaged over rotations, and:
        `perf`: right in every rotation (CircularEval);
        `acc_averaged`: accuracy of the letter probabilities averaged over rotations by option content;
        `flip_rate`: more than one content chosen over the rotations;
        `consistency`: share of the pairs of rotations that choose the same content;
        `rstd`: (gold letter, accuracy) of each rotation, for `recall_std`;
        `invalid`: 1 if a score is missing or not finite; the item's other metrics are then NaN.
    """
    scores = [log_likelihood for log_likelihood, _ in results]
    if len(scores) != N_OPTIONS**2 or not all(map(math.isfinite, scores)):
        keys = ("brier", "perf", "acc_averaged", "flip_rate", "consistency")
        return {**_per_type(doc, math.nan), **dict.fromkeys(keys, math.nan), "rstd": None, "invalid": 1.0}
    rows = [scores[N_OPTIONS * r : N_OPTIONS * (r + 1)] for r in range(N_OPTIONS)]
    gold = doc["gold"]
    golds = [(gold - r) % N_OPTIONS for r in range(N_OPTIONS)]
    right = [fair_accuracy(row, g) for row, g in zip(rows, golds, strict=True)]
    # Choices and probabilities by option content: rotation r shows content (k + r) mod 5 at letter k.
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
    """Return an item's five probabilities averaged over its rotations, by option content, unrotated.

    Args:
        scores: 25 log-likelihoods, rotation r and letter k at index 5r + k.
    """
    rows = [scores[N_OPTIONS * r : N_OPTIONS * (r + 1)] for r in range(N_OPTIONS)]
    by_content = [_unrotated(softmax(row), r) for r, row in enumerate(rows)]
    # fsum rounds once, so that mathematically equal values stay tied.
    return [math.fsum(column) / N_OPTIONS for column in zip(*by_content, strict=True)]


def _choice(scores: Sequence[float]) -> list[float]:
    """Return the probability of choosing each option, ties shared."""
    return [fair_accuracy(scores, k) for k in range(len(scores))]


def _unrotated(values: Sequence[float], rotation: int) -> list[float]:
    return [values[(content - rotation) % N_OPTIONS] for content in range(N_OPTIONS)]


def recall_std(items: Sequence[list[list[float]] | None]) -> float:
    """Return the spread of recall over answer letters: 0 without position bias.

    RStd (Zheng et al., arXiv 2309.03882): population standard deviation over letters k of
    recall_k, the mean accuracy where the gold option is at k.

    Args:
        items: for each item its (gold letter's index, accuracy) in each rotation; None for an invalid one.

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
        key: its name in results, samples and `leaderboard.json`.
        label: heading of its column.
        help: what it measures, in one sentence.
        unit: "fraction" of items or of trials, in [0, 1], shown in percent; "score" is shown unchanged.
        higher_is_better: its direction.
        aggregation: "mean" over the items that have it, or a function of their values.
        in_row: whether a leaderboard row shows it beside accuracy and the accuracies by query type.
        of_position: whether it measures an effect of the options' positions; a model that reads no position has none.
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
    Metric("acc", "Accuracy", "Share of items answered right, ties shared; over rotations their mean."),
    *(_of_type(name) for name in (*QUERY_TYPES, UNTYPED)),
    Metric(SEEN, "Seen in training", "Share of scored items that the model was trained or validated on.",
           higher_is_better=False, in_row=True),
    Metric("brier", "Brier", "Squared error of the probabilities over the five options: 0 is perfect, 2 the worst.",
           unit="score", higher_is_better=False, in_row=True),
    Metric("perf", "Right in all rotations", "Share of items answered right in all five rotations of their options.",
           in_row=True, of_position=True),
    Metric("acc_averaged", "Averaged choice",
           "Accuracy of each option's probability averaged over the five rotations.", in_row=True),
    Metric("flip_rate", "Flips", "Share of items whose chosen recipe changes over the five rotations.",
           higher_is_better=False, in_row=True, of_position=True),
    Metric("consistency", "Consistency", "Share of the pairs of rotations of an item that choose the same recipe.",
           in_row=True, of_position=True),
    Metric("rstd", "RStd", "Standard deviation of recall over the gold option's letters: 0 without position bias.",
           higher_is_better=False, aggregation=recall_std, in_row=True, of_position=True),
    Metric("invalid", "Invalid", "Share of items with a score that is missing or not finite.", higher_is_better=False),
    Metric("acc_norm", "By length", "Accuracy of log-likelihoods divided by each option's length in characters.",
           in_row=True),
    Metric("parse_fail", "No letter", "Share of replies that do not name exactly one letter; they count as wrong.",
           higher_is_better=False, in_row=True),
)  # fmt: skip
"""Every metric of every task, in the order of columns."""

METRIC_LIST: list[dict[str, Any]] = [
    {"metric": metric.key, "aggregation": metric.aggregation, "higher_is_better": metric.higher_is_better}
    for metric in METRICS
]
"""`metric_list` of every task file: lm-eval aggregates the metrics that a task's documents have."""
