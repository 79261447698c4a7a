"""Identify options and letters in a line of predictions: by recipe id, by text, or by the letter shown."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

from recipe_mpr_task.data import dataset_of, load_items, load_sample
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.lines import line
from recipe_mpr_task.orders import pinned_items

_AROUND = r"[\s.,:;()\[\]{}*\"'`_]*"
_LETTER = re.compile(f"{_AROUND}([A-Ea-e]){_AROUND}", re.ASCII)
_LETTERED = re.compile(r"\(?([A-E])[).:]\s+(.+)", re.DOTALL)
_SHOWN = 40


def folded(text: str) -> str:
    """Normalise a text for comparison: case, blanks and compatibility characters have no effect."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def letter_place(item_id: str, field: str, value: Any) -> int | None:
    """Return the index, 0..4, of a letter such as "B", "b", "B." or "(B)"; None for null and "".

    Raises:
        ValueError: the value is neither a letter A to E nor null. Numbers are refused, because the index of the first
            option can be 0 or 1.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str) or not (match := _LETTER.fullmatch(value)):
        raise ValueError(f"{item_id}: {field} {str(value)[:_SHOWN]!r}; expected {', '.join(LETTERS)} or null")
    return LETTERS.index(match[1].upper())


def id_of_option(item_id: str, value: Any, *, by_text: bool = True) -> str | None:
    """Return the recipe id of the option with this recipe id or this text; None if the item has no such option.

    If `by_text` is False, the value must be a recipe id. Matching a text needs the dataset.

    Raises:
        ValueError: two options of the item have this text.
    """
    if not isinstance(value, str):
        return None
    if value.strip() in pinned_items()[item_id].option_ids:
        return value.strip()
    ids = _by_text(item_id).get(folded(value), ()) if by_text else ()
    if len(ids) > 1:
        raise ValueError(f"{item_id}: two options have the text {value[:_SHOWN]!r}; name options by recipe id")
    return ids[0] if ids else None


def names_of_options(item_id: str, *, by_text: bool) -> list[str]:
    """Return the allowed names of an item's options: their texts, cut, or their recipe ids."""
    if not by_text:
        return sorted(pinned_items()[item_id].option_ids)
    return sorted(repr(line(text, _SHOWN)) for text in _by_text(item_id))


def shown_ids(item_id: str, field: str, listed: Any) -> tuple[str, ...] | None:
    """Return the recipe ids at A to E, from a list of ids or texts, or from an object with these.

    The object has the keys A to E, or the keys "text" and "label" with two lists.

    Return None for any other value, such as an object from recipe id to text, which states no order. Texts may begin
    with their letters, as in "A) text".

    Raises:
        ValueError: the list does not have the item's five options, each once.
    """
    if isinstance(listed, dict) and listed.keys() == {"text", "label"}:  # the form of datasets on the Hugging Face Hub
        listed = listed["text"] if listed["label"] == list(LETTERS) else None
    if isinstance(listed, dict):
        listed = [listed[letter] for letter in LETTERS] if listed.keys() == set(LETTERS) else None
    if not isinstance(listed, list):
        return None
    ids = tuple(id_of_option(item_id, value) for value in listed)
    if None in ids and (bare := _without_letters(listed)):
        ids = tuple(id_of_option(item_id, value) for value in bare)
    if len(ids) != N_OPTIONS or set(ids) != {*pinned_items()[item_id].option_ids}:
        raise ValueError(f"{item_id}: {field} are not its five options; list each once, by recipe id or by text")
    return tuple(recipe_id for recipe_id in ids if recipe_id is not None)


def _without_letters(listed: list[Any]) -> list[str] | None:
    """Return texts such as "A) text" without their letters; None unless the letters are A to E in sequence."""
    matches = [_LETTERED.fullmatch(value.strip()) if isinstance(value, str) else None for value in listed]
    if [match[1] if match else None for match in matches] != list(LETTERS):
        return None
    return [match[2] for match in matches if match]


def id_of_query(query: Any) -> str | None:
    """Return the id of the item with this query, searched in the sample, then in the dataset; None if not found."""
    if not isinstance(query, str):
        return None
    return _by_query(of_sample=True).get(folded(query)) or _by_query(of_sample=False).get(folded(query))


@lru_cache(maxsize=1024)
def _by_text(item_id: str) -> dict[str, tuple[str, ...]]:
    (item,) = (item for item in dataset_of(item_id) if item.item_id == item_id)
    texts = [(folded(option.text), option.recipe_id) for option in item.options]
    return {text: tuple(recipe_id for other, recipe_id in texts if other == text) for text, _ in texts}


@lru_cache(maxsize=2)
def _by_query(*, of_sample: bool) -> dict[str, str]:
    items = load_sample() if of_sample else load_items()
    by_query = {folded(item.query): item.item_id for item in items}
    if len(by_query) != len(items):
        raise RuntimeError("two items have the same query")
    return by_query
