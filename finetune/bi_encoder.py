"""Make training examples for embedding models, and compute the training loss."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch.nn import functional

from finetune.aspects import load_aspects
from finetune.base import Base
from finetune.embedding_files import Embedding, write_embedding_files
from finetune.encoders import OptionsExample, OptionTraining, Tokens
from finetune.recipe import Recipe
from recipe_mpr_task.item import N_OPTIONS, Item
from recipe_mpr_task.models.batching import batches_by_length
from recipe_mpr_task.models.bi_encoder import pooled
from recipe_mpr_task.models.negation import negated_part
from recipe_mpr_task.orders import DisplayedItem


class BiEncoderTraining(OptionTraining):
    """Train embedding models by multiple negatives ranking (Henderson et al., arXiv 1705.00652).

    The score of a query and an option is their cosine similarity, divided by the temperature. For each query, the loss
    compares the gold option with all other options in the batch. A batch holds all items that one process trains on in
    an optimizer step. The four distractors of the query's item are hard negatives. An option of another item is
    excluded if it is the same recipe as the query's gold option.

    Args:
        recipe: the run's settings.
        tokenizer: the base model's tokenizer.
        embedding: the base model's pooling and text prompts.
        aspects: annotated parts of the training queries, by item id; None if the loss does not use them.
    """

    whole_step: ClassVar[bool] = True

    def __init__(
        self,
        recipe: Recipe,
        tokenizer: Any,
        embedding: Embedding,
        aspects: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(recipe, tokenizer)
        self.embedding, self.aspects = embedding, dict(aspects or {})

    @classmethod
    def for_run(cls, recipe: Recipe, tokenizer: Any, base: Base, train: Sequence[Item]) -> Self:
        """Return the objective of a run, with the training items' aspects if the recipe uses aspects."""
        return cls(recipe, tokenizer, Embedding.of(base), load_aspects(train) if recipe.aspects else None)

    def save(self, folder: Path) -> None:
        """Write the tokenizer, and the files that declare pooling, prompts and negation."""
        write_embedding_files(self.embedding.checkpoint, folder, self.recipe.negation)
        super().save(folder)

    def encode(self, shown: Sequence[DisplayedItem]) -> list[OptionsExample]:
        """Return one example for each displayed item, with its aspects and negated phrase if the recipe uses them.

        Raises:
            RecipeError: a query or an option, with its prompt, has more than max_length tokens.
        """
        queries = {item.item.item_id: item.item.query for item in shown}
        return [
            replace(
                example,
                aspects=self.encode_queries(self.aspects.get(example.item_id, ())),
                negated=next(iter(self.encode_queries(self._negated(queries[example.item_id]))), None),
            )
            for example in super().encode(shown)
        ]

    def _negated(self, query: str) -> Sequence[str]:
        part = negated_part(query) if self.recipe.negation else ""
        return [part] if part else []

    def encode_queries(self, texts: Sequence[str]) -> tuple[Tokens, ...]:
        """Return the tokens of each text. The model's query prompt is put before each text."""
        if not texts:
            return ()
        encoded = self.tokenizer([self.embedding.query_prompt + text for text in texts])
        return tuple({key: encoded[key][k] for key in encoded} for k in range(len(texts)))

    def _tokenize(self, query: str, options: list[str]) -> Any:
        before_option = self.embedding.option_prompt
        return self.tokenizer([self.embedding.query_prompt + query, *(before_option + option for option in options)])

    def embed(self, model: Any, texts: Sequence[Tokens], device: torch.device) -> torch.Tensor:
        """Return one embedding with L2 norm 1 for each text, shape (texts, hidden size), float32."""
        lengths = [len(text["input_ids"]) for text in texts]
        groups = [list(range(len(texts)))]
        if self.recipe.pad_to == "batch":
            # Group texts of similar length to save padding, because queries and options differ much in length.
            groups = list(batches_by_length(lengths, self.recipe.max_batch_tokens))
        vectors = [self._pool(model, [texts[i] for i in group], device) for group in groups]
        places = torch.tensor([i for group in groups for i in group], device=device)
        return functional.normalize(torch.cat(vectors)[places.argsort()].float(), dim=1)

    def _pool(self, model: Any, texts: Sequence[Tokens], device: torch.device) -> torch.Tensor:
        padded = self.padded(texts, device)
        return pooled(model(**padded).last_hidden_state, padded["attention_mask"], self.embedding.pooling)

    def loss_sum(self, model: Any, batch: Sequence[OptionsExample], device: torch.device) -> torch.Tensor:
        """Return the loss of a batch in nats, a scalar.

        For each query, compute the cross-entropy of its gold option among all options of the batch. Sum over queries.
        If the batch has aspects, compute the same cross-entropy with each aspect as the query, and take the mean over
        all aspects. Add recipe.aspects x batch size x this mean. An aspect is not compared with the distractors of its
        own item, because a distractor may also satisfy the aspect.
        """
        n_texts = len(batch) * (1 + N_OPTIONS)
        of_aspect = [i for i, example in enumerate(batch) for _ in example.aspects]
        texts = [text for example in batch for text in example.texts]
        unit = self.embed(model, texts + [text for example in batch for text in example.aspects], device)
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
        """Return the cosine similarity of the query and each option, divided by the temperature.

        If the query has a negated phrase, subtract recipe.negation x cos(negated phrase, option) before the division,
        as in evaluation. The training loss does not subtract this term.

        Returns:
            Scores of shape (batch, 5), float32.
        """
        texts = [text for example in batch for text in example.texts]
        negated = {i: example.negated for i, example in enumerate(batch) if example.negated}
        unit = self.embed(model, [*texts, *negated.values()], device)
        items = unit[: len(texts)].view(len(batch), 1 + N_OPTIONS, -1)
        queries = items[:, 0].clone()
        queries[list(negated)] -= self.recipe.negation * unit[len(texts) :]
        return torch.einsum("bh,boh->bo", queries, items[:, 1:]) / self.recipe.temperature
