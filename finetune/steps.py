"""Divide each epoch's training items into lists, one for each optimizer step.

The lists depend only on the items, the recipe and the epoch. A resumed run therefore has the same steps as an
uninterrupted run.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from finetune.recipe import Recipe
from recipe_mpr_task.item import Item
from recipe_mpr_task.orders import DisplayedItem, display, drawn

E = TypeVar("E")


def shown_in_epoch(items: Sequence[Item], recipe: Recipe, epoch: int) -> list[DisplayedItem]:
    """Return the training items of one epoch, each with the option order of this epoch.

    An item of type Negated appears `recipe.repeat_negated` times.
    """
    if recipe.repeat_negated > 1:
        items = [item for item in items for _ in range(recipe.repeat_negated if "Negated" in item.query_types else 1)]
    if recipe.order == "drawn":
        return list(drawn(items, recipe.seed, epoch))
    return [display(item, recipe.order) for item in items]


def n_steps(recipe: Recipe, items: Sequence[Item]) -> int:
    """Return the number of optimizer steps in the whole run, all epochs together."""
    return math.ceil(len(shown_in_epoch(items, recipe, 0)) / recipe.effective_batch) * recipe.epochs


class EpochSteps(Generic[E]):
    """The data loader of a run. A loop over it yields one epoch: one list of examples for each optimizer step.

    The last list of an epoch may be shorter than the other lists.

    Args:
        items: the training items.
        recipe: the run's settings.
        encode: function that turns displayed items into examples.
    """

    def __init__(
        self, items: Sequence[Item], recipe: Recipe, encode: Callable[[Sequence[DisplayedItem]], list[E]]
    ) -> None:
        self.items, self.recipe, self.encode = items, recipe, encode
        self.dataset = shown_in_epoch(items, recipe, 0)  # only its length is used
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that the next loop over this object yields. Trainer calls this method."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.recipe.effective_batch)

    def __iter__(self) -> Iterator[list[E]]:
        examples = self.encode(shown_in_epoch(self.items, self.recipe, self.epoch))
        random.Random(f"steps:{self.recipe.seed}:{self.epoch}").shuffle(examples)  # noqa: S311 (reproducible)
        size = self.recipe.effective_batch
        for start in range(0, len(examples), size):
            yield examples[start : start + size]
