"""What one item contributes to a row: all numbers on the leaderboard are computed from these."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from leaderboard.load.schema import CHOSEN
from leaderboard.load.task_specs import TaskSpec
from recipe_mpr_task.extraction import extract_letter
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.metrics import SEEN, averaged_probabilities, choice_metrics, softmax
from recipe_mpr_task.orders import pinned_items

MEANS = ("brier", "perf", "acc_averaged", "flip_rate", "consistency", "acc_norm", "parse_fail", SEEN)
"""Metrics that a row shows the mean of, besides accuracy."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item's result, computed anew from what the model answered.

    Attributes:
        accuracy: fraction in [0, 1], ties shared.
        types: the item's query types, as pinned.
        metrics: all that the task's own `process_results` computes.
        chosen: recipe ids of the options chosen, tied ones together; empty if no option was.
        probabilities: softmax over the five options in displayed order, averaged over rotations where there are
            some; None where the run has only choices.
    """

    item_id: str
    accuracy: float
    types: tuple[str, ...]
    metrics: dict[str, Any] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    probabilities: tuple[float, ...] | None = None

    @property
    def gold(self) -> str:
        """The right option's recipe id."""
        return pinned_items()[self.item_id].gold


def item_result(sample: dict[str, Any], spec: TaskSpec) -> ItemResult:
    """Compute an item's metrics anew, by the task's own function, from what the model answered.

    Args:
        sample: as lm-eval logs it, its document found genuine.
        spec: the task.
    """
    doc = sample["doc"]
    types = pinned_items()[doc["item_id"]].types
    if CHOSEN in sample:
        chosen = tuple(sample[CHOSEN])
        metrics = choice_metrics(doc, chosen)
        return ItemResult(doc["item_id"], metrics["acc"], types, metrics, chosen)
    responses = spec.responses(sample)
    metrics = spec.process_results(doc, responses)
    chosen, probabilities = _answer(doc, responses, spec)
    return ItemResult(doc["item_id"], metrics["acc"], types, metrics, chosen, probabilities)


def _answer(
    doc: dict[str, Any], responses: Sequence[Any], spec: TaskSpec
) -> tuple[tuple[str, ...], tuple[float, ...] | None]:
    shown = doc["option_ids"]
    if spec.generates:
        letter = extract_letter(responses[0], doc["options"])
        return ((shown[LETTERS.index(letter)],) if letter else ()), None
    scores = [score for score, _ in responses]
    if not all(map(math.isfinite, scores)):
        return (), None
    if len(scores) == N_OPTIONS:
        weights, probabilities = scores, softmax(scores)
    else:
        weights = probabilities = averaged_probabilities(scores)
    best = max(weights)
    return tuple(recipe_id for recipe_id, w in zip(shown, weights, strict=True) if w == best), tuple(probabilities)
