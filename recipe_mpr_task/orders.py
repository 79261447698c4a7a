"""Decide which option has which letter; no other module does.

In the dataset file the gold option is first in all 500 records, so a run in file order measures a
bias for "A". `shuffled` is a stored table (`pinned.json`, derived by `tests/support/derive_tables.py`), so
that it is the same in every task, process and Python version. Its gold letters are exactly even over
the 500 items, each CV fold and each published part. Over each type they are as even as possible.
Items outside the table get an order from a hash, without balance.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import LETTERS, N_OPTIONS, QUERY_TYPES, Item, Option, content_digest

ORDERS = ("shuffled", "file")
TRAINING_ORDERS = (*ORDERS, "drawn")
"""Orders of items in training; "drawn" is a new order in every epoch, see `drawn`."""
EXPLOITABLE_ORDERS = ("file",)
"""Orders in which a model can score without reading; their runs are not ranked."""


@dataclass(frozen=True)
class DisplayedItem:
    """An item as a model sees it.

    Attributes:
        options: five options, the first shown at letter A.
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
    """The stored data of an item, to check results without the dataset.

    Attributes:
        digest: the item's content hash, see `item.content_digest`.
        order: for each letter, the file slot of the option shown there in `shuffled` order.
        option_ids: five recipe ids in file order.
        gold: recipe id of the right option.
        types: the item's query types.
    """

    digest: str
    order: tuple[int, ...]
    option_ids: tuple[str, ...]
    gold: str
    types: tuple[str, ...]

    def shown_ids(self, order: str) -> tuple[str, ...]:
        """Return the recipe ids at A to E in `order`."""
        slots = range(N_OPTIONS) if order == "file" else self.order
        return tuple(self.option_ids[slot] for slot in slots)


@lru_cache(maxsize=1)
def pinned_items() -> dict[str, Pinned]:
    """Return the stored table: item id to Pinned, of the 500 items and the sample."""
    table = json.loads((files("recipe_mpr_task") / "pinned.json").read_text())
    return {
        item_id: Pinned(
            digest=row["digest"],
            order=tuple(int(slot) for slot in row["order"]),
            option_ids=tuple(row["option_ids"]),
            gold=row["gold"],
            types=tuple(row["types"]),
        )
        for item_id, row in table.items()
    }


def file_slots(item: Item, order: str) -> tuple[int, ...]:
    """Return, for each letter, the file slot (0..4) of the option shown there.

    Args:
        item: any item, also of other data.
        order: one of ORDERS.

    Raises:
        RecipeMPRError: unknown order.
    """
    if order == "file":
        return tuple(range(N_OPTIONS))
    if order != "shuffled":
        raise RecipeMPRError(f"option order {order!r}; allowed: {', '.join(ORDERS)}")
    stored = pinned_items().get(item.item_id)
    if stored and stored.digest == item.digest:
        return stored.order
    return tuple(sorted(range(N_OPTIONS), key=lambda slot: _draw(item, slot)))


def _draw(item: Item, slot: int) -> str:
    key = f"{item.item_id}:{item.digest}:{item.options[slot].recipe_id}"
    return hashlib.sha256(key.encode()).hexdigest()


def display(item: Item, order: str) -> DisplayedItem:
    """Return an item with its options in `order`."""
    options = tuple(item.options[slot] for slot in file_slots(item, order))
    gold = next(k for k, option in enumerate(options) if option.recipe_id == item.gold)
    return DisplayedItem(item, order, options, gold)


def drawn(items: Sequence[Item], seed: int, epoch: int) -> tuple[DisplayedItem, ...]:
    """Draw an order for each item, for one epoch of training.

    Args:
        items: the training items.
        seed: with `epoch` decides every order; the same on every machine.
        epoch: from 0.

    Returns:
        The items in their given sequence. Over them gold letters are as even as they can be, so that no
        letter is worth learning.
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
    """Recompute from a logged document the content hash that `pinned.json` holds.

    Raises:
        KeyError, IndexError, TypeError: the document is not one of ours.
    """
    option_ids, options = record["option_ids"], record["options"]
    if set(record["query_types"]) - set(QUERY_TYPES) or len(option_ids) != N_OPTIONS != len(options):
        raise TypeError("not a Recipe-MPR document")
    texts = dict(zip(option_ids, options, strict=True))
    return content_digest(record["query"], texts, option_ids[record["gold"]], record["query_types"])
