"""Lower the bi-encoder score of options that match the negated part of a query.

The embedding of "lasagna without cheese" is close to the embeddings of recipes with cheese. So a checkpoint can set a
weight in `QUERY_FILE`. Then the score is cos(query, option) - weight x cos(negated part, option).
"""

import re

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint

QUERY_FILE = "recipe_mpr_query.json"
"""Name of a file in a checkpoint's folder. The file holds {"negation": WEIGHT}."""

_CUE = re.compile(
    r"\b(?:not|no|without|don'?t|doesn'?t|isn'?t|aren'?t|won'?t|can'?t|cannot|can not|avoid(?:ing)?|allergic to|dislike"
    r"|hate|instead of|other than|except|rather than|never|free of|intolerant|tired of|sick of|less|low)\b",
    re.IGNORECASE,
)
_END = re.compile(r"[,.;]|\bbut\b|\band I\b")


def negated_part(query: str) -> str:
    """Return the words between the first English negation word and the end of the clause; "" if nothing is negated."""
    cue = _CUE.search(query)
    return _END.split(query[cue.end() :])[0].strip() if cue else ""


def negation_weight(checkpoint: Checkpoint) -> float:
    """Return the weight in a checkpoint's `QUERY_FILE`, from 0 to 1; 0 if the checkpoint has no such file.

    Raises:
        CheckpointError: the file holds no weight from 0 to 1.
    """
    content = checkpoint.read_json(QUERY_FILE)
    if content is None:
        return 0.0
    weight = content.get("negation") if isinstance(content, dict) else None
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
        raise CheckpointError(
            f'{checkpoint.name}: {QUERY_FILE} has {content!r}; allowed: {{"negation": a number from 0 to 1}}'
        )
    return float(weight)
