"""Read the chosen option from a line of predictions. A letter is resolved in the order that the system saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.load.option_scores import best_options, scores_of
from leaderboard.load.options import id_of_option, id_of_query, letter_place, names_of_options, shown_ids
from recipe_mpr_task.data import items_at_hand
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import NOT_SHOWN, Pinned, pinned_items

_CHOICES = ("option_id", "option", "letter", "scores")
FIELDS = ("item_id", "query", *_CHOICES, "options", "option_ids", "gold_letter")

_REMEDY = (
    "a letter needs the option order that the system saw. Add `options` or `option_ids` (the five, from A to E), or "
    "`gold_letter` (the right option's letter). Or replace the letter by `option_id`. --order alone is not enough. "
    "Map field names with --field OUR_NAME=YOUR_NAME"
)


@dataclass(frozen=True)
class Choice:
    """The choice that one line records.

    Attributes:
        chosen: recipe ids of the chosen options, several if their scores tie; empty if the item was not answered, or
            the option is unknown.
        is_unread: whether the line shows that the choice is wrong, but not which option was chosen.
        place: index, 0..4, of the letter that was answered; None if not stated.
        gold_place: index, 0..4, of the letter at which the system saw the right option; None if not stated.
        scores: score by recipe id; None if the line has no scores.
        by_letters: whether the line has only two letters, the answered and the right option's.
    """

    item_id: str
    chosen: tuple[str, ...] = ()
    is_unread: bool = False
    place: int | None = None
    gold_place: int | None = None
    scores: Mapping[str, float] | None = None
    by_letters: bool = False

    @property
    def is_unparsed(self) -> bool:
        """Whether the line has no answer, but null instead of a choice."""
        return not self.chosen and not self.is_unread


def choice_of(line: Mapping[str, Any], order: str | None, names: Mapping[str, str]) -> Choice:
    """Return the choice that one line of predictions records.

    Args:
        line: the parsed JSON object. Its keys are the file's own field names.
        order: value of --order, one of `orders.ORDERS` or NOT_SHOWN; None if not given. The line must not contradict
            --order.
        names: maps a field's name in this project to its name in the file. By default, both names are equal.

    Raises:
        ValueError: a field is missing or has a wrong value, or the line contradicts itself or --order.
    """
    given = {field: line[names.get(field, field)] for field in FIELDS if names.get(field, field) in line}
    fields = f"its fields: {', '.join(map(str, line))[:200]} (map names with --field OUR_NAME=YOUR_NAME)"
    item_id = _item_id(given, fields)
    if not given.keys() & {*_CHOICES}:
        raise ValueError(f"no option_id, option, letter or scores; {fields}")
    return _Line(item_id, given, pinned_items()[item_id]).choice(order)


@dataclass(frozen=True)
class _Line:
    """One line of predictions. `given` maps this project's field names to values; `pinned` is the item's data."""

    item_id: str
    given: Mapping[str, Any]
    pinned: Pinned

    def choice(self, order: str | None) -> Choice:
        """Return the line's choice. `order` is the value of --order, or None."""
        listed, gold_place = self.listed(), self.place("gold_letter")
        if listed:
            stood = listed.index(self.pinned.gold)
            if gold_place not in (None, stood):
                raise ValueError(f"{self.item_id}: gold_letter is {LETTERS[gold_place or 0]}, but in the listed "
                                 f"options the right option is at {LETTERS[stood]}; omit gold_letter")  # fmt: skip
            gold_place = stood
        if order == NOT_SHOWN and (listed or self.given.keys() & {"letter", "gold_letter"}):
            raise ValueError("--order not_shown, but the file has letters or lists of options; omit --order")
        shown = self.confirmed(order, listed, gold_place) if order and order != NOT_SHOWN else listed
        chosen, is_unread = self.named(shown, gold_place)
        place = self.place("letter")
        scores = None
        if "scores" in self.given:
            scores = scores_of(self.item_id, self.given["scores"], shown)
            chosen, is_unread = self.best(scores, chosen, is_unread=is_unread), False
        if place is None and listed and len(chosen) == 1:
            place = listed.index(chosen[0])
        by_letters = place is not None and shown is None and not self.given.keys() & {"option_id", "option", "scores"}
        return Choice(self.item_id, chosen, is_unread, place, gold_place, scores, by_letters)

    def confirmed(self, order: str, listed: tuple[str, ...] | None, gold_place: int | None) -> tuple[str, ...] | None:
        """Return the recipe ids at A to E in the order of --order; None if no other field can contradict --order."""
        stated = self.pinned.shown_ids(order)
        if (listed and listed != stated) or gold_place not in (None, stated.index(self.pinned.gold)):
            what = "the options listed in the file" if listed else "gold_letter"
            raise ValueError(f"--order {order} does not match {what}; omit --order, because the file tells the order")
        return stated if gold_place is not None or self.given.keys() & {"option_id", "option"} else None

    def named(self, shown: tuple[str, ...] | None, gold_place: int | None) -> tuple[tuple[str, ...], bool]:
        """Return (the named option as a tuple of at most one recipe id, whether it is only known to be wrong).

        `shown` has the recipe ids at A to E. `gold_place` is the index of the right option's letter. Each can be None.
        """
        options, gold = self.pinned.option_ids, self.pinned.gold
        is_named, by_name = self.by_name()
        place = self.place("letter")
        if "letter" not in self.given or (place is None and by_name is None):
            return ((by_name,) if by_name else ()), False
        possible: Sequence[str | None] = [None]  # recipe ids that the letter can mean
        if place is not None and shown:
            possible = [shown[place]]
        elif place is not None:
            possible = [id_ for id_ in options if gold_place is None or (id_ == gold) == (place == gold_place)]
        if is_named and by_name not in possible:
            read = "a wrong option" if len(possible) > 1 else possible[0]
            raise ValueError(f"{self.item_id}: {is_named} says {by_name}, but letter says {read}; omit the wrong one")
        if len(possible) == N_OPTIONS and not is_named and "scores" not in self.given:
            raise ValueError(_REMEDY)
        if by_name in possible:
            return ((by_name,) if by_name else ()), False
        if len(possible) == 1 and possible[0] is not None:
            return (possible[0],), False
        return (), True

    def by_name(self) -> tuple[str, str | None]:
        """Return (name of the first field that names the choice, recipe id); ("", None) if there is no such field."""
        named: dict[str, str | None] = {}
        for field in ("option_id", "option"):
            value = self.given.get(field)
            if field not in self.given:
                continue
            by_text = field == "option"
            named[field] = None if value in (None, "") else id_of_option(self.item_id, value, by_text=by_text)
            if value not in (None, "") and named[field] is None:
                allowed = ", ".join(names_of_options(self.item_id, by_text=by_text))
                raise ValueError(f"{self.item_id}: {field} {str(value)[:40]!r} is not one of its options ({allowed})")
        if len({*named.values()}) > 1:
            raise ValueError(
                f"{self.item_id}: option_id says {named['option_id']}, option says {named['option']}; keep one"
            )
        return next(iter(named.items()), ("", None))

    def best(self, scores: dict[str, float], chosen: tuple[str, ...], *, is_unread: bool) -> tuple[str, ...]:
        """Return the options with the best score. Raise ValueError if the line names another choice."""
        best = best_options(scores)
        named = [field for field in ("option_id", "option", "letter") if field in self.given]
        if is_unread:
            agrees = self.place("gold_letter") is None or best != (self.pinned.gold,)
        else:
            agrees = not named or (bool(chosen) and chosen[0] in best)
        if not agrees:
            says = "a wrong option" if is_unread else chosen[0] if chosen else "null"
            raise ValueError(f"{self.item_id}: {named[0]} says {says}, but {' or '.join(best)} has the best score; "
                             "negate the scores if lower scores are better")  # fmt: skip
        return best

    def place(self, field: str) -> int | None:
        """Return the index, 0..4, of the letter in a field; None if the field is empty or absent."""
        return letter_place(self.item_id, field, self.given.get(field))

    def listed(self) -> tuple[str, ...] | None:
        """Return the recipe ids at A to E, read from the line's list of options; None if the line has no list."""
        found = {field: shown_ids(self.item_id, field, self.given.get(field)) for field in ("options", "option_ids")}
        lists = {ids for ids in found.values() if ids}
        if len(lists) > 1:
            raise ValueError(f"{self.item_id}: options and option_ids have different orders; omit one list")
        return next(iter(lists), None)


def _item_id(given: Mapping[str, Any], fields: str) -> str:
    if "item_id" not in given and "query" not in given:
        raise ValueError(f"no item_id or query; {fields}; remove lines that are not items")
    # An item id is enough. Compare the query too, if the dataset is already on this machine.
    by_query = id_of_query(given.get("query")) if "item_id" not in given or items_at_hand() else None
    if "item_id" not in given:
        if by_query is None:
            raise ValueError(
                f"query {str(given['query'])[:60]!r} is not in the dataset; give its exact text, or item_id"
            )
        return by_query
    item_id = str(given["item_id"])
    if by_query not in (None, item_id):
        raise ValueError(f"item_id says {item_id[:40]}, but the query is that of {by_query}; omit the wrong one")
    if item_id not in pinned_items():
        raise ValueError(f"item_id {item_id[:40]!r}; expected mpr-000 (the dataset's first item) to mpr-499; or "
                         "replace item_id by query")  # fmt: skip
    return item_id
