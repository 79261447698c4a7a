"""Make training examples for causal models that answer with a letter, and compute the training loss.

`prompts.render` writes the prompt, and the answer is one of " A" to " E". lm-eval scores the same tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch.nn import functional

from finetune.base import Base
from finetune.objective import Objective
from finetune.packing import attention_of, check_isolation, ends_of, packed_inputs
from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task import prompts
from recipe_mpr_task.item import LETTERS, Item
from recipe_mpr_task.orders import DisplayedItem
from recipe_mpr_task.task import record_of

_IGNORED = -100


@dataclass(frozen=True)
class LetterExample:
    """The token ids of one item.

    Attributes:
        item_id: the item's id.
        input_ids: token ids of the prompt.
        answer: token id of the gold letter.
        gold: index of the gold letter, 0..4.
    """

    item_id: str
    input_ids: tuple[int, ...]
    answer: int
    gold: int

    @property
    def n_tokens(self) -> int:
        """Number of tokens in the prompt and the answer together."""
        return len(self.input_ids) + 1


class LetterTraining(Objective[LetterExample]):
    """Train a causal model to answer with the gold letter.

    Args:
        recipe: the run's settings.
        tokenizer: the base model's tokenizer.

    Raises:
        RecipeError: the tokenizer does not encode each of " A" to " E" as one token.
    """

    def __init__(self, recipe: Recipe, tokenizer: Any) -> None:
        self.recipe, self.tokenizer = recipe, tokenizer
        # Do not pad with eos, because a model that learns to ignore eos never stops generating.
        self.pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.unk_token_id
        self.letters = self._letter_tokens()
        self._is_isolated = False

    @classmethod
    def for_run(cls, recipe: Recipe, tokenizer: Any, base: Base, train: Sequence[Item]) -> Self:
        """Return the objective of a run. `base` and `train` are not used."""
        return cls(recipe, tokenizer)

    def _letter_tokens(self) -> list[int]:
        wholes = [self.tokenizer("Answer: " + letter)["input_ids"] for letter in LETTERS]
        prompt = self.tokenizer("Answer:")["input_ids"]
        if any(whole[:-1] != prompt for whole in wholes):
            raise RecipeError(
                f'model={self.recipe.model}: the tokenizer does not encode " A" to " E" as one token each '
                f"(token ids {wholes}); choose another model"
            )
        return [whole[-1] for whole in wholes]

    def encode(self, shown: Sequence[DisplayedItem]) -> list[LetterExample]:
        """Return one example for each displayed item.

        Raises:
            RecipeError: an item has more tokens than max_length (items are never cut), or the tokenizer merges the
                answer into the prompt.
        """
        texts = [f"{prompts.render(self.recipe.prompt, record_of(s))} {s.gold_letter}" for s in shown]
        encoded = self.tokenizer(texts)["input_ids"]
        examples = []
        for item, ids in zip(shown, encoded, strict=True):
            if len(ids) > self.recipe.max_length:
                raise RecipeError(
                    f"{item.item.item_id} has {len(ids)} tokens, but max_length is {self.recipe.max_length}; "
                    "raise max_length"
                )
            if ids[-1] != self.letters[item.gold]:
                raise RecipeError(
                    f"prompt={self.recipe.prompt}: the tokenizer of model={self.recipe.model} merges the answer into "
                    "the prompt; choose another prompt or model"
                )
            examples.append(LetterExample(item.item.item_id, tuple(ids[:-1]), ids[-1], item.gold))
        return examples

    def width(self, example: LetterExample) -> int:
        """Return the number of tokens, including padding, in a batch that holds only this example."""
        return self.recipe.max_length if self.recipe.pad_to == "max_length" else example.n_tokens

    def n_targets(self, example: LetterExample) -> int:
        """Return the number of predicted tokens: 1 with loss=answer, `example.n_tokens - 1` with loss=text."""
        return 1 if self.recipe.loss == "answer" else example.n_tokens - 1

    def loss_sum(self, model: Any, batch: Sequence[LetterExample], device: torch.device) -> torch.Tensor:
        """Return the cross-entropy in nats, summed over the predicted tokens of a batch; a scalar."""
        if self.recipe.loss == "answer":
            logits = self._answer_logits(model, batch, device)
            answers = torch.tensor([example.answer for example in batch], device=device)
            return functional.cross_entropy(logits, answers, reduction="sum")
        return self._text_loss(model, batch, device)

    def option_scores(self, model: Any, batch: Sequence[LetterExample], device: torch.device) -> torch.Tensor:
        """Return the logits of the five letters at the answer's position, shape (batch, 5), float32."""
        return self._answer_logits(model, batch, device)[:, self.letters]

    def _answer_logits(self, model: Any, batch: Sequence[LetterExample], device: torch.device) -> torch.Tensor:
        """Return the logits that predict the answer, shape (batch, vocabulary), float32.

        Prompts are padded on the left, so that all prompts end at the last position. The output head computes logits
        only at this position. With packing, it computes logits only at the last position of each prompt in the row.
        """
        if self.recipe.packing:
            texts = [example.input_ids for example in batch]
            inputs = self._packed(model, texts, device) | {"logits_to_keep": ends_of(texts, device)}
            answers: torch.Tensor = model(**inputs, use_cache=False).logits[0].float()
            return answers
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

    def _text_loss(self, model: Any, batch: Sequence[LetterExample], device: torch.device) -> torch.Tensor:
        """Return the cross-entropy in nats, summed over all predicted tokens of prompts and answers; a scalar."""
        texts = [[*e.input_ids, e.answer] for e in batch]
        if self.recipe.packing:
            logits = model(**self._packed(model, texts, device), use_cache=False).logits[0].float()
            next_tokens = [token for text in texts for token in (*text[1:], _IGNORED)]
            return functional.cross_entropy(
                logits, torch.tensor(next_tokens, device=device), ignore_index=_IGNORED, reduction="sum"
            )
        width = self.recipe.max_length if self.recipe.pad_to == "max_length" else max(map(len, texts))
        ids = torch.tensor([text + [self.pad] * (width - len(text)) for text in texts])
        mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts])
        labels = ids.masked_fill(mask == 0, _IGNORED)[:, 1:].to(device)
        output = model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)
        logits = output.logits[:, :-1].float()
        return functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=_IGNORED, reduction="sum"
        )

    def _packed(self, model: Any, texts: Sequence[Sequence[int]], device: torch.device) -> dict[str, Any]:
        """Return the inputs for one row of texts. The first call checks that packed texts do not affect each other."""
        if not self._is_isolated:
            check_isolation(model, texts[0], device)
            self._is_isolated = True
        return packed_inputs(texts, attention_of(model), device)
