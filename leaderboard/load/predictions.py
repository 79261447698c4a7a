"""Read the predictions of any system from a JSONL file, and make a record from the predictions."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaderboard.load.choices import Choice, choice_of
from leaderboard.load.record import Record, RecordedItem
from leaderboard.load.schema import IMPORT_MODEL, Config, Metadata, Results, TaskConfig
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import read_regular
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task_specs import held_out_tasks

_MOST_FAULTS = 5
_LARGEST = 64 * 2**20  # bytes; 500 lines have 0.1 MB with queries, and a few MB with a model's reasoning


@dataclass(frozen=True)
class Choices:
    """The choices of one system.

    Attributes:
        by_item: maps an item id to the chosen recipe id, or to None if the item was not answered or is in `unread`.
        unread: ids of items whose choice is wrong, but whose chosen option is unknown.
        gold_letters: for each letter A to E, the number of lines that show the right option at this letter, shape (5,).
    """

    by_item: Mapping[str, str | None]
    unread: frozenset[str] = frozenset()
    gold_letters: tuple[int, ...] = (0,) * len(LETTERS)


def read_choices(path: Path, order: str | None, names: Mapping[str, str] | None = None) -> Choices:
    """Read the choices of a system from a JSONL file. `commands.import_predictions.import_` describes the format.

    `order` is the value of --order, or None. `names` maps this project's field names to the file's field names.

    Raises:
        RecipeMPRError: the file, or a line in it, cannot be read. The message lists the first faults and line numbers.
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
        raise RecipeMPRError(f"{path}: {_listed(faults)}")
    places = [choice.gold_place for choice in choices.values()]
    return Choices(
        by_item={item_id: choice.recipe_id for item_id, choice in choices.items()},
        unread=frozenset(item_id for item_id, choice in choices.items() if choice.is_unread),
        gold_letters=tuple(places.count(k) for k in range(len(LETTERS))),
    )


def _listed(faults: Mapping[str, list[int]]) -> str:
    """Return the first faults as text, and the number of other faults. `faults` maps messages to line numbers."""
    listed = []
    for what, numbers in list(faults.items())[:_MOST_FAULTS]:
        more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
        listed.append(f"line {numbers[0]}{more}: {what}")
    if len(faults) > _MOST_FAULTS:
        listed.append(f"and {len(faults) - _MOST_FAULTS} other faults")
    return "; ".join(listed)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = read_regular(path, _LARGEST).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeMPRError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not text.strip():
        raise RecipeMPRError(f"{path} is empty; expected one JSON object a line")
    if text.lstrip().startswith("["):
        raise RecipeMPRError(f"{path} is a JSON array; expected JSONL, one JSON object a line, without brackets around")
    return ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object; expected JSONL, one object a line")
    return parsed


def record_of_choices(choices: Choices, name: str, order: str | None) -> Record:
    """Return a record of a system's choices. `name` is the system's name. `order` is the value of --order, or None.

    Raises:
        RecipeMPRError: the items are not exactly the items of a task.
    """
    task = _task_of(choices.by_item)
    n_right = sum(choice == pinned_items()[item_id].gold for item_id, choice in choices.by_item.items())
    gold_letters = {"gold_letters": list(choices.gold_letters)} if any(choices.gold_letters) else {}
    arguments = {"name": name, "order": order, **gold_letters}
    unread = (
        f"which wrong options it chose is not told ({len(choices.unread)} items): its file has letters and the right "
        "one's letter alone"
    )
    results = Results(
        date=time.time(),
        config=Config(model=IMPORT_MODEL, model_args=arguments, limit=None),
        task=TaskConfig(metadata=Metadata(version=TASK_VERSION)),
        metrics={"acc,none": n_right / len(choices.by_item)},
    )
    if choices.unread:
        results = results.model_copy(update={"flags": [unread]})
    items = [
        RecordedItem(
            item_id=key, scores=None, chosen=[[choice] if choice else []], seen=None, unread=key in choices.unread
        )
        for key, choice in choices.by_item.items()
    ]
    return Record.of(results, task, items)


def _task_of(item_ids: Mapping[str, object]) -> str:
    """Return the name of the task that scores exactly these items; raise RecipeMPRError if there is none."""
    for split, task in ({"all": "recipe_mpr"} | held_out_tasks()).items():
        if item_ids.keys() == scored_ids(split):
            return task
    missing = sorted(scored_ids("all") - item_ids.keys())
    raise RecipeMPRError(
        f"the items are not those of a task: {len(missing)} of the 500 are missing "
        f"({', '.join(missing[:3])}, ...). Allowed: all 500, the held-out 50, a fold or the sample, each whole. "
        "For an item that the system did not answer write option_id null; it counts as wrong"
    )
