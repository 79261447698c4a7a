"""Select an item's few-shot examples (shots) by a hash of seed and item.

The samplers in `shots.py` call this module. The leaderboard uses this module to check the shots in logged samples.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.splits import fold_of, part_of, scored_ids

Record = dict[str, Any]
"""A task's document. This module reads only `item_id`, `option_ids`, `gold` and `gold_letter`."""


def even_letters(pool: Sequence[Record], n: int, item: Record, seed: Any) -> list[Record]:
    """Return `n` shots for an item. The shots' gold letters are spread as evenly as the pool allows.

    Args:
        pool: at least `n` candidate shots, in any order.
        n: number of shots.
        item: the scored item.
        seed: lm-eval's few-shot seed.
    """
    by_letter: dict[str, list[Record]] = defaultdict(list)
    for shot in sorted(pool, key=lambda shot: _draw(seed, item, shot["item_id"]), reverse=True):
        by_letter[shot["gold_letter"]].append(shot)
    letters = sorted(by_letter, key=lambda letter: _draw(seed, item, letter))
    chosen: list[Record] = []
    while len(chosen) < n:
        for letter in letters:
            if by_letter[letter] and len(chosen) < n:
                chosen.append(by_letter[letter].pop())
    # Shuffle the shots. The loop above takes the gold letters in turn, and a model could copy this pattern.
    return sorted(chosen, key=lambda shot: _draw(seed, item, "position:" + shot["item_id"]))


def may_show(split: str, shot_id: str, item_id: str) -> bool:
    """Return whether the split allows an item as a shot for the scored item.

    For the split `published`, a shot must be in the training part and differ from the scored item. For any other split,
    shot and scored item must be in different CV folds.

    Args:
        split: one of `splits.SPLITS`.
        shot_id: id of the item to show as a shot.
        item_id: id of the scored item.
    """
    if split == "published":
        return part_of(shot_id) == "train" and shot_id != item_id
    return fold_of(shot_id) != fold_of(item_id)


def are_related(shot: Record, item: Record) -> bool:
    """Return whether the gold recipe of shot or item is an option of the other. A related shot hints at the answer."""
    return _gold_id(item) in shot["option_ids"] or _gold_id(shot) in item["option_ids"]


def _gold_id(record: Record) -> str:
    gold_id: str = record["option_ids"][record["gold"]]
    return gold_id


def _draw(seed: Any, item: Record, key: str) -> str:
    return hashlib.sha256(f"{seed}:{item['item_id']}:{key}".encode()).hexdigest()


def shot_pool(split: str) -> frozenset[str]:
    """Return the ids of all items that can be shots in a split, one of `splits.SPLITS`."""
    ids = scored_ids("sample" if split == "sample" else "all")
    return frozenset(i for i in ids if part_of(i) == "train") if split == "published" else ids


@lru_cache(maxsize=16)
def drawn_shots(split: str, order: str, n: int, seed: int) -> Mapping[str, Sequence[str]]:
    """Return the shots that the samplers in `shots.py` draw for each scored item.

    Args:
        split: one of `splits.SPLITS`.
        order: order of the options, one of `orders.ORDERS`.
        n: number of shots per item.
        seed: lm-eval's few-shot seed.

    Returns:
        Item id to the ids of the item's shots, in the order shown. If an item has fewer than `n` candidates, its list
        is empty.
    """
    ids = sorted(scored_ids("sample" if split == "sample" else "all"))
    records = {item_id: _record(item_id, order) for item_id in ids}
    drawn = {}
    for item_id in scored_ids(split):
        item = records[item_id]
        pool = [shot for i, shot in records.items() if may_show(split, i, item_id) and not are_related(shot, item)]
        drawn[item_id] = [s["item_id"] for s in even_letters(pool, n, item, seed)] if n <= len(pool) else []
    return drawn


def _record(item_id: str, order: str) -> Record:
    pinned = pinned_items()[item_id]
    shown = pinned.shown_ids(order)
    gold = shown.index(pinned.gold)
    return {"item_id": item_id, "option_ids": shown, "gold": gold, "gold_letter": LETTERS[gold]}
