"""Compute the dataset's fact sheet from the pinned file.

The committed copy is `dataset_stats.json`. To write this file again, run
`recipe-mpr data stats --out recipe_mpr_task/dataset_stats.json`.
"""

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from recipe_mpr_task.data import COMMIT, LICENSE, REPOSITORY, SHA256, load_items
from recipe_mpr_task.item import LETTERS, QUERY_TYPES, UNTYPED, Item
from recipe_mpr_task.orders import ORDERS, display
from recipe_mpr_task.splits import SPLITS, scored_ids


def fact_sheet() -> dict[str, Any]:
    """Return counts and text lengths of the pinned dataset. The fact sheet contains no dataset text."""
    items = load_items()
    return {
        "source": {"repository": REPOSITORY, "commit": COMMIT, "sha256": SHA256, "license": LICENSE},
        "items": len(items),
        "types": _type_counts(items),
        "items_with_two_or_more_types": sum(len(item.query_types) > 1 for item in items),
        "gold_letters": {order: _gold_letters(items, order) for order in ORDERS},
        "splits": {split: _split(items, split) for split in SPLITS if split != "sample"},
        "characters": {
            "query": _lengths([item.query for item in items]),
            "gold_option": _lengths([_text(item, gold=True) for item in items]),
            "distractor": _lengths([o.text for item in items for o in item.options if o.recipe_id != item.gold]),
        },
        "recipe_ids": _reuse(items),
    }


def _type_counts(items: Sequence[Item]) -> dict[str, int]:
    counts = Counter(name for item in items for name in item.query_types or (UNTYPED,))
    return {name: counts[name] for name in (*QUERY_TYPES, UNTYPED)}


def _gold_letters(items: Sequence[Item], order: str) -> dict[str, int]:
    counts = Counter(display(item, order).gold_letter for item in items)
    return {letter: counts[letter] for letter in LETTERS}


def _split(items: Sequence[Item], split: str) -> dict[str, Any]:
    scored = [item for item in items if item.item_id in scored_ids(split)]
    return {"items": len(scored), "types": _type_counts(scored), "gold_letters": _gold_letters(scored, "shuffled")}


def _text(item: Item, *, gold: bool) -> str:
    return next(option.text for option in item.options if (option.recipe_id == item.gold) == gold)


def _lengths(texts: Sequence[str]) -> dict[str, float]:
    lengths = [len(text) for text in texts]
    return {
        "min": min(lengths),
        "median": statistics.median(lengths),
        "mean": round(statistics.fmean(lengths), 1),
        "max": max(lengths),
    }


def _reuse(items: Sequence[Item]) -> dict[str, int]:
    counts = Counter(option.recipe_id for item in items for option in item.options)
    golds = {item.gold for item in items}
    distractors = {o.recipe_id for item in items for o in item.options if o.recipe_id != item.gold}
    return {
        "options": counts.total(),
        "distinct": len(counts),
        "in_two_or_more_items": sum(n > 1 for n in counts.values()),
        "gold_here_distractor_elsewhere": len(golds & distractors),
    }
