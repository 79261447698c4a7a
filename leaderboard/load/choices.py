"""One line of predictions to the chosen option. A letter names the option that the system saw at that letter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import Pinned, pinned_items

FIELDS = ("item_id", "query", "option_id", "letter", "options", "option_ids", "gold_letter")

_REMEDY = (
    "a letter says nothing without the order that the system saw: give beside it `options` or `option_ids` (the five, "
    "first the one at A), or `gold_letter` (where the right one stood); or `option_id` in its place. --order alone is "
    "not believed; --field NEW=OLD maps names"
)


@dataclass(frozen=True)
class Choice:
    """The choice that a line records.

    Attributes:
        recipe_id: the chosen option; None if the item was not answered, or the option is unknown.
        is_unread: answered wrong, with an unknown option.
        gold_place: index of the letter at which the right option stood; None if the line does not say.
    """

    item_id: str
    recipe_id: str | None
    is_unread: bool = False
    gold_place: int | None = None


def choice_of(line: Mapping[str, Any], order: str | None, names: Mapping[str, str]) -> Choice:
    """Read the choice of a line.

    Args:
        line: the parsed JSON object.
        order: one of ORDERS as the user states it, which the line must not contradict; None if unstated.
        names: our name of a field to the file's.

    Raises:
        ValueError: a field is missing, not allowed or contradicts another; the message says what is allowed.
    """
    given = {field: line[names.get(field, field)] for field in FIELDS if names.get(field, field) in line}
    item_id = _item_id(given, line)
    if not given.keys() & {"option_id", "letter"}:
        raise ValueError(f"no option_id or letter; its fields: {_listed(line)} (--field NEW=OLD)")
    pinned = pinned_items()[item_id]
    shown, gold_place = _shown(item_id, given, pinned), _place(item_id, "gold_letter", given.get("gold_letter"))
    if shown:
        stood = shown.index(pinned.gold)
        if gold_place not in (None, stood):
            raise ValueError(f"{item_id}: gold_letter says {LETTERS[gold_place or 0]}, in its options the right one "
                             f"stands at {LETTERS[stood]}")  # fmt: skip
        gold_place = stood
    _agree_with(order, shown, gold_place, pinned)
    recipe_id, is_unread = _chosen(item_id, given, shown or _stated(order, given, gold_place, pinned), gold_place)
    return Choice(item_id, recipe_id, is_unread, gold_place)


def _stated(
    order: str | None, given: Mapping[str, Any], gold_place: int | None, pinned: Pinned
) -> tuple[str, ...] | None:
    """The stated order as recipe ids, if the line confirms it by gold_letter or has an option_id to compare."""
    return pinned.shown_ids(order) if order and (gold_place is not None or "option_id" in given) else None


def _agree_with(order: str | None, shown: Sequence[str] | None, gold_place: int | None, pinned: Pinned) -> None:
    if order is None:
        return
    own = pinned.shown_ids(order)
    if (shown and tuple(shown) != own) or gold_place not in (None, own.index(pinned.gold)):
        what = "its options stand" if shown else "by its gold_letter the right option stands"
        raise ValueError(f"--order {order}, but {what} otherwise; leave --order out, the file tells the order")


def _chosen(
    item_id: str, given: Mapping[str, Any], shown: Sequence[str] | None, gold_place: int | None
) -> tuple[str | None, bool]:
    """Return the chosen recipe id, and whether the choice is a wrong option that is unknown."""
    gold = pinned_items()[item_id].gold
    by_id = _option(item_id, given.get("option_id"))
    place = _place(item_id, "letter", given.get("letter"))
    if "letter" not in given or (place is None and by_id is None):
        return by_id, False
    if place is None:
        by_letter, is_unread = None, False
    elif shown:
        by_letter, is_unread = shown[place], False
    elif gold_place is None:
        if by_id is not None:
            return by_id, False
        raise ValueError(_REMEDY)
    else:
        is_right = place == gold_place
        if by_id is not None and is_right == (by_id == gold):
            return by_id, False
        by_letter, is_unread = (gold if is_right else None), not is_right
    if "option_id" in given and (by_id != by_letter or is_unread):
        read = "a wrong option" if is_unread else by_letter
        raise ValueError(f"{item_id}: option_id says {by_id}, letter says {read}")
    return by_letter, is_unread


def _option(item_id: str, chosen: Any) -> str | None:
    if chosen in (None, ""):
        return None
    allowed = pinned_items()[item_id].shown_ids("shuffled")
    if chosen not in allowed:
        raise ValueError(f"{item_id}: option_id {str(chosen)[:40]!r} is none of its options ({', '.join(allowed)})")
    return str(chosen)


def _place(item_id: str, field: str, letter: Any) -> int | None:
    letter = letter.strip().upper() if isinstance(letter, str) else letter
    if letter in (None, ""):
        return None
    if letter not in LETTERS:
        raise ValueError(f"{item_id}: {field} {str(letter)[:40]!r}; expected {', '.join(LETTERS)} or null")
    return LETTERS.index(letter)


def _shown(item_id: str, given: Mapping[str, Any], pinned: Pinned) -> tuple[str, ...] | None:
    """The recipe ids at A to E by the line's own list, of ids or texts; None if it has none."""
    shown = None
    for field in ("options", "option_ids"):
        listed = given.get(field)
        if isinstance(listed, dict):  # a mapping has an order only if its keys are the letters
            listed = [listed[letter] for letter in LETTERS] if listed.keys() == set(LETTERS) else None
        if not isinstance(listed, list):
            continue
        named = [" ".join(str(option).split()) for option in listed]
        ids = tuple(named if set(named) <= set(pinned.option_ids) else [_by_text(item_id).get(t, "") for t in named])
        if len(ids) != N_OPTIONS or set(ids) != set(pinned.option_ids):
            raise ValueError(f"{item_id}: {field} are not its five options, each once, by recipe id or by text")
        if shown not in (None, ids):
            raise ValueError(f"{item_id}: options and option_ids stand in different orders")
        shown = ids
    return shown


@lru_cache(maxsize=1024)
def _by_text(item_id: str) -> dict[str, str]:
    from recipe_mpr_task.data import dataset_of

    options = next(item.options for item in dataset_of(item_id) if item.item_id == item_id)
    return {" ".join(option.text.split()): option.recipe_id for option in options}


def _item_id(given: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    if "item_id" in given:
        if str(given["item_id"]) not in pinned_items():
            raise ValueError(f"item_id {str(given['item_id'])[:40]!r}; expected mpr-000 (the file's first) to mpr-499")
        return str(given["item_id"])
    if "query" in given:
        item_id = _by_query().get(" ".join(str(given["query"]).split()))
        if item_id is None:
            raise ValueError(f"query {str(given['query'])[:60]!r} is none of the dataset's")
        return item_id
    raise ValueError(f"no item_id or query; its fields: {_listed(line)} (--field NEW=OLD)")


def _listed(line: Mapping[str, Any]) -> str:
    return ", ".join(map(str, line))[:200]


@lru_cache(maxsize=1)
def _by_query() -> dict[str, str]:
    from recipe_mpr_task.data import load_items

    return {item.query: item.item_id for item in load_items()}
