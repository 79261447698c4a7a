"""Ask every item in five rotations of its options, as one document with 25 requests.

With one document per item, lm-eval's standard errors are over items, and `--limit` counts items. Liu et al., MMBench
(arXiv 2307.06281), call the method CircularEval.
"""

from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from recipe_mpr_task.item import LETTERS, N_OPTIONS


def rotated(record: dict[str, Any], rotation: int) -> dict[str, Any]:
    """Return a document with its first `rotation` options moved to the end.

    Args:
        record: see `task.record_of`.
        rotation: 0 (unchanged) to 4.
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
    """A letter task whose documents ask all five rotations; for `class:` in a task file."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config={key: value for key, value in config.items() if key != "class"})

    def fewshot_context(self, doc: dict[str, Any], *args: Any, **kwargs: Any) -> list[str]:
        """Return the five prompts of an item; its shots are the same in each and are not rotated."""
        return [super(CircularTask, self).fewshot_context(rotated(doc, r), *args, **kwargs) for r in range(N_OPTIONS)]

    def construct_requests(self, doc: dict[str, Any], ctx: list[str], **kwargs: Any) -> list[Instance]:
        """Return 25 requests: rotation r and letter k at index 5r + k, each carrying its rotation."""
        requests = []
        for rotation, context in enumerate(ctx):
            for request in super().construct_requests(rotated(doc, rotation), context, **kwargs):
                request.idx += N_OPTIONS * rotation
                requests.append(request)
        return requests
