"""Derive the tables that the package stores: splits and option orders. Tests compare the stored tables with these.

    python tests/support/derive_tables.py        # rewrites recipe_mpr_task/{splits,pinned}.json

A changed order in pinned.json changes the scores. Raise the task version with every such change.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets import Dataset
from sklearn.model_selection import KFold

from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.item import N_OPTIONS, UNTYPED, Item

PACKAGE = Path(__file__).parents[2] / "recipe_mpr_task"
SEED = 20251211


def published_parts(n: int = 500) -> dict[str, list[int]]:
    """Return the item indices of the published Qwen3-8B LoRA run's 400/50/50 split, by the published procedure."""
    rows = Dataset.from_dict({"index": list(range(n))}).shuffle(seed=42)
    first = rows.train_test_split(test_size=0.2, seed=42)
    second = first["test"].train_test_split(test_size=0.5, seed=42)
    return {
        "train": sorted(first["train"]["index"]),
        "validation": sorted(second["train"]["index"]),
        "test": sorted(second["test"]["index"]),
    }


def cv_folds(n: int = 500) -> list[list[int]]:
    """Return the item indices of the five test parts of the published BERT cross-validation."""
    folds = KFold(n_splits=5, shuffle=True, random_state=42).split(list(range(n)))
    return [sorted(int(i) for i in test) for _, test in folds]


def groups_of(items: tuple[Item, ...], index: int, fold: int, part: str) -> Iterator[str]:
    """Yield an item's groups. Within each group, the gold letters are to be evenly distributed."""
    yield "all"
    yield f"fold{fold}"
    yield part
    yield from items[index].query_types or (UNTYPED,)


def even_gold_letters(groups: list[list[str]], rng: random.Random) -> list[int]:
    """Return a gold letter, 0..4, for each item. In every group, the counts of the letters differ by at most one.

    The method is a local search. It starts with even counts within each fold, and swaps the letters of two random
    items. A swap is kept if the sum of the squared counts does not increase. The sum is smallest if all counts are
    even.
    """
    sizes = Counter(g for gs in groups for g in gs)
    floor = sum(
        (size // N_OPTIONS) ** 2 * (N_OPTIONS - size % N_OPTIONS) + (size // N_OPTIONS + 1) ** 2 * (size % N_OPTIONS)
        for size in sizes.values()
    )
    order = sorted(range(len(groups)), key=lambda i: (groups[i][1], rng.random()))
    letters = [0] * len(groups)
    for rank, i in enumerate(order):
        letters[i] = rank % N_OPTIONS
    counts = Counter((g, letters[i]) for i, gs in enumerate(groups) for g in gs)
    cost = sum(v * v for v in counts.values())
    while cost > floor:
        i, j = rng.randrange(len(groups)), rng.randrange(len(groups))
        a, b = letters[i], letters[j]
        if a == b:
            continue
        moves = [(g, a, b) for g in groups[i]] + [(g, b, a) for g in groups[j]]
        before = {(g, x) for g, *xs in moves for x in xs}
        old = sum(counts[k] ** 2 for k in before)
        for g, out, into in moves:
            counts[g, out] -= 1
            counts[g, into] += 1
        change = sum(counts[k] ** 2 for k in before) - old
        # Accept a few increases, so that the search does not stop in a local minimum.
        if change <= 0 or rng.random() < 0.002:
            letters[i], letters[j] = b, a
            cost += change
        else:
            for g, out, into in moves:
                counts[g, out] += 1
                counts[g, into] -= 1
    return letters


def even_distractors(gold_letters: list[int], rng: random.Random) -> list[list[int]]:
    """Return an option order for each item, in which each file slot is at each letter about equally often."""
    orders = []
    for letter in gold_letters:
        slots = list(range(1, N_OPTIONS))
        rng.shuffle(slots)
        slots.insert(letter, 0)
        orders.append(slots)
    counts = Counter((slot, letter) for order in orders for letter, slot in enumerate(order))
    for _ in range(200_000):
        order = orders[rng.randrange(len(orders))]
        i, j = rng.sample([x for x in range(N_OPTIONS) if order[x] != 0], 2)
        a, b = order[i], order[j]
        out, into = [(a, i), (b, j)], [(a, j), (b, i)]
        change = sum(2 * counts[k] + 1 for k in into) - sum(2 * counts[k] - 1 for k in out)
        if change <= 0:
            order[i], order[j] = b, a
            counts.subtract(out)
            counts.update(into)
    return orders


def pinned_table(items: tuple[Item, ...], folds: list[int], parts: list[str]) -> dict[str, dict[str, Any]]:
    """Return each item's pinned data, without texts. In the data, order[k] is the file slot shown at letter k."""
    assert all(item.options[0].recipe_id == item.gold for item in items), "gold is file slot 0"
    rng = random.Random(SEED)
    groups = [list(groups_of(items, i, folds[i], parts[i])) for i in range(len(items))]
    orders = even_distractors(even_gold_letters(groups, rng), rng)
    return {
        item.item_id: {
            "digest": item.digest,
            "order": "".join(map(str, order)),
            "option_ids": [option.recipe_id for option in item.options],
            "lengths": [len(option.text) for option in item.options],
            "gold": item.gold,
            "types": item.query_types,
        }
        for item, order in zip(items, orders, strict=True)
    }


def derive() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the contents of splits.json and pinned.json."""
    parts, folds = published_parts(), cv_folds()
    part_of = {i: name for name, indices in parts.items() for i in indices}
    fold_of = {i: k for k, indices in enumerate(folds) for i in indices}
    real, sample = load_items(), load_sample()
    pinned = pinned_table(real, [fold_of[i] for i in range(500)], [part_of[i] for i in range(500)])
    pinned |= pinned_table(sample, [i % 5 for i in range(len(sample))], ["sample"] * len(sample))
    return {"published": parts, "folds": folds}, pinned


def _lines(table: dict[str, Any]) -> str:
    rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table.items())
    return "{\n" + rows + "\n}\n"


if __name__ == "__main__":
    for name, table in zip(("splits", "pinned"), derive(), strict=True):
        write_atomic(PACKAGE / f"{name}.json", _lines(table))
