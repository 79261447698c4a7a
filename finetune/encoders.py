"""Make training examples for encoders that score each option separately, and compute the training loss.

An encoder does not see the order of the options. The order only sets the index of the gold option.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch.nn import functional

from finetune.base import Base
from finetune.objective import Objective
from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task.item import N_OPTIONS, Item
from recipe_mpr_task.orders import DisplayedItem

Tokens = dict[str, list[int]]
"""The tokenizer's output for one text, such as {"input_ids": [101, 102], "attention_mask": [1, 1]}."""


@dataclass(frozen=True)
class OptionsExample:
    """The tokens of one item.

    Attributes:
        item_id: the item's id.
        texts: five (query, option) pairs. For a bi-encoder, six texts: the query and then the five options.
        gold: index of the gold option, 0..4.
        option_ids: recipe ids of the five options, in the order of the options in `texts`.
        aspects: the annotated parts of a training item's query, if `recipe.aspects` is above 0. Otherwise empty.
        negated: the phrase that the query negates. None if there is no phrase, or if `recipe.negation` is 0.
    """

    item_id: str
    texts: tuple[Tokens, ...]
    gold: int
    option_ids: tuple[str, ...]
    aspects: tuple[Tokens, ...] = ()
    negated: Tokens | None = None

    @property
    def longest(self) -> int:
        """Number of tokens in the longest of `texts`."""
        return max(len(text["input_ids"]) for text in self.texts)

    @property
    def n_tokens(self) -> int:
        """Number of tokens in `texts` and `aspects` together, without padding."""
        return sum(len(text["input_ids"]) for text in (*self.texts, *self.aspects))


class OptionTraining(Objective[OptionsExample]):
    """Base class of objectives for encoders. It checks text lengths, pads, and computes the loss over five options.

    Args:
        recipe: the run's settings.
        tokenizer: the base model's tokenizer.
    """

    def __init__(self, recipe: Recipe, tokenizer: Any) -> None:
        self.recipe, self.tokenizer = recipe, tokenizer

    @classmethod
    def for_run(cls, recipe: Recipe, tokenizer: Any, base: Base, train: Sequence[Item]) -> Self:
        """Return the objective of a run. `base` and `train` are not used."""
        return cls(recipe, tokenizer)

    def encode(self, shown: Sequence[DisplayedItem]) -> list[OptionsExample]:
        """Return one example for each displayed item.

        Raises:
            RecipeError: a (query, option) pair has more than max_length tokens.
        """
        examples = []
        for item in shown:
            encoded = self._tokenize(item.item.query, [option.text for option in item.options])
            texts = tuple({key: encoded[key][k] for key in encoded} for k in range(len(encoded["input_ids"])))
            ids = tuple(option.recipe_id for option in item.options)
            example = OptionsExample(item.item.item_id, texts, item.gold, ids)
            if example.longest > self.recipe.max_length:
                raise RecipeError(
                    f"{example.item_id} has {example.longest} tokens, but max_length is {self.recipe.max_length}; "
                    "raise max_length"
                )
            examples.append(example)
        return examples

    def _tokenize(self, query: str, options: list[str]) -> Any:
        return self.tokenizer([query] * N_OPTIONS, options)

    def width(self, example: OptionsExample) -> int:
        """Return the number of tokens, including padding, in a batch that holds only this example."""
        longest = self.recipe.max_length if self.recipe.pad_to == "max_length" else example.longest
        return len(example.texts) * longest

    def n_targets(self, example: OptionsExample) -> int:
        """Return 1, because each item adds one term to the loss."""
        return 1

    def loss_sum(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return the loss of a batch in nats, a scalar.

        For each item, compute the cross-entropy of the gold option among the item's five options. Use the recipe's
        label smoothing. Sum over the items.
        """
        golds = torch.tensor([example.gold for example in batch], device=device)
        scores = self.option_scores(model, batch, device)
        return functional.cross_entropy(scores, golds, reduction="sum", label_smoothing=self.recipe.label_smoothing)

    def padded(self, texts: Sequence[Tokens], device: torch.device) -> dict[str, torch.Tensor]:
        """Return the texts as one padded batch; each tensor has shape (texts, tokens)."""
        to_constant = self.recipe.pad_to == "max_length"
        how = {"padding": "max_length", "max_length": self.recipe.max_length} if to_constant else {}
        return dict(self.tokenizer.pad(list(texts), return_tensors="pt", **how).to(device))

    def padded_pairs(self, batch: Sequence[OptionsExample], device: torch.device) -> dict[str, torch.Tensor]:
        """Return the pairs of all examples as one padded batch; each tensor has shape (5 x batch, tokens)."""
        return self.padded([text for example in batch for text in example.texts], device)


class MultipleChoiceTraining(OptionTraining):
    """Train `...ForMultipleChoice` models."""

    def option_scores(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return one logit for each option, shape (batch, 5), float32."""
        padded = {k: v.view(len(batch), N_OPTIONS, -1) for k, v in self.padded_pairs(batch, device).items()}
        logits: torch.Tensor = model(**padded).logits.float()
        return logits


class CrossEncoderTraining(OptionTraining):
    """Train `...ForSequenceClassification` models that return one logit for each (query, option) pair.

    The loss compares the five logits of an item.
    """

    def option_scores(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return one logit for each option, shape (batch, 5), float32."""
        logits: torch.Tensor = model(**self.padded_pairs(batch, device)).logits.float()
        return logits.view(len(batch), N_OPTIONS)
