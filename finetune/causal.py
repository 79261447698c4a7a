"""Items to training examples and losses for causal models that answer by letter.

The prompt is `prompts.render`'s and the answer is " A" to " E", as lm-eval scores it on raw prompts:
what is trained is what is evaluated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task import prompts
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import DisplayedItem
from recipe_mpr_task.task import record_of

_IGNORED = -100


@dataclass(frozen=True)
class Example:
    """One item as token ids.

    Attributes:
        input_ids: the prompt.
        answer: the gold letter's token.
        gold: its index, 0..4.
    """

    item_id: str
    input_ids: tuple[int, ...]
    answer: int
    gold: int

    @property
    def length(self) -> int:
        """Tokens of prompt and answer."""
        return len(self.input_ids) + 1


class LetterTraining:
    """Encodes items, and computes losses and scores of batches of them.

    Args:
        recipe: names prompt, loss and padding.
        tokenizer: the base model's.

    Raises:
        RecipeError: the tokenizer splits the letters.
    """

    def __init__(self, recipe: Recipe, tokenizer: Any) -> None:
        self.recipe, self.tokenizer = recipe, tokenizer
        # Never eos: a model that learns to ignore it never stops.
        self.pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.unk_token_id
        self.letters = self._letter_tokens()

    def _letter_tokens(self) -> list[int]:
        wholes = [self.tokenizer("Answer: " + letter)["input_ids"] for letter in LETTERS]
        prompt = self.tokenizer("Answer:")["input_ids"]
        if any(whole[:-1] != prompt for whole in wholes):
            raise RecipeError(f'this tokenizer does not write " A" to " E" as one token each: {wholes}')
        return [whole[-1] for whole in wholes]

    def encode(self, shown: Sequence[DisplayedItem]) -> list[Example]:
        """Turn displayed items into examples.

        Raises:
            RecipeError: an item is longer than max_length; cutting it would train on half a question.
        """
        texts = [f"{prompts.render(self.recipe.prompt, record_of(s))} {s.gold_letter}" for s in shown]
        encoded = self.tokenizer(texts)["input_ids"]
        examples = []
        for item, ids in zip(shown, encoded, strict=True):
            if len(ids) > self.recipe.max_length:
                raise RecipeError(
                    f"{item.item.item_id} is {len(ids)} tokens, max_length is {self.recipe.max_length}: raise it"
                )
            if ids[-1] != self.letters[item.gold]:
                raise RecipeError(f"prompt {self.recipe.prompt}: this tokenizer merges the answer into the prompt")
            examples.append(Example(item.item.item_id, tuple(ids[:-1]), ids[-1], item.gold))
        return examples

    def width(self, example: Example) -> int:
        """Tokens that an example takes in a padded batch, when it is the longest."""
        return self.recipe.max_length if self.recipe.pad_to == "max_length" else example.length

    def n_targets(self, example: Example) -> int:
        """Number of terms that an example adds to the loss."""
        return 1 if self.recipe.loss == "answer" else example.length - 1

    def loss_sum(self, model: Any, batch: Sequence[Example], device: torch.device) -> torch.Tensor:
        """Return the summed cross-entropy of a batch in nats, a scalar; its terms are counted by `n_targets`."""
        if self.recipe.loss == "answer":
            logits = self._answer_logits(model, batch, device)
            answers = torch.tensor([example.answer for example in batch], device=device)
            return functional.cross_entropy(logits, answers, reduction="sum")
        return self._text_loss(model, batch, device)

    def option_scores(self, model: Any, batch: Sequence[Example], device: torch.device) -> torch.Tensor:
        """Return the five letters' logits at the answer, shape (batch, 5), float32."""
        return self._answer_logits(model, batch, device)[:, self.letters]

    def _answer_logits(self, model: Any, batch: Sequence[Example], device: torch.device) -> torch.Tensor:
        """Logits over the vocabulary where the answer is predicted, (batch, vocabulary), float32.

        Padded on the left, every answer stands last: the output head then sees one position an item.
        """
        width = max(len(example.input_ids) for example in batch)
        ids = torch.tensor([[self.pad] * (width - len(e.input_ids)) + list(e.input_ids) for e in batch])
        mask = torch.tensor([[0] * (width - len(e.input_ids)) + [1] * len(e.input_ids) for e in batch])
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        output = model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            logits_to_keep=1,
            use_cache=False,
        )
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits

    def _text_loss(self, model: Any, batch: Sequence[Example], device: torch.device) -> torch.Tensor:
        """The usual loss over every token, through logits of the whole padded batch."""
        width = self.recipe.max_length if self.recipe.pad_to == "max_length" else max(e.length for e in batch)
        texts = [[*e.input_ids, e.answer] for e in batch]
        ids = torch.tensor([text + [self.pad] * (width - len(text)) for text in texts])
        mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts])
        labels = ids.masked_fill(mask == 0, _IGNORED)[:, 1:].to(device)
        output = model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)
        logits = output.logits[:, :-1].float()
        return functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=_IGNORED, reduction="sum"
        )
