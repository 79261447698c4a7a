"""Items for every_eval_ever: what was chosen and whether it was right, one line each.

Where the dataset is not at hand, ids stand for texts: the item's for the query, recipe ids for options.
"""

import json
from collections.abc import Mapping
from typing import Any

from leaderboard.rank.row import Row
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import LETTERS, Item
from recipe_mpr_task.orders import pinned_items

_METHODS = {
    "recipe_mpr_cloze": "highest log-likelihood of the option's text",
    "recipe_mpr_generate": "letter read from the generated text",
    "recipe_mpr_circular": "highest probability averaged over five rotations",
}
_OVER_PROMPTS = "recipe_mpr_prompts"
"""The task whose items have one choice for each prompt: no choice is the row's."""


def sample_lines(row: Row, head: Mapping[str, str], texts: Mapping[str, Item] | None) -> list[str]:
    """Return a row's items as JSON, sorted by id.

    Args:
        row: a ranked row.
        head: fields that every item has, which tie it to the aggregate file.
        texts: items by id; None leaves texts out.
    """
    items = sorted(row.items, key=lambda item: item.item_id)
    lines = [{**head, **_sample(row, item, (texts or {}).get(item.item_id))} for item in items]
    # ASCII only: the format's own reader takes a line separator inside a text for the end of the line.
    return [json.dumps(line, allow_nan=False) for line in lines]


def _sample(row: Row, result: ItemResult, item: Item | None) -> dict[str, Any]:
    pinned = pinned_items()[result.item_id]
    shown = pinned.shown_ids("shuffled")
    words = {option.recipe_id: option.text for option in item.options} if item else {i: i for i in shown}
    chosen = () if row.task == _OVER_PROMPTS else result.chosen
    query, gold = item.query if item else result.item_id, words[pinned.gold]
    hashed = sha256_of(json.dumps({"raw": query, "reference": gold}, sort_keys=True).encode())
    return {
        "sample_id": result.item_id,
        # Of the texts, so that it means the same in the files of others.
        "sample_hash": hashed if item else None,
        "interaction_type": "single_turn",
        "input": {"raw": query, "reference": [gold], "choices": [words[recipe_id] for recipe_id in shown]},
        "output": {"raw": [words[recipe_id] for recipe_id in chosen]},
        "answer_attribution": [_attribution(row, words[recipe_id]) for recipe_id in chosen],
        "evaluation": {"score": result.accuracy, "is_correct": result.accuracy == 1},
        "metadata": _metadata(row, result, shown, chosen),
    }


def _attribution(row: Row, value: str) -> dict[str, Any]:
    return {
        "turn_idx": 0,
        "source": "output.raw",
        "extracted_value": value,
        "extraction_method": _method(row),
        "is_terminal": True,
    }


def _method(row: Row) -> str:
    if row.kind == "imported":
        return "as imported"
    own = "highest log-likelihood of the option's letter" if row.kind == "causal" else "highest score of the option"
    return _METHODS.get(row.task, own)


def _metadata(row: Row, result: ItemResult, shown: tuple[str, ...], chosen: tuple[str, ...]) -> dict[str, str]:
    pinned = pinned_items()[result.item_id]
    known = {
        "item_digest": pinned.digest,
        "query_types": ", ".join(pinned.types),
        "gold_recipe_id": pinned.gold,
        "chosen_recipe_ids": ", ".join(chosen),
    }
    if row.kind == "imported" or row.task == "recipe_mpr_circular":
        return known  # an imported system's letters are unknown; over rotations an option stands at every letter
    letter = dict(zip(shown, LETTERS, strict=True))
    return {**known, "gold_letter": letter[pinned.gold], "chosen_letters": ", ".join(letter[i] for i in chosen)}
