"""Define `Objective`, the interface between the trainer and a head.

A head is one way to score options with a model. An objective turns items into examples. It also computes the loss and
the option scores of a batch. `heads.HEADS` holds the name of each head's objective class, and `objective_for` imports
the class.
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
    """Interface of a tokenized item."""

    @property
    def item_id(self) -> str:
        """The item's id."""

    @property
    def gold(self) -> int:
        """Index of the gold option, 0..4."""

    @property
    def n_tokens(self) -> int:
        """Number of tokens that training reads for this item, without padding."""


E = TypeVar("E", bound=Example)


class Objective(Protocol[E]):
    """Interface of an objective: encode items, and compute the loss and the option scores of a batch.

    Attributes:
        recipe: the run's settings.
        tokenizer: the base model's tokenizer.
    """

    recipe: Recipe
    tokenizer: Any

    whole_step: ClassVar[bool] = False
    """Whether an item's loss depends on the other items in the forward pass.

    If so, each process computes its items of an optimizer step in one forward pass.
    """

    @classmethod
    @abstractmethod
    def for_run(cls, recipe: Recipe, tokenizer: Any, base: Base, train: Sequence[Item]) -> Self:
        """Return the objective of a run.

        Args:
            recipe: the run's settings.
            tokenizer: the base model's tokenizer.
            base: the base model.
            train: the training items. The objective may read annotations of these items only.
        """

    @abstractmethod
    def encode(self, shown: Sequence[DisplayedItem]) -> list[E]:
        """Return one example for each displayed item.

        Raises:
            RecipeError: an item is longer than the recipe's max_length.
        """

    @abstractmethod
    def width(self, example: E) -> int:
        """Return the number of tokens, including padding, in a batch that holds only this example."""

    @abstractmethod
    def n_targets(self, example: E) -> int:
        """Return the number of terms that the example adds to the loss."""

    @abstractmethod
    def loss_sum(self, model: Any, batch: Sequence[E], device: torch.device) -> torch.Tensor:
        """Return the batch's summed loss in nats, a scalar. Each example adds `n_targets` terms to the sum."""

    @abstractmethod
    def option_scores(self, model: Any, batch: Sequence[E], device: torch.device) -> torch.Tensor:
        """Return the scores of the five options, shape (batch, 5), float32, computed as in evaluation."""

    def save(self, folder: Path) -> None:
        """Write the files that evaluation needs besides the weights: the tokenizer, and the head's own files if any."""
        self.tokenizer.save_pretrained(folder)


def objective_for(recipe: Recipe, base: Base, train: Sequence[Item]) -> Objective[Any]:
    """Return the objective of the recipe's head, with the base model's tokenizer.

    Args:
        recipe: the run's settings.
        base: the base model.
        train: the training items.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base.location, revision=base.revision)
    kind: type[Objective[Any]] = resolve(str(HEADS[recipe.head].objective))
    return kind.for_run(recipe, tokenizer, base, train)
