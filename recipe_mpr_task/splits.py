"""Define the splits: which items a run trains on, which items it holds out and which items it scores.

- `all`: all 500 items are scored.
- `published`: the 400/50/50 split of the published Qwen3-8B LoRA run. The test part is scored.
- `fold0` to `fold4`: the published BERT 5-fold cross-validation. The fold's test part is scored.
- `sample`: the items of the embedded sample are scored.

`splits.json` lists the items of each part and fold, as indices in the dataset file.
`tests/support/derive_tables.py` creates `splits.json`.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import Item

N_FOLDS = 5
FOLDS = tuple(f"fold{k}" for k in range(N_FOLDS))
SPLITS = ("all", "published", *FOLDS, "sample")
TRAINING_SPLITS = ("published", *FOLDS, "sample")
"""Splits with held-out items. Training on a split uses only items that are not held out."""

_PARTS = ("train", "validation", "test")
_VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Parts:
    """The parts of a training split. Each part is a sorted tuple of item ids, and no id is in two parts.

    Attributes:
        train: items to train on.
        validation: items to select a checkpoint by.
        test: held-out items.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, str], dict[str, int]]:
    stored = json.loads((files("recipe_mpr_task") / "splits.json").read_text())
    parts = {f"mpr-{i:03d}": part for part, indices in stored["published"].items() for i in indices}
    folds = {f"mpr-{i:03d}": k for k, indices in enumerate(stored["folds"]) for i in indices}
    return parts, folds


def part_of(item_id: str) -> str:
    """Return an item's part of the published split: train, validation or test; "sample" for an item of the sample."""
    return "sample" if item_id.startswith("sample-") else _tables()[0][item_id]


def fold_of(item_id: str) -> int:
    """Return the number, 0 to 4, of the CV fold whose test part contains the item.

    For an item of the sample, return the item's index modulo 5.
    """
    if item_id.startswith("sample-"):
        return int(item_id.removeprefix("sample-")) % N_FOLDS
    return _tables()[1][item_id]


def scored_ids(split: str) -> frozenset[str]:
    """Return the ids of the items that a run on `split` scores. The dataset file is not needed.

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
    raise RecipeMPRError(f"unknown split {split!r}; allowed: {', '.join(SPLITS)}")


def parts_of(split: str) -> Parts:
    """Divide the dataset of a split into training, validation and test items.

    The split `published` defines all three parts. For `fold0` to `fold4`, the test part is the named fold. For
    `sample`, the test part is fold 0 of the sample. For folds and sample, a hash of split and item id selects 10% of
    the other items for validation. The parts do not depend on the training seed. So runs with different seeds can be
    compared.

    Args:
        split: one of TRAINING_SPLITS.

    Raises:
        RecipeMPRError: `split` is not one of TRAINING_SPLITS.
    """
    if split not in TRAINING_SPLITS:
        raise RecipeMPRError(f"cannot train on split {split!r}; allowed: {', '.join(TRAINING_SPLITS)}")
    if split == "published":
        by_part = {name: tuple(sorted(i for i, p in _tables()[0].items() if p == name)) for name in _PARTS}
        return Parts(**by_part)
    ids = sorted(scored_ids("sample" if split == "sample" else "all"))
    held_out = 0 if split == "sample" else int(split.removeprefix("fold"))
    test = tuple(i for i in ids if fold_of(i) == held_out)
    rest = sorted((i for i in ids if fold_of(i) != held_out), key=lambda i: _hash(split, i))
    n_validation = round(_VALIDATION_SHARE * len(rest))
    return Parts(tuple(sorted(rest[n_validation:])), tuple(sorted(rest[:n_validation])), test)


def _hash(split: str, item_id: str) -> str:
    return hashlib.sha256(f"validation:{split}:{item_id}".encode()).hexdigest()


def items_of(split: str) -> tuple[Item, ...]:
    """Return all items of the dataset that a split uses: the sample for `sample`, else all 500 items."""
    return load_sample() if split == "sample" else load_items()
