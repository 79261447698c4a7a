"""Select an item's shots by a hash of seed and item, for lm-eval's sampler and to check its logs."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

Record = dict[str, Any]
"""A task's document; only item_id, option_ids, gold and gold_letter are read."""


def even_letters(pool: Sequence[Record], n: int, item: Record, seed: Any) -> list[Record]:
    """Return `n` shots for an item, their gold letters as even as the pool allows.

    Args:
        pool: at least `n` candidates, in any order.
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
    # Shuffled again: taken in turns, the letters would follow a pattern.
    return sorted(chosen, key=lambda shot: _draw(seed, item, "position:" + shot["item_id"]))


def are_related(shot: Record, item: Record) -> bool:
    """Return whether one's gold recipe is among the other's options, so that the shot would hint at the answer."""
    return _gold_id(item) in shot["option_ids"] or _gold_id(shot) in item["option_ids"]


def _gold_id(record: Record) -> str:
    gold_id: str = record["option_ids"][record["gold"]]
    return gold_id


def _draw(seed: Any, item: Record, key: str) -> str:
    return hashlib.sha256(f"{seed}:{item['item_id']}:{key}".encode()).hexdigest()
