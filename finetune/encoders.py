"""Items to training examples and losses for encoders that score each option by itself.

The order of the options is no part of what an encoder sees; it only names which of the five is gold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn import functional

from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.models.batching import batches_by_length
from recipe_mpr_task.models.bi_encoder import pooled
from recipe_mpr_task.models.negation import negated_part
from recipe_mpr_task.orders import DisplayedItem

Tokens = dict[str, list[int]]


@dataclass(frozen=True)
class OptionsExample:
    """One item, tokenized.

    Attributes:
        texts: tokenizer outputs: five (query, option) pairs, or for a bi-encoder the query and then five options.
        gold: index of the right option, 0..4.
        option_ids: recipe ids of the five.
        aspects: tokenizer outputs of the query's annotated parts; of training items only.
        negated: tokenizer output of what the query rules out, if it does and the recipe looks at it.
    """

    item_id: str
    texts: tuple[Tokens, ...]
    gold: int
    option_ids: tuple[str, ...]
    aspects: tuple[Tokens, ...] = ()
    negated: Tokens | None = None

    @property
    def longest(self) -> int:
        """Tokens of the longest text."""
        return max(len(text["input_ids"]) for text in self.texts)


class OptionTraining:
    """What encoder heads share in training: lengths, padding, scores of five options.

    Args:
        recipe: the run.
        tokenizer: the base model's.
        details: what the head needs besides, by name.
    """

    whole_step = False
    """Whether the loss depends on which items share a pass, so that a step must not be split."""

    def __init__(self, recipe: Recipe, tokenizer: Any, **details: Any) -> None:
        self.recipe, self.tokenizer, self.details = recipe, tokenizer, details

    def encode(self, shown: Sequence[DisplayedItem]) -> list[OptionsExample]:
        """Turn displayed items into examples.

        Raises:
            RecipeError: a text is longer than max_length.
        """
        examples = []
        for item in shown:
            encoded = self._tokenize(item.item.query, [option.text for option in item.options])
            texts = tuple({key: encoded[key][k] for key in encoded} for k in range(len(encoded["input_ids"])))
            ids = tuple(option.recipe_id for option in item.options)
            example = OptionsExample(item.item.item_id, texts, item.gold, ids)
            if example.longest > self.recipe.max_length:
                raise RecipeError(
                    f"{example.item_id} is {example.longest} tokens, max_length is {self.recipe.max_length}: raise it"
                )
            examples.append(example)
        return examples

    def _tokenize(self, query: str, options: list[str]) -> Any:
        return self.tokenizer([query] * N_OPTIONS, options)

    def width(self, example: OptionsExample) -> int:
        """Tokens that an example takes in a padded batch, when it is the longest."""
        longest = self.recipe.max_length if self.recipe.pad_to == "max_length" else example.longest
        return len(example.texts) * longest

    def n_targets(self, example: OptionsExample) -> int:
        """Return 1: each item adds one term to the loss."""
        return 1

    def loss_sum(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return the summed five-way cross-entropy of a batch in nats, labels smoothed as the recipe says."""
        golds = torch.tensor([example.gold for example in batch], device=device)
        scores = self.option_scores(model, batch, device)
        return functional.cross_entropy(scores, golds, reduction="sum", label_smoothing=self.recipe.label_smoothing)

    def option_scores(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return the options' scores, shape (batch, 5), float32."""
        raise NotImplementedError

    def _padded(self, texts: Sequence[Tokens], device: torch.device) -> dict[str, torch.Tensor]:
        to_constant = self.recipe.pad_to == "max_length"
        how = {"padding": "max_length", "max_length": self.recipe.max_length} if to_constant else {}
        return dict(self.tokenizer.pad(list(texts), return_tensors="pt", **how).to(device))

    def _pairs(self, batch: Sequence[OptionsExample], device: torch.device) -> dict[str, torch.Tensor]:
        return self._padded([text for example in batch for text in example.texts], device)


class MultipleChoiceTraining(OptionTraining):
    """For `...ForMultipleChoice` models."""

    def option_scores(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return the head's logits, shape (batch, 5), float32."""
        padded = {k: v.view(len(batch), N_OPTIONS, -1) for k, v in self._pairs(batch, device).items()}
        logits: torch.Tensor = model(**padded).logits.float()
        return logits


class CrossEncoderTraining(OptionTraining):
    """For `...ForSequenceClassification` models with one logit: trained over an item's five, as it is scored."""

    def option_scores(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return the head's logits, shape (batch, 5), float32."""
        logits: torch.Tensor = model(**self._pairs(batch, device)).logits.float()
        return logits.view(len(batch), N_OPTIONS)


class BiEncoderTraining(OptionTraining):
    """For embedding models: cosine over temperature, gold against the item's own options and all others of the step.

    Multiple negatives ranking (Henderson et al., arXiv 1705.00652), with the item's four distractors as hard negatives.
    Another item's option that is the same recipe as the gold one is left out: it would be no negative.
    """

    whole_step = True

    def encode(self, shown: Sequence[DisplayedItem]) -> list[OptionsExample]:
        """Turn displayed items into examples; see `OptionTraining.encode`."""
        annotated = self.details.get("aspects", {})
        queries = {item.item.item_id: item.item.query for item in shown}
        return [
            replace(
                example,
                aspects=self._as_queries(annotated.get(example.item_id, ())),
                negated=next(iter(self._as_queries(self._negated(queries[example.item_id]))), None),
            )
            for example in super().encode(shown)
        ]

    def _negated(self, query: str) -> Sequence[str]:
        part = negated_part(query) if self.recipe.negation else ""
        return [part] if part else []

    def _as_queries(self, texts: Sequence[str]) -> tuple[Tokens, ...]:
        if not texts:
            return ()
        encoded = self.tokenizer([self.details["prompts"][0] + text for text in texts])
        return tuple({key: encoded[key][k] for key in encoded} for k in range(len(texts)))

    def _tokenize(self, query: str, options: list[str]) -> Any:
        before_query, before_option = self.details["prompts"]
        return self.tokenizer([before_query + query, *(before_option + option for option in options)])

    def _embed(self, model: Any, texts: Sequence[Tokens], device: torch.device) -> torch.Tensor:
        """Return embeddings of unit length, shape (texts, hidden size), float32."""
        lengths = [len(text["input_ids"]) for text in texts]
        groups = [list(range(len(texts)))]
        if self.recipe.pad_to == "batch":
            # Queries and options differ much in length: each group is padded to its own longest.
            groups = list(batches_by_length(lengths, self.recipe.max_batch_tokens))
        vectors = [self._pool(model, [texts[i] for i in group], device) for group in groups]
        places = torch.tensor([i for group in groups for i in group], device=device)
        return functional.normalize(torch.cat(vectors)[places.argsort()].float(), dim=1)

    def _pool(self, model: Any, texts: Sequence[Tokens], device: torch.device) -> torch.Tensor:
        padded = self._padded(texts, device)
        return pooled(model(**padded).last_hidden_state, padded["attention_mask"], self.details["pooling"])

    def loss_sum(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return the summed cross-entropy of each gold option among all options of the batch.

        With aspects, plus their weight times the items' mean cross-entropy of an aspect's gold option, without the
        item's own distractors: they may well answer a part of the query.
        """
        n_texts = len(batch) * (1 + N_OPTIONS)
        of_aspect = [i for i, example in enumerate(batch) for _ in example.aspects]
        texts = [text for example in batch for text in example.texts]
        unit = self._embed(model, texts + [text for example in batch for text in example.aspects], device)
        items = unit[:n_texts].view(len(batch), 1 + N_OPTIONS, -1)
        options = items[:, 1:].flatten(0, 1)
        targets = torch.tensor([N_OPTIONS * i + example.gold for i, example in enumerate(batch)], device=device)
        ids = [option_id for example in batch for option_id in example.option_ids]
        same = torch.tensor([[other == e.option_ids[e.gold] for other in ids] for e in batch], device=device)
        same[torch.arange(len(batch)), targets] = False
        loss = self._cross_entropy(items[:, 0], options, same, targets).sum()
        if of_aspect:
            owner = torch.tensor(of_aspect, device=device)
            places = torch.arange(len(ids), device=device)
            own = places // N_OPTIONS == owner[:, None]
            own[torch.arange(len(owner)), targets[owner]] = False
            losses = self._cross_entropy(unit[n_texts:], options, same[owner] | own, targets[owner])
            loss = loss + self.recipe.aspects * losses.mean() * len(batch)
        return loss

    def _cross_entropy(
        self, queries: torch.Tensor, options: torch.Tensor, left_out: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        scores = queries @ options.T / self.recipe.temperature
        return functional.cross_entropy(scores.masked_fill(left_out, -torch.inf), targets, reduction="none")

    def option_scores(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return similarities over temperature, shape (batch, 5), float32, as `models.bi_encoder` scores them.

        What a query rules out is taken off in scoring alone, not in the loss.
        """
        texts = [text for example in batch for text in example.texts]
        negated = {i: example.negated for i, example in enumerate(batch) if example.negated}
        unit = self._embed(model, [*texts, *negated.values()], device)
        items = unit[: len(texts)].view(len(batch), 1 + N_OPTIONS, -1)
        queries = items[:, 0].clone()
        queries[list(negated)] -= self.recipe.negation * unit[len(texts) :]
        return torch.einsum("bh,boh->bo", queries, items[:, 1:]) / self.recipe.temperature


TRAINING = {
    "multiple_choice": MultipleChoiceTraining,
    "cross_encoder": CrossEncoderTraining,
    "bi_encoder": BiEncoderTraining,
}
"""How each head is trained; see `recipe_mpr_task.models.encoder.HEADS` for how it is scored."""
