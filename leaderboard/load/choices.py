"""Read the chosen option from a line of predictions. A letter stands for the option that was shown at the letter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from recipe_mpr_task.data import dataset_of, load_items
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import Pinned, pinned_items

FIELDS = ("item_id", "query", "option_id", "letter", "options", "option_ids", "gold_letter")

_REMEDY = (
    "a letter says nothing without the order that the system saw: give beside it `options` or `option_ids` (the five, "
    "from A to E), or `gold_letter` (the right option's letter); or `option_id` instead. --order alone is "
    "not believed; --field NEW=OLD maps names"
)


@dataclass(frozen=True)
class Choice:
    """The choice that one line records.

    Attributes:
        recipe_id: recipe id of the chosen option; None if the item was not answered, or the option is unknown.
        is_unread: whether the line shows that the choice is wrong, but not which option was chosen.
        gold_place: index, 0..4, of the letter at which the system saw the right option; None if unknown.
    """

    item_id: str
    recipe_id: str | None
    is_unread: bool = False
    gold_place: int | None = None


def choice_of(line: Mapping[str, Any], order: str | None, names: Mapping[str, str]) -> Choice:
    """Return the choice that one line of predictions records.

    Args:
        line: the parsed JSON object. Its keys are the file's own field names.
        order: value of --order, one of `orders.ORDERS`; None if not given. The line must not contradict --order.
        names: maps a field's name in this project to its name in the file. By default, both names are equal.

    Raises:
        ValueError: a field is missing or has a wrong value, or the line contradicts itself or --order.
    """
    given = {field: line[names.get(field, field)] for field in FIELDS if names.get(field, field) in line}
    fields = f"its fields: {', '.join(map(str, line))[:200]} (--field NEW=OLD)"
    item_id = _item_id(given, fields)
    if not given.keys() & {"option_id", "letter"}:
        raise ValueError(f"no option_id or letter; {fields}")
    answer = _Answer(item_id, given, pinned_items()[item_id])
    shown, gold_place = answer.shown(), answer.place("gold_letter")
    if shown:
        stood = shown.index(answer.pinned.gold)
        if gold_place not in (None, stood):
            raise ValueError(f"{item_id}: gold_letter says {LETTERS[gold_place or 0]}, in its options the right one "
                             f"stands at {LETTERS[stood]}")  # fmt: skip
        gold_place = stood
    if order:
        stated = answer.pinned.shown_ids(order)
        if (shown and shown != stated) or gold_place not in (None, stated.index(answer.pinned.gold)):
            what = "its options stand" if shown else "by its gold_letter the right option stands"
            raise ValueError(f"--order {order}, but {what} otherwise; omit --order, the file states the order")
        # Use --order only if another field of the line can confirm or contradict --order.
        shown = stated if gold_place is not None or "option_id" in given else None
    recipe_id, is_unread = answer.chosen(shown, gold_place)
    return Choice(item_id, recipe_id, is_unread, gold_place)


@dataclass(frozen=True)
class _Answer:
    """One line of predictions. `given` maps this project's field names to values; `pinned` has the item's options."""

    item_id: str
    given: Mapping[str, Any]
    pinned: Pinned

    def chosen(self, shown: tuple[str, ...] | None, gold_place: int | None) -> tuple[str | None, bool]:
        """Return (`Choice.recipe_id`, `Choice.is_unread`). Raise ValueError if the choice is invalid or contradictory.

        `shown` has the recipe ids at A to E. `gold_place` is the index of the right option's letter. Each can be None.
        """
        options, gold = self.pinned.shown_ids("shuffled"), self.pinned.gold
        by_id = None if self.given.get("option_id") == "" else self.given.get("option_id")
        if by_id is not None and by_id not in options:
            allowed = ", ".join(options)
            raise ValueError(f"{self.item_id}: option_id {str(by_id)[:40]!r} is none of its options ({allowed})")
        place = self.place("letter")
        if "letter" not in self.given or (place is None and by_id is None):
            return by_id, False
        possible: Sequence[str | None] = [None]  # recipe ids that the letter can stand for
        if place is not None and shown:
            possible = [shown[place]]
        elif place is not None:
            possible = [id_ for id_ in options if gold_place is None or (id_ == gold) == (place == gold_place)]
        if len(possible) == N_OPTIONS and by_id is None:
            raise ValueError(_REMEDY)
        if by_id in possible:
            return by_id, False
        if "option_id" in self.given:
            read = "a wrong option" if len(possible) > 1 else possible[0]
            raise ValueError(f"{self.item_id}: option_id says {by_id}, letter says {read}")
        return (possible[0], False) if len(possible) == 1 else (None, True)

    def place(self, field: str) -> int | None:
        """Return the index, 0..4, of a field's letter; None if empty or absent. Raise ValueError for other values."""
        letter = self.given.get(field)
        letter = letter.strip().upper() if isinstance(letter, str) else letter
        if letter in (None, ""):
            return None
        if letter not in LETTERS:
            raise ValueError(f"{self.item_id}: {field} {str(letter)[:40]!r}; expected {', '.join(LETTERS)} or null")
        return LETTERS.index(letter)

    def shown(self) -> tuple[str, ...] | None:
        """Return the recipe ids shown at A to E; None if the line has no order. Raise ValueError for a wrong list."""
        shown = None
        for field in ("options", "option_ids"):
            listed = self.given.get(field)
            if isinstance(listed, dict):  # an object states an order only if its keys are A to E
                listed = [listed[letter] for letter in LETTERS] if listed.keys() == set(LETTERS) else None
            if not isinstance(listed, list):
                continue
            named, own = [_folded(option) for option in listed], set(self.pinned.option_ids)
            if not own.issuperset(named):
                by_text = _by_text(self.item_id)
                named = [by_text.get(text, "") for text in named]
            ids = tuple(named)
            if len(ids) != N_OPTIONS or set(ids) != own:
                raise ValueError(
                    f"{self.item_id}: {field} are not its five options, each once, by recipe id or by text"
                )
            if shown not in (None, ids):
                raise ValueError(f"{self.item_id}: options and option_ids stand in different orders")
            shown = ids
        return shown


def _item_id(given: Mapping[str, Any], fields: str) -> str:
    if "item_id" in given:
        item_id = str(given["item_id"])
        if item_id not in pinned_items():
            raise ValueError(f"item_id {item_id[:40]!r}; expected mpr-000 (the file's first) to mpr-499")
        return item_id
    if "query" not in given:
        raise ValueError(f"no item_id or query; {fields}")
    if (query := _folded(given["query"])) not in _by_query():
        raise ValueError(f"query {str(given['query'])[:60]!r} is none of the dataset's")
    return _by_query()[query]


def _folded(text: Any) -> str:
    return " ".join(str(text).split())


def _by_text(item_id: str) -> dict[str, str]:
    (item,) = (item for item in dataset_of(item_id) if item.item_id == item_id)
    return {_folded(option.text): option.recipe_id for option in item.options}


@lru_cache(maxsize=1)
def _by_query() -> dict[str, str]:
    return {item.query: item.item_id for item in load_items()}
