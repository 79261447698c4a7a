"""Recompute the result of each item. All numbers on the leaderboard are computed from these results."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Literal

import numpy as np

from leaderboard.load.option_scores import Scale, best_options, probabilities_of
from leaderboard.load.samples import Sample
from recipe_mpr_task.document import Document
from recipe_mpr_task.extraction import extract_letter
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.metrics import METRICS, averaged_probabilities, choice_metrics, letter_metrics
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.scoring import Floats, letter_results, softmax
from recipe_mpr_task.task_specs import TaskSpec

MEANS = tuple(metric.key for metric in METRICS if metric.in_row and metric.aggregation == "mean")
"""Keys of the metrics, besides accuracy, whose mean over the items is shown in a row."""


@dataclass(slots=True)  # not frozen, because a build makes millions, and frozen ones take five times as long to make
class ItemResult:
    """One item's result, recomputed from the model's answer.

    Attributes:
        accuracy: a fraction in [0, 1], such as 1/2 if the right option ties with another. NaN if a score is not finite.
        types: the item's query types.
        metrics: maps a metric's key to its value, computed by the task, or by `choice_metrics` for an imported item.
            Items that are scored all at once have only "brier".
        chosen: recipe ids of the chosen options, several for a tie; empty if the choice is unknown.
        probabilities: softmax of the scores in displayed order, shape (5,). If the task rotates the options, each
            value is a mean over the rotations. None if the run has no scores, or a score is not finite. For
            imported items, the values of `option_scores.probabilities_of`, in shuffled order.
        seen: 1 if the model was trained or validated on the item, 0 if not, None if unknown.
        rotations: for each rotation, [index of the right option's letter, accuracy]. None if the task does not
            rotate the options, or a score is not finite.
    """

    item_id: str
    accuracy: float
    types: tuple[str, ...]
    metrics: dict[str, float] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    probabilities: tuple[float, ...] | None = None
    seen: Literal[0, 1] | None = None
    rotations: list[list[float]] | None = None

    @property
    def gold(self) -> str:
        """The right option's recipe id."""
        return pinned_items()[self.item_id].gold


def responses_of(sample: Sample, spec: TaskSpec) -> Sequence[float] | Sequence[str]:
    """Return a sample's responses, texts or log-likelihoods; empty if not logged or of another type."""
    return (sample.texts if spec.generates else sample.log_likelihoods) or ()


def item_results(samples: Sequence[Sample], spec: TaskSpec, scale: Scale | None) -> tuple[ItemResult, ...]:
    """Recompute the results of a run's items, see `item_result`. Items of a letter task are scored all at once."""
    is_letters = spec.process_results is letter_metrics and all(sample.chosen is None for sample in samples)
    rows = [sample.log_likelihoods or () for sample in samples] if is_letters else []
    if {*map(len, rows)} == {N_OPTIONS} and np.isfinite(scores := np.array(rows)).all():
        return _letter_items([sample.doc for sample in samples], scores)
    return tuple([item_result(sample, spec, scale) for sample in samples])


def _letter_items(documents: Sequence[Document], scores: Floats) -> tuple[ItemResult, ...]:
    pinned = pinned_items()
    results = letter_results(scores, np.array([document.gold for document in documents]))
    return tuple([
        ItemResult(
            item_id=document.item_id,
            accuracy=accuracy,
            types=pinned[document.item_id].types,
            metrics={"brier": brier},
            chosen=tuple(compress(document.option_ids, is_best)),
            probabilities=tuple(probabilities),
            seen=document.seen_in_training,
        )
        for document, accuracy, brier, probabilities, is_best in zip(
            documents, *(column.tolist() for column in results), strict=True
        )
    ])  # fmt: skip


def item_result(sample: Sample, spec: TaskSpec, scale: Scale | None = None) -> ItemResult:
    """Recompute an item's result. The document must be from the dataset, and no response may be missing.

    `scale` is the value of `option_scores.scale_of` for an imported run.
    """
    document = sample.doc
    if sample.chosen is None:
        metrics = spec.process_results(document.as_record(), _results_of(sample, spec))
        chosen, probabilities = _answer(sample, spec)
    else:
        chosen, probabilities = _imported_answer(sample, scale)
        metrics = choice_metrics(document.as_record(), chosen)
    rotations = metrics.pop("rstd", None)  # a list, not a number
    return ItemResult(
        item_id=document.item_id,
        accuracy=metrics["acc"],
        types=pinned_items()[document.item_id].types,
        metrics=metrics,
        chosen=chosen,
        probabilities=probabilities,
        seen=document.seen_in_training,
        rotations=rotations,
    )


def _imported_answer(sample: Sample, scale: Scale | None) -> tuple[tuple[str, ...], tuple[float, ...] | None]:
    """Return `ItemResult.chosen` and `ItemResult.probabilities` of an imported item. Scores override the choice."""
    if sample.scores is None:
        return sample.chosen or (), None
    chosen = best_options(dict(zip(sample.doc.option_ids, sample.scores, strict=True)))
    return chosen, probabilities_of(sample.scores, scale)


def _results_of(sample: Sample, spec: TaskSpec) -> list[Any]:
    """Return a sample's responses in the form that `process_results` expects."""
    if spec.generates:
        return list(sample.texts or ())
    return [(score, False) for score in sample.log_likelihoods or ()]  # False is `is_greedy`; no metric reads it


def _answer(sample: Sample, spec: TaskSpec) -> tuple[tuple[str, ...], tuple[float, ...] | None]:
    """Return `ItemResult.chosen` and `ItemResult.probabilities` of an item with responses."""
    shown = sample.doc.option_ids
    if spec.generates:
        letter = extract_letter((sample.texts or ("",))[0], sample.doc.options)
        return ((shown[LETTERS.index(letter)],) if letter else ()), None
    scores = sample.log_likelihoods or ()
    if not all(map(math.isfinite, scores)):
        return (), None
    is_one_order = len(scores) == N_OPTIONS
    probabilities = softmax(scores) if is_one_order else averaged_probabilities(scores)
    weights = scores if is_one_order else probabilities
    best = max(weights)
    return tuple([recipe_id for recipe_id, w in zip(shown, weights, strict=True) if w == best]), tuple(probabilities)
