"""Reads choices made by any system, in any language, and makes the record of them."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from leaderboard.load.choices import Choice, choice_of
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import read_regular
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import pinned_items

_MOST_FAULTS = 5
_LARGEST = 64 * 2**20
"""Bytes of a predictions file: 500 lines with their queries have 0.1 MB, with a model's reasoning a few."""


class Choices(dict[str, str | None]):
    """Item id to the recipe id chosen; None for an item that was not answered or is in `unread`.

    Attributes:
        unread: items answered wrong with an option that nothing tells.
        gold_letters: how often the right option stood at each letter, of the items whose lines tell.
    """

    def __init__(self, choices: Iterable[Choice] = ()) -> None:
        choices = list(choices)
        super().__init__({choice.item_id: choice.recipe_id for choice in choices})
        self.unread = frozenset(choice.item_id for choice in choices if choice.is_unread)
        places = [choice.gold_place for choice in choices]
        self.gold_letters = tuple(places.count(k) for k in range(len(LETTERS)))


def read_choices(path: Path, order: str | None, names: Mapping[str, str] | None = None) -> Choices:
    """Read what a system chose.

    Args:
        path: JSONL, see `import_predictions.import_`.
        order: one of ORDERS as the user states it, which the file must not contradict; None if unstated.
        names: our name of a field to the file's.

    Raises:
        RecipeMPRError: a line cannot be read; names all faults, by line.
    """
    choices: dict[str, Choice] = {}
    faults: dict[str, list[int]] = {}
    for number, line in _lines(path):
        try:
            choice = choice_of(_parsed(line), order, names or {})
            if choice.item_id in choices:
                raise ValueError(f"{choice.item_id} is there twice")
            choices[choice.item_id] = choice
        except ValueError as error:
            faults.setdefault(str(error), []).append(number)
    if faults:
        said = [f"line {lines[0]}{f' and {len(lines) - 1} more' * (len(lines) > 1)}: {what}"
                for what, lines in faults.items()]  # fmt: skip
        more = f"; and {len(said) - _MOST_FAULTS} other faults" if len(said) > _MOST_FAULTS else ""
        raise RecipeMPRError(f"{path}: {'; '.join(said[:_MOST_FAULTS])}{more}")
    return Choices(choices.values())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = read_regular(path, _LARGEST).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise RecipeMPRError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise RecipeMPRError(f"{path}: cannot be read: {error}") from None
    if not text.strip():
        raise RecipeMPRError(f"{path} is empty; expected one JSON object a line")
    if text.lstrip().startswith("["):
        raise RecipeMPRError(f"{path} is a JSON array; expected JSONL, one JSON object a line, without brackets around")
    lines = text.split("\n")
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object; expected JSONL, one object a line")
    return found


def record_of_choices(choices: Mapping[str, str | None], name: str, order: str | None) -> Any:
    """Return the record of a system's choices.

    Args:
        choices: as `read_choices` gives them.
        name: the system's.
        order: how the options stood by the user's word, or None if unstated.

    Raises:
        RecipeMPRError: the items are not those of a task.
    """
    from leaderboard.load.record import FORMAT, Record, RecordedItem
    from leaderboard.load.schema import FLAGS, IMPORT_MODEL
    from recipe_mpr_task import TASK_VERSION
    from recipe_mpr_task.data import SHA256

    task = _task_of(choices)
    right = sum(choice == pinned_items()[item_id].gold for item_id, choice in choices.items())
    unread: frozenset[str] = getattr(choices, "unread", frozenset())
    told = {"gold_letters": list(letters)} if any(letters := getattr(choices, "gold_letters", ())) else {}
    run = {
        "config": {"model": IMPORT_MODEL, "model_args": {"name": name, "order": order, **told}, "limit": None},
        "configs": {task: {"metadata": {"version": TASK_VERSION}}},
        "n-shot": {},
        "results": {task: {"acc,none": right / len(choices)}},
        "date": time.time(),
    }
    if unread:
        run[FLAGS] = [f"which wrong options it chose is not told ({len(unread)} items): its file has letters and the "
                      "right one's letter alone"]  # fmt: skip
    items = [
        RecordedItem(
            item_id=item_id, scores=None, chosen=[[choice] if choice else []], seen=None, unread=item_id in unread
        )
        for item_id, choice in sorted(choices.items())
    ]
    return Record(format=FORMAT, dataset_sha256=SHA256, task=task, run=run, items=items)


def _task_of(choices: Mapping[str, str | None]) -> str:
    """The task whose items these are, all of them."""
    from leaderboard.load.task_specs import held_out_tasks
    from recipe_mpr_task.splits import scored_ids

    for split, task in ({"all": "recipe_mpr"} | held_out_tasks()).items():
        if choices.keys() == scored_ids(split):
            return task
    missing = sorted(scored_ids("all") - choices.keys())
    raise RecipeMPRError(
        f"the items are not those of a task: {len(missing)} of the 500 are missing "
        f"({', '.join(missing[:3])}, ...). Allowed: all 500, the held-out 50, a fold or the sample, each whole. "
        "Only for an item that was asked and not answered write option_id null; it counts as wrong"
    )
