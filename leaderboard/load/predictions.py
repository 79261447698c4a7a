"""Reads choices made by any system, in any language, and makes the record of them."""

import json
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import read_regular
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import ORDERS, pinned_items

FIELDS = ("item_id", "query", "option_id", "letter")
_MOST_FAULTS = 5
_LARGEST = 64 * 2**20
"""Bytes of a predictions file: 500 lines with their queries have 0.1 MB, with a model's reasoning a few."""


def read_choices(path: Path, order: str | None, names: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Read what a system chose.

    Args:
        path: JSONL, see `import_predictions.import_`.
        order: one of ORDERS, to read letters by.
        names: our name of a field to the file's.

    Returns:
        Item id to recipe id; None for an item that was not answered.

    Raises:
        RecipeMPRError: a line cannot be read; names all faults, by line.
    """
    choices: dict[str, str | None] = {}
    faults: dict[str, list[int]] = {}
    for number, line in _lines(path):
        try:
            item_id, recipe_id = _choice(_parsed(line), order, names or {})
            if item_id in choices:
                raise ValueError(f"{item_id} is there twice")
            choices[item_id] = recipe_id
        except ValueError as error:
            faults.setdefault(str(error), []).append(number)
    if faults:
        said = [f"line {lines[0]}{f' and {len(lines) - 1} more' * (len(lines) > 1)}: {what}"
                for what, lines in faults.items()]  # fmt: skip
        more = f"; and {len(said) - _MOST_FAULTS} other faults" if len(said) > _MOST_FAULTS else ""
        raise RecipeMPRError(f"{path}: {'; '.join(said[:_MOST_FAULTS])}{more}")
    return choices


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


def _choice(line: Mapping[str, Any], order: str | None, names: Mapping[str, str]) -> tuple[str, str | None]:
    item_id = _item_id(line, names)
    told = [names.get(field, field) in line for field in ("option_id", "letter")]
    if not any(told):
        raise ValueError(f"no option_id or letter; its fields: {', '.join(map(str, line))[:200]} (--field NEW=OLD)")
    by_id = _option(item_id, line[names.get("option_id", "option_id")]) if told[0] else None
    if told[0] and not (told[1] and order):
        return item_id, by_id
    by_letter = _option_at(item_id, line[names.get("letter", "letter")], order)
    if told[0] and by_id != by_letter:
        raise ValueError(f"{item_id}: option_id says {by_id}, letter says {by_letter} in {order} order")
    return item_id, by_letter


def _option(item_id: str, chosen: Any) -> str | None:
    if chosen in (None, ""):
        return None
    allowed = pinned_items()[item_id].shown_ids("shuffled")
    if chosen not in allowed:
        raise ValueError(f"{item_id}: option_id {str(chosen)[:40]!r} is none of its options ({', '.join(allowed)})")
    return str(chosen)


def _option_at(item_id: str, letter: Any, order: str | None) -> str | None:
    if order is None:
        raise ValueError(f"a letter says nothing without --order ({', '.join(ORDERS)})")
    letter = letter.strip().upper() if isinstance(letter, str) else letter
    if letter in (None, ""):
        return None
    if letter not in LETTERS:
        raise ValueError(f"{item_id}: letter {str(letter)[:40]!r}; expected {', '.join(LETTERS)} or null")
    return pinned_items()[item_id].shown_ids(order)[LETTERS.index(letter)]


def _item_id(line: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if (key := names.get("item_id", "item_id")) in line:
        if str(line[key]) not in pinned_items():
            raise ValueError(f"item_id {str(line[key])[:40]!r}; expected mpr-000 to mpr-499")
        return str(line[key])
    if (key := names.get("query", "query")) in line:
        item_id = _by_query().get(" ".join(str(line[key]).split()))
        if item_id is None:
            raise ValueError(f"query {str(line[key])[:60]!r} is none of the dataset's")
        return item_id
    raise ValueError(f"no item_id or query; its fields: {', '.join(map(str, line))[:200]} (--field NEW=OLD)")


@lru_cache(maxsize=1)
def _by_query() -> dict[str, str]:
    from recipe_mpr_task.data import load_items

    return {item.query: item.item_id for item in load_items()}


def record_of_choices(choices: Mapping[str, str | None], name: str, order: str | None) -> Any:
    """Return the record of a system's choices.

    Args:
        choices: see `read_choices`.
        name: the system's.
        order: how the options stood, or None if that is not told.

    Raises:
        RecipeMPRError: the items are not those of a task.
    """
    from leaderboard.load.recorded import IMPORT_MODEL
    from leaderboard.load.records import FORMAT, Record, RecordedItem
    from recipe_mpr_task import TASK_VERSION
    from recipe_mpr_task.data import SHA256

    task = _task_of(choices)
    right = sum(choice == pinned_items()[item_id].gold for item_id, choice in choices.items())
    run = {
        "config": {"model": IMPORT_MODEL, "model_args": {"name": name, "order": order}, "limit": None},
        "configs": {task: {"metadata": {"version": TASK_VERSION}}},
        "n-shot": {},
        "results": {task: {"acc,none": right / len(choices)}},
        "date": time.time(),
    }
    items = [
        RecordedItem(item_id=item_id, scores=None, chosen=[[choice] if choice else []], seen=None)
        for item_id, choice in sorted(choices.items())
    ]
    return Record(format=FORMAT, dataset_sha256=SHA256, task=task, run=run, items=items)


def _task_of(choices: Mapping[str, str | None]) -> str:
    """The task whose items these are, all of them."""
    from leaderboard.load.specs import HELD_OUT_TASKS
    from recipe_mpr_task.splits import scored_ids

    for split, task in ({"all": "recipe_mpr"} | HELD_OUT_TASKS).items():
        if choices.keys() == scored_ids(split):
            return task
    missing = sorted(scored_ids("all") - choices.keys())
    raise RecipeMPRError(
        f"the items are not those of a task: {len(missing)} of the 500 are missing "
        f"({', '.join(missing[:3])}, ...). An item that was not answered has option_id null, and counts as wrong"
    )
