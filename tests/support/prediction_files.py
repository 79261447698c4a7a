"""Make typical prediction files of one system, for the exploits and honest cases of `recipe-mpr import`."""

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from leaderboard.load.import_facts import ImportFacts
from leaderboard.load.predictions import Details, read_choices, record_of_choices
from leaderboard.load.record import write_record
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import LETTERS, Item
from tests.support.run_edits import Json

OrderOf = Callable[[Item, int], list[str]]
"""Function from an item and its number to the recipe ids in the order that the system saw."""


def predictions(
    order_of: OrderOf, right: Callable[[int], bool] = lambda _: True, tells: Iterable[str] = ()
) -> list[Json]:
    """Return one line for each item of the sample, with the answer as a letter.

    Args:
        order_of: function that returns the option order that the system saw.
        right: function from an item's number to whether the answer is right.
        tells: additional fields: any of "options", "texts", "by_letter", "gold_letter", "option_id".
    """
    lines = []
    for number, item in enumerate(load_sample()):
        ids = order_of(item, number)
        gold = ids.index(item.gold)
        place = gold if right(number) else (gold + 1) % 5
        texts = {option.recipe_id: option.text for option in item.options}
        known: dict[str, Json] = {
            "options": {"option_ids": ids},
            "texts": {"options": [f" {texts[i]}  " for i in ids]},
            "by_letter": {"options": dict(zip(LETTERS, (texts[i] for i in ids), strict=True))},
            "gold_letter": {"gold_letter": LETTERS[gold]},
            "option_id": {"option_id": ids[place]},
        }
        line = {"item_id": item.item_id, "letter": LETTERS[place]}
        lines.append(line | {key: value for field in tells for key, value in known[field].items()})
    return lines


def in_file_order(item: Item, _number: int) -> list[str]:
    return [option.recipe_id for option in item.options]


def drawn(item: Item, number: int) -> list[str]:
    ids = in_file_order(item, number)
    random.Random(f"own:{item.item_id}").shuffle(ids)
    return ids


def gold_at(*places: int) -> OrderOf:
    """Put the right option at these places in turn, and the others in a seeded order."""

    def order(item: Item, number: int) -> list[str]:
        others = [recipe_id for recipe_id in drawn(item, number) if recipe_id != item.gold]
        place = places[number % len(places)]
        return [*others[:place], item.gold, *others[place:]]

    return order


def imported(
    folder: Path,
    lines: Iterable[Json],
    name: str = "org/cheat",
    order: str | None = None,
    edit: Callable[[Json], object] | None = None,
    **about: Any,
) -> list[str] | None:
    """Import lines as `recipe-mpr import` does. Return the error message in a list if the lines are refused, else None.

    `about` has the importer's statements: `source`, `set_name`, `note`, and `seen`, the ids of the seen items.
    """
    seen = about.pop("seen", None)
    details = Details(ImportFacts(**about), seen=None if seen is None else frozenset(seen))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "predictions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        record = record_of_choices(read_choices(path, order), name, order, details)
    except RecipeMPRError as error:
        return [str(error)]
    write_record(record, folder / "a.record.json")
    if edit:
        content = json.loads((folder / "a.record.json").read_text())
        edit(content)
        (folder / "a.record.json").write_text(json.dumps(content))
    return None
