"""What a query rules out: an embedding of "lasagna without cheese" lies near recipes with cheese.

An embedding model scores likeness, and a query is like what it names, wanted or not. A bi-encoder whose checkpoint asks
for it (`QUERY_FILE`) therefore takes off part of an option's likeness to what the query rules out.
"""

import re

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint

QUERY_FILE = "recipe_mpr_query.json"
"""Of a checkpoint: {"negation": WEIGHT}."""

_CUE = re.compile(
    r"\b(?:not|no|without|don'?t|doesn'?t|isn'?t|aren'?t|won'?t|can'?t|cannot|can not|avoid(?:ing)?|allergic to|dislike"
    r"|hate|instead of|other than|except|rather than|never|free of|intolerant|tired of|sick of|less|low)\b",
    re.IGNORECASE,
)
_END = re.compile(r"[,.;]|\bbut\b|\band I\b")


def negated_part(query: str) -> str:
    """Return the words after the first English cue of a negation, to the end of their clause; "" without one."""
    cue = _CUE.search(query)
    return _END.split(query[cue.end() :])[0].strip() if cue else ""


def negation_weight(checkpoint: Checkpoint) -> float:
    """Return how much of the likeness to the negated part a checkpoint takes off; 0 if it says nothing.

    Raises:
        CheckpointError: its file says something else than a number from 0 to 1.
    """
    found = checkpoint.read_json(QUERY_FILE)
    if found is None:
        return 0.0
    weight = found.get("negation") if isinstance(found, dict) else None
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
        raise CheckpointError(f'{checkpoint.name}: {QUERY_FILE} must hold {{"negation": a number from 0 to 1}}')
    return float(weight)
