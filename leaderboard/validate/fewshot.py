"""Checks what stands before the prompts of a few-shot run: shots are other items with their right answers, no hints."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from leaderboard.load.files import Run
from leaderboard.load.specs import TaskSpec, prompt_of
from recipe_mpr_task.item import LETTERS

_START = 200
"""Characters by which a shot is looked up: templates begin alike, queries differ."""

Checker = Callable[[str, dict[str, Any]], bool]


def shots_are_checked(run: Run, spec: TaskSpec) -> bool:
    """Say whether a run's shots can be told from its log: it holds the items they are made of, as they stood."""
    plain = not run.has_chat_template and not run.has_system_text
    return plain and spec.split in ("all", "sample") and not spec.generates


def shot_checker(run: Run, spec: TaskSpec) -> Checker:
    """Return a function that says whether a text is nothing but the shots of an item's document.

    Where shots come from items that the log does not hold, or a chat template stands between them, it can only see to
    it that the item's own query is not among them; `shots_are_checked` tells.
    """
    if run.is_record or not shots_are_checked(run, spec):
        return lambda before, doc: doc["query"] not in before
    by_start: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for sample in run.samples or []:
        text = _shot(sample["doc"], spec)
        by_start[text[:_START]].append((text, sample["doc"]["item_id"]))

    def are_shots(before: str, doc: dict[str, Any]) -> bool:
        rest = before.removeprefix(spec.description)
        for _ in range(run.n_shot):
            known = by_start.get(rest[:_START], ())
            shot = next((entry for entry in known if rest.startswith(entry[0])), None)
            if shot is None or shot[1] == doc["item_id"]:
                return False
            rest = rest[len(shot[0]) :]
        return not rest

    return are_shots


def _shot(doc: dict[str, Any], spec: TaskSpec) -> str:
    named = spec.asked_as["doc_to_choice"]
    choices = named if isinstance(named, list) else doc["options"] if named == "options" else LETTERS
    answer = f"{spec.asked_as['target_delimiter']}{choices[doc['gold']]}"
    return f"{prompt_of(doc, spec)}{answer}{spec.asked_as['fewshot_delimiter']}"
