"""Find the set of items that a run was scored on. It is a task's set, or a set that an importer named."""

from collections.abc import Collection, Set
from dataclasses import dataclass
from functools import lru_cache

from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task_specs import held_out_tasks

LEAST_ITEMS = 20
"""Smallest set of items that can be imported."""

MAIN_TASK = "recipe_mpr"
SAMPLE_PREFIX = "sample-"
_SHARE_OF_OURS = 0.5
"""An imported set with at least this share of a task's items is treated as this task with items left out."""


@dataclass(frozen=True)
class ItemSet:
    """A set of items that is not a task. Sets with the same items have the same key, even if their names differ.

    Attributes:
        name: the importer's name of the set.
        key: hash of the item ids, 12 hex digits.
        n: number of items.
    """

    name: str
    key: str
    n: int

    @classmethod
    def of(cls, name: str, ids: Collection[str]) -> "ItemSet":
        """Return the set of these items."""
        return cls(name, sha256_of("\n".join(sorted(set(ids))).encode())[:12], len(set(ids)))

    @property
    def board(self) -> str:
        """Key of the set's board."""
        return f"set-{self.key}"

    @property
    def title(self) -> str:
        """Title of the set's board. The hash distinguishes sets with the same name."""
        return f'Imported set "{self.name}": {self.n} items, named by its importer (items {self.key})'


@lru_cache(maxsize=1)
def _our_sets() -> dict[str, frozenset[str]]:
    """Return the items of each task that predictions can be imported for, smallest set first."""
    sets = {MAIN_TASK: scored_ids("all")} | {task: scored_ids(split) for split, task in held_out_tasks().items()}
    return dict(sorted(sets.items(), key=lambda entry: len(entry[1])))


def task_with(ids: Set[str]) -> str | None:
    """Return the task that scores exactly these items; None if no task does."""
    return next((task for task, own in _our_sets().items() if own == ids), None)


def task_cut_short(ids: Set[str]) -> str | None:
    """Return the smallest task of which these items are at least half, but not all; None if there is no such task."""
    return next((t for t, own in _our_sets().items() if ids < own and len(ids) >= _SHARE_OF_OURS * len(own)), None)


def missing_of(task: str, ids: Set[str]) -> tuple[int, int]:
    """Return (number of the task's items that are not in `ids`, number of the task's items)."""
    own = _our_sets()[task]
    return len(own - ids), len(own)


def base_task(ids: Collection[str]) -> str | None:
    """Return the task with all items of the dataset, or of the sample if `ids` are from the sample; None for a mix."""
    of_sample = {item_id.startswith(SAMPLE_PREFIX) for item_id in ids}
    return None if len(of_sample) > 1 else "recipe_mpr_sample" if True in of_sample else MAIN_TASK
