"""The splits of published work, stored as data: who is trained on, who is held out.

`splits.json` holds dataset indices; `tests/derive_tables.py` re-derives it. `all` is every item,
`published` the 400/50/50 split of the published Qwen3-8B LoRA run (its test part is scored),
`fold0`..`fold4` the test parts of the published BERT 5-fold cross-validation.
"""

import json
from functools import lru_cache
from importlib.resources import files

from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import Item

N_FOLDS = 5
SPLITS = ("all", "published", *(f"fold{k}" for k in range(N_FOLDS)), "sample")


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, str], dict[str, int]]:
    stored = json.loads((files("recipe_mpr_task") / "splits.json").read_text())
    parts = {f"mpr-{i:03d}": part for part, indices in stored["published"].items() for i in indices}
    folds = {f"mpr-{i:03d}": k for k, indices in enumerate(stored["folds"]) for i in indices}
    return parts, folds


def part_of(item_id: str) -> str:
    """Return the item's part of the published split: train, validation or test ("sample" for the sample)."""
    return "sample" if item_id.startswith("sample-") else _tables()[0][item_id]


def fold_of(item_id: str) -> int:
    """Return the CV fold, 0..4, whose test part holds the item; the sample's is its index modulo 5."""
    if item_id.startswith("sample-"):
        return int(item_id.removeprefix("sample-")) % N_FOLDS
    return _tables()[1][item_id]


def scored_ids(split: str) -> frozenset[str]:
    """Return the ids of the items that a run on `split` must score, all of them and no other.

    Needs no dataset: a result file can be checked where the data is not at hand.

    Raises:
        RecipeMPRError: `split` is not one of SPLITS.
    """
    parts, folds = _tables()
    if split == "all":
        return frozenset(parts)
    if split == "published":
        return frozenset(i for i, part in parts.items() if part == "test")
    if split == "sample":
        return frozenset(item.item_id for item in load_sample())
    if split in SPLITS:
        return frozenset(i for i, k in folds.items() if k == int(split.removeprefix("fold")))
    raise RecipeMPRError(f"split {split!r}; allowed: {', '.join(SPLITS)}")


def items_of(split: str) -> tuple[Item, ...]:
    """Return the whole dataset that `split` is a split of: what is scored and what shots come from."""
    return load_sample() if split == "sample" else load_items()
