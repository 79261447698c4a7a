"""Which option stands at which letter. The only place that decides it.

In the dataset file the gold option is first in all 500 records: whoever shows that order measures a
bias for "A". `shuffled` is a stored table (`orders.json`, derived by `tests/derive_tables.py`), so
that it is the same in every task, process and Python version, with gold letters exactly even over
the 500 items, each CV fold and each published part, and as even as integers allow over each type.
Items that the table does not know get an order from a hash, with no balance promised.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import LETTERS, N_OPTIONS, Item, Option

ORDERS = ("shuffled", "file")
EXPLOITABLE_ORDERS = ("file",)
"""Orders that a model can score on without reading: never ranked."""


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


@lru_cache(maxsize=1)
def stored_orders() -> dict[str, dict[str, str]]:
    """Return `{item_id: {"digest": content hash, "order": five digits}}` of the pinned items and the sample."""
    table: dict[str, dict[str, str]] = json.loads((files("recipe_mpr_task") / "orders.json").read_text())
    return table


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
    stored = stored_orders().get(item.item_id)
    if stored and stored["digest"] == item.digest:
        return tuple(int(slot) for slot in stored["order"])
    return tuple(sorted(range(N_OPTIONS), key=lambda slot: _draw(item, slot)))


def _draw(item: Item, slot: int) -> str:
    key = f"{item.item_id}:{item.digest}:{item.options[slot].recipe_id}"
    return hashlib.sha256(key.encode()).hexdigest()


def display(item: Item, order: str) -> DisplayedItem:
    """Put an item's options in `order`."""
    options = tuple(item.options[slot] for slot in file_slots(item, order))
    gold = next(k for k, option in enumerate(options) if option.recipe_id == item.gold)
    return DisplayedItem(item, order, options, gold)
