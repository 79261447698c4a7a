"""Subtract an option's similarity to what a query negates.

The embedding of "lasagna without cheese" is close to recipes with cheese. A bi-encoder whose checkpoint has a
`QUERY_FILE` therefore scores cos(query, option) - weight x cos(negated phrase, option).
"""

import re

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint

QUERY_FILE = "recipe_mpr_query.json"
"""File in a checkpoint's folder: {"negation": WEIGHT}."""

_CUE = re.compile(
    r"\b(?:not|no|without|don'?t|doesn'?t|isn'?t|aren'?t|won'?t|can'?t|cannot|can not|avoid(?:ing)?|allergic to|dislike"
    r"|hate|instead of|other than|except|rather than|never|free of|intolerant|tired of|sick of|less|low)\b",
    re.IGNORECASE,
)
_END = re.compile(r"[,.;]|\bbut\b|\band I\b")


def negated_part(query: str) -> str:
    """Return the words from the first English negation cue to the end of the clause; "" without a cue."""
    cue = _CUE.search(query)
    return _END.split(query[cue.end() :])[0].strip() if cue else ""


def negation_weight(checkpoint: Checkpoint) -> float:
    """Return the weight of the negated phrase's similarity; 0 for a checkpoint without a `QUERY_FILE`.

    Raises:
        CheckpointError: the file does not hold a number from 0 to 1.
    """
    content = checkpoint.read_json(QUERY_FILE)
    if content is None:
        return 0.0
    weight = content.get("negation") if isinstance(content, dict) else None
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
        raise CheckpointError(f'{checkpoint.name}: {QUERY_FILE} must hold {{"negation": a number from 0 to 1}}')
    return float(weight)
