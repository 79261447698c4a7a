"""Decide which option is shown at each letter. Only this module decides the order of the options.

In the dataset file, the gold option is first in all 500 records. So a run in file order rewards a bias for "A".
`pinned.json` stores the `shuffled` order of each item. So the order is equal in every task, process and Python version.
`tests/support/derive_tables.py` creates `pinned.json`.

In `shuffled` order, each letter is gold equally often: over the 500 items, in each CV fold and in each part of the
published split. Within a query type, the counts of the letters are as even as possible.
An item that is not in `pinned.json` gets an order from a hash. Orders from a hash are not balanced.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import LETTERS, N_OPTIONS, QUERY_TYPES, Item, Option, content_digest

ORDERS = ("shuffled", "file")
TRAINING_ORDERS = (*ORDERS, "drawn")
"""Orders of the options in training. For "drawn", the function `drawn` draws a new order in every epoch."""
NOT_SHOWN = "not_shown"
"""The order that an importer states for a system that scored each option alone and saw no list of options."""
EXPLOITABLE_ORDERS = ("file",)
"""Orders in which a model can beat chance without reading the options. Runs in these orders are not ranked."""


@dataclass(frozen=True)
class DisplayedItem:
    """An item as a model sees it.

    Attributes:
        item: the item.
        order: the order of the options, one of TRAINING_ORDERS.
        options: five options; the first is shown at letter A.
        gold: index of the right option in `options`, 0..4.
    """

    item: Item
    order: str
    options: tuple[Option, ...]
    gold: int

    @property
    def gold_letter(self) -> str:
        """Letter of the right option."""
        return LETTERS[self.gold]


@dataclass(frozen=True)
class Pinned:
    """The stored data of an item. With these data, results can be checked without the dataset.

    Attributes:
        digest: the item's content hash, computed by `item.content_digest`.
        order: for each letter A to E, the index of the option shown at the letter in `shuffled` order. The index, 0 to
            4, is the option's position in the dataset file.
        option_ids: five recipe ids in file order.
        lengths: number of characters of each option's text, shape (5,), in file order.
        gold: recipe id of the right option.
        types: the item's query types.
    """

    digest: str
    order: tuple[int, ...]
    option_ids: tuple[str, ...]
    lengths: tuple[int, ...]
    gold: str
    types: tuple[str, ...]

    def shown_ids(self, order: str) -> tuple[str, ...]:
        """Return the five recipe ids in the order shown, A to E. `order` is one of ORDERS."""
        return self.option_ids if order == "file" else self._shuffled_ids

    def shown_lengths(self, order: str) -> tuple[int, ...]:
        """Return the numbers of characters of the five options in the order shown, A to E. `order` is one of ORDERS."""
        return self.lengths if order == "file" else self._shuffled_lengths

    def shown_gold(self, order: str) -> int:
        """Return the index of the right option's letter, 0 to 4. `order` is one of ORDERS."""
        return self._file_gold if order == "file" else self._shuffled_gold

    @cached_property
    def _file_gold(self) -> int:
        return self.option_ids.index(self.gold)

    @cached_property
    def _shuffled_gold(self) -> int:
        return self._shuffled_ids.index(self.gold)

    @cached_property
    def _shuffled_ids(self) -> tuple[str, ...]:
        return tuple(self.option_ids[slot] for slot in self.order)

    @cached_property
    def _shuffled_lengths(self) -> tuple[int, ...]:
        return tuple(self.lengths[slot] for slot in self.order)


@lru_cache(maxsize=1)
def pinned_items() -> dict[str, Pinned]:
    """Return the stored data of the 500 items and of the sample's items, keyed by item id."""
    table = json.loads((files("recipe_mpr_task") / "pinned.json").read_text())
    return {
        item_id: Pinned(
            digest=row["digest"],
            order=tuple(int(slot) for slot in row["order"]),
            option_ids=tuple(row["option_ids"]),
            lengths=tuple(row["lengths"]),
            gold=row["gold"],
            types=tuple(row["types"]),
        )
        for item_id, row in table.items()
    }


def file_slots(item: Item, order: str) -> tuple[int, ...]:
    """Return, for each letter A to E, the file slot of the option shown at the letter.

    A file slot is an option's index in the dataset file, 0 to 4.

    Args:
        item: any item. If `pinned.json` lacks the item or holds other content, a hash decides the `shuffled` order.
        order: one of ORDERS.

    Raises:
        RecipeMPRError: `order` is not one of ORDERS.
    """
    if order == "file":
        return tuple(range(N_OPTIONS))
    if order != "shuffled":
        raise RecipeMPRError(f"unknown option order {order!r}; allowed: {', '.join(ORDERS)}")
    stored = pinned_items().get(item.item_id)
    if stored and stored.digest == item.digest:
        return stored.order
    return tuple(sorted(range(N_OPTIONS), key=lambda slot: _draw(item, slot)))


def _draw(item: Item, slot: int) -> str:
    key = f"{item.item_id}:{item.digest}:{item.options[slot].recipe_id}"
    return hashlib.sha256(key.encode()).hexdigest()


def display(item: Item, order: str) -> DisplayedItem:
    """Return an item with its options in `order`, one of ORDERS."""
    options = tuple(item.options[slot] for slot in file_slots(item, order))
    gold = next(k for k, option in enumerate(options) if option.recipe_id == item.gold)
    return DisplayedItem(item, order, options, gold)


def drawn(items: Sequence[Item], seed: int, epoch: int) -> tuple[DisplayedItem, ...]:
    """Draw a random order of the options for each item, for one epoch of training.

    The gold letters A to E occur equally often over the items; their counts differ by at most 1. So a model gains
    nothing by preferring a letter.

    Args:
        items: the training items.
        seed: seed of the random orders. The same seed and epoch give the same orders on every machine.
        epoch: number of the epoch, from 0.

    Returns:
        The items in the sequence of `items`, each with its options in the drawn order.
    """
    rng = random.Random(f"{seed}:{epoch}")  # noqa: S311 (reproducible, not secret)
    letters = [k % N_OPTIONS for k in range(len(items))]
    rng.shuffle(letters)
    shown = []
    for item, gold in zip(items, letters, strict=True):
        others = [option for option in item.options if option.recipe_id != item.gold]
        rng.shuffle(others)
        right = next(option for option in item.options if option.recipe_id == item.gold)
        shown.append(DisplayedItem(item, "drawn", (*others[:gold], right, *others[gold:]), gold))
    return tuple(shown)


def digest_of_record(record: dict[str, Any]) -> str:
    """Compute the content hash of a logged document, for comparison with `Pinned.digest`.

    Raises:
        KeyError, IndexError, TypeError, ValueError: the document is not a Recipe-MPR document.
    """
    option_ids, options = record["option_ids"], record["options"]
    if set(record["query_types"]) - set(QUERY_TYPES) or len(option_ids) != N_OPTIONS != len(options):
        raise TypeError("not a Recipe-MPR document: unknown query types, or not five options")
    texts = dict(zip(option_ids, options, strict=True))
    return content_digest(record["query"], texts, option_ids[record["gold"]], record["query_types"])
