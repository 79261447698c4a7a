"""Show each item to the model in five rotations. Rotation r (0 to 4) moves the first r options to the end.

Each item is one document with 25 requests: five rotations with five letters. So lm-eval computes standard errors over
items, and `--limit` counts items. The method is called CircularEval (Liu et al., MMBench, arXiv 2307.06281).
"""

from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from recipe_mpr_task.item import LETTERS, N_OPTIONS


def rotated(record: dict[str, Any], rotation: int) -> dict[str, Any]:
    """Return a copy of a document, with the first `rotation` options moved to the end.

    Args:
        record: the document to rotate, as `task.record_of` returns it.
        rotation: number of options to move, from 0 to 4.
    """

    def turn(values: list[str]) -> list[str]:
        return values[rotation:] + values[:rotation]

    gold = (record["gold"] - rotation) % N_OPTIONS
    return record | {
        "options": turn(record["options"]),
        "option_ids": turn(record["option_ids"]),
        "gold": gold,
        "gold_letter": LETTERS[gold],
    }


class CircularTask(ConfigurableTask):
    """A letter task that shows each item in all five rotations. Task files name this class under `class:`."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config={key: value for key, value in config.items() if key != "class"})

    def fewshot_context(self, doc: dict[str, Any], *args: Any, **kwargs: Any) -> list[str]:
        """Return an item's five prompts, one per rotation. The few-shot examples are the same in all five prompts."""
        return [super(CircularTask, self).fewshot_context(rotated(doc, r), *args, **kwargs) for r in range(N_OPTIONS)]

    def construct_requests(self, doc: dict[str, Any], ctx: list[str], **kwargs: Any) -> list[Instance]:
        """Return an item's 25 requests, five for each prompt in `ctx`.

        The request for letter k (0 to 4) in rotation r (0 to 4) has `idx` 5r + k. Its `doc` is the rotated document.
        """
        requests = []
        for rotation, context in enumerate(ctx):
            for request in super().construct_requests(rotated(doc, rotation), context, **kwargs):
                request.idx += N_OPTIONS * rotation
                requests.append(request)
        return requests
