"""Read the scores of an item's five options from a line of predictions, and determine the scale of the scores."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from leaderboard.load.options import id_of_option
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.scoring import softmax

Scale = Literal["probabilities", "log"]
_LARGEST = 1e300
_SUM_TOLERANCE = 0.01


def scores_of(item_id: str, given: Any, shown: Sequence[str] | None) -> dict[str, float]:
    """Return the score of each option by recipe id. Higher is better.

    Args:
        item_id: the item.
        given: an object by recipe id, by option text or by letter, or a list in the order shown.
        shown: recipe ids at A to E; None if the line does not state the order that the system saw.

    Raises:
        ValueError: a score is missing, is not a finite number, or belongs to no known option.
    """
    if isinstance(given, dict) and given.keys() == set(LETTERS):
        given = [given[letter] for letter in LETTERS]
    if isinstance(given, list):
        if shown is None:
            raise ValueError("scores in a list or by letter need the option order that the system saw; add `options` "
                             "or `option_ids`, from A to E, or give scores by recipe id")  # fmt: skip
        if len(given) != N_OPTIONS:
            raise ValueError(f"{item_id}: {len(given)} scores; expected five, one for each option")
        given = dict(zip(shown, given, strict=True))
    if not isinstance(given, dict):
        raise ValueError(f"{item_id}: scores {str(given)[:40]!r}; expected an object by option, or a list of five")
    by_id = {id_of_option(item_id, key): value for key, value in given.items()}
    own = pinned_items()[item_id].option_ids
    if by_id.keys() != set(own) or len(given) != N_OPTIONS:
        strange = next((key for key in given if id_of_option(item_id, key) is None), None)
        fault = f"{str(strange)[:40]!r} is not an option" if strange is not None else f"{len(given)} are given"
        raise ValueError(f"{item_id}: expected the scores of its five options, by recipe id or text: {fault}")
    return {recipe_id: _finite(item_id, by_id[recipe_id]) for recipe_id in own}


def _finite(item_id: str, value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not abs(value) <= _LARGEST:  # NaN compares as False
        what = "text; write the number without quotes" if isinstance(value, str) else "not a finite number"
        raise ValueError(f"{item_id}: the score {str(value)[:40]} is {what}")
    return float(value)


def best_options(scores: dict[str, float]) -> tuple[str, ...]:
    """Return the recipe ids of the options with the best score, several if they tie, in the order of `scores`."""
    best = max(scores.values())
    return tuple(recipe_id for recipe_id, score in scores.items() if score == best)


def scale_of(items: Iterable[Sequence[float]]) -> Scale | None:
    """Return the scale of a system's scores, determined from all of its items; None for any other scale.

    "probabilities": on every item the scores are in [0, 1] and sum to 1, within 0.01.
    "log": no score is above 0. The scores are read as log-likelihoods, up to a constant for each item.
    Other scores, such as cosines or entailment probabilities, only order the options.
    """
    rows = list(items)
    if not rows:
        return None
    if all(min(row) >= 0 and abs(math.fsum(row) - 1) <= _SUM_TOLERANCE for row in rows):
        return "probabilities"
    return "log" if all(max(row) <= 0 for row in rows) else None


def probabilities_of(scores: Sequence[float], scale: Scale | None) -> tuple[float, ...] | None:
    """Return the probabilities of the five options, which sum to 1; None if the scale has no probabilities."""
    if scale is None:
        return None
    if scale == "log":
        return tuple(softmax(scores))
    total = math.fsum(scores)
    return tuple(score / total for score in scores)
