"""Define the interface of training objectives, through which the trainer uses a head.

An objective turns items into examples and computes the loss and the option scores of a batch. `heads.HEADS` names each
head's class as text; `objective_for` imports it.
"""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

import torch

from finetune.base import Base
from finetune.recipe import Recipe
from recipe_mpr_task.item import Item
from recipe_mpr_task.models.heads import HEADS, resolve
from recipe_mpr_task.orders import DisplayedItem


class Example(Protocol):
    """One item, tokenized."""

    @property
    def item_id(self) -> str:
        """The item's id."""

    @property
    def gold(self) -> int:
        """Index of the gold option, 0..4."""

    @property
    def n_tokens(self) -> int:
        """Number of the item's tokens that training reads, without padding."""


E = TypeVar("E", bound=Example)


class Objective(Protocol[E]):
    """An objective: encodes items, and computes losses and option scores of batches of examples.

    Attributes:
        recipe: the run.
        tokenizer: the base model's.
    """

    recipe: Recipe
    tokenizer: Any

    whole_step: ClassVar[bool] = False
    """Whether the loss depends on which items share a forward pass, so that a step must not be split."""

    @classmethod
    @abstractmethod
    def for_run(cls, recipe: Recipe, tokenizer: Any, base: Base, train: Sequence[Item]) -> Self:
        """Return the objective of a run.

        Args:
            recipe: the run.
            tokenizer: the base model's.
            base: the base model.
            train: the training items, the only ones whose annotations may be read.
        """

    @abstractmethod
    def encode(self, shown: Sequence[DisplayedItem]) -> list[E]:
        """Return one example for each displayed item.

        Raises:
            RecipeError: an item is longer than the recipe's max_length.
        """

    @abstractmethod
    def width(self, example: E) -> int:
        """Return the number of padded tokens of the example in a batch in which it is the longest."""

    @abstractmethod
    def n_targets(self, example: E) -> int:
        """Return the number of terms that the example adds to the loss."""

    @abstractmethod
    def loss_sum(self, model: Any, batch: Sequence[E], device: torch.device) -> torch.Tensor:
        """Return the batch's loss in nats, a scalar: a sum of `n_targets` terms."""

    @abstractmethod
    def option_scores(self, model: Any, batch: Sequence[E], device: torch.device) -> torch.Tensor:
        """Return the scores of the five options, shape (batch, 5), float32, as evaluation computes them."""

    def save(self, folder: Path) -> None:
        """Write the files that evaluation needs beside the weights: the tokenizer, and any files of the head."""
        self.tokenizer.save_pretrained(folder)


def objective_for(recipe: Recipe, base: Base, train: Sequence[Item]) -> Objective[Any]:
    """Return the objective of the recipe's head, with the base model's tokenizer.

    Args:
        recipe: the run.
        base: the base model.
        train: the training items.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base.location, revision=base.revision)
    kind: type[Objective[Any]] = resolve(str(HEADS[recipe.head].objective))
    return kind.for_run(recipe, tokenizer, base, train)
