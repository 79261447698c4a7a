"""Read the entries of a file of predictions: JSONL, a JSON array, or a JSON object by item id or query."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from leaderboard.load.item_sets import LEAST_ITEMS
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import read_regular
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import pinned_items

_LARGEST = 64 * 2**20  # bytes; 500 lines have 0.1 MB with queries, and a few MB with a model's reasoning
_MOST_FAULTS = 5
_NOT_AN_OBJECT = "not a JSON object; expected JSONL, one object per line"


class Entries(NamedTuple):
    """The entries of a file.

    Attributes:
        word: the unit of the numbers: "line" in JSONL, "entry" in an array or object.
        numbered: (number, value) of each entry; numbers start at 1. The value of an unreadable entry is a ValueError.
    """

    word: str
    numbered: list[tuple[int, Any]]

    def listed(self, faults: Sequence[tuple[str, Sequence[int]]]) -> str:
        """Return the first five kinds of faults as text.

        `faults` has a pair for each kind: the text of its first fault, and the numbers of the entries with this kind.
        """
        listed = []
        for what, numbers in faults[:_MOST_FAULTS]:
            more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
            listed.append(f"{self.word} {numbers[0]}{more}: {what}")
        if len(faults) > _MOST_FAULTS:
            listed.append(f"and {len(faults) - _MOST_FAULTS} other kinds of faults")
        return "; ".join(listed)


def read_text(path: Path) -> str:
    """Return a file's text without byte order mark. All line ends become LF.

    Raises:
        RecipeMPRError: the file cannot be read, is too large, is not UTF-8, or is empty.
    """
    try:
        text = read_regular(path, _LARGEST).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise RecipeMPRError(f"{path}: is not UTF-8 text (byte {error.start}); save the file as UTF-8") from None
    except OSError as error:
        raise RecipeMPRError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not text.strip():
        raise RecipeMPRError(f"{path} is empty; expected one JSON object per line")
    return text


def read_entries(path: Path) -> Entries:
    """Read the entries of a file of predictions.

    Raises:
        RecipeMPRError: the file cannot be read; or it starts with "[" but is no JSON array; or its entries are in a
            list inside a JSON object.
    """
    text = read_text(path)
    start = text.lstrip()[0]
    whole = parsed(text) if start in "[{" else ValueError()
    if start == "[" and not isinstance(whole, list):
        raise RecipeMPRError(f"{path}: starts like a JSON array, but is not one ({whole}); expected JSONL or an array")
    if isinstance(whole, list):
        return Entries("entry", list(enumerate(whole, 1)))
    if isinstance(whole, dict) and whole:
        return _of_object(path, whole)
    numbered = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return Entries("line", [(number, parsed(line)) for number, line in numbered])


def parsed(text: str) -> Any:
    """Parse a JSON text. If the text is not JSON or repeats a key, return a ValueError that names the fault."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except _RepeatedKeyError as error:
        return ValueError(str(error))
    except (ValueError, RecursionError):
        return ValueError(_NOT_AN_OBJECT)


def as_object(value: Any) -> dict[str, Any]:
    """Return an entry's value as a JSON object; raise ValueError for another type."""
    if isinstance(value, ValueError):
        raise value
    if not isinstance(value, dict):
        raise ValueError(_NOT_AN_OBJECT)
    return value


class _RepeatedKeyError(ValueError):
    """Raised for a JSON object with the same key twice. Python would silently use the last value."""


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    if repeated := [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]:
        raise _RepeatedKeyError(f"the key {repeated[0][:40]!r} appears twice in one object; keep one")
    return dict(pairs)


def _of_object(path: Path, whole: dict[str, Any]) -> Entries:
    """Return the entries of a file that is one JSON object: one line of JSONL, or a map from item id to entry."""
    if all(isinstance(value, dict) for value in whole.values()):
        named = [_named(key, value) for key, value in whole.items()]
        return Entries("entry", list(enumerate(named, 1)))
    if len(whole) >= LEAST_ITEMS and all(isinstance(value, str | None) for value in whole.values()):
        chosen = [_named(key, {_named_by(value): value}) for key, value in whole.items()]
        return Entries("entry", list(enumerate(chosen, 1)))
    for key, value in whole.items():
        if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            raise RecipeMPRError(
                f"{path} is a JSON object with a list of entries in {key[:40]!r}; write this list to a separate file"
            )
    return Entries("line", [(1, whole)])


def _named_by(choice: str | None) -> str:
    """Return the field of a bare choice: "letter", "option_id" for a recipe id or null, or "option" for a text."""
    if choice is not None and choice.strip().upper() in LETTERS:
        return "letter"
    return "option_id" if choice is None or choice.strip() in _recipe_ids() else "option"


@lru_cache(maxsize=1)
def _recipe_ids() -> frozenset[str]:
    return frozenset(recipe_id for item in pinned_items().values() for recipe_id in item.option_ids)


def _named(key: str, value: dict[str, Any]) -> Any:
    """Add the key of a map to its entry, as item_id or as query. Return a ValueError if two item ids differ."""
    if key not in pinned_items():
        return value if value.keys() & {"item_id", "query"} else {"query": key, **value}
    if value.get("item_id", key) != key:
        return ValueError(f"the entry of {key} has the item_id {str(value['item_id'])[:40]!r}; omit item_id")
    return {"item_id": key, **value}
