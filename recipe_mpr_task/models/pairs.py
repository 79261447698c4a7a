"""Heads that read query and option together and give the pair one logit, whatever the other options are."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForMultipleChoice, AutoModelForSequenceClassification

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint
from recipe_mpr_task.models.loading import LoadSettings, load_model, load_tokenizer, max_length_of, run_in_batches


class PairHead:
    """What such heads share: pairs, limits, batches. Each pair is scored alone, so no head can see the order.

    Raises:
        CheckpointError: the checkpoint has no trained head of this kind.
    """

    auto_class: Any

    def __init__(self, checkpoint: Checkpoint, settings: LoadSettings) -> None:
        self.truncated = 0
        self._settings = settings
        self._model = load_model(self.auto_class, checkpoint, settings)
        self._tokenizer = load_tokenizer(checkpoint, settings)
        self._max_length = max_length_of(checkpoint, self._tokenizer, settings)
        self.n_parameters: int = self._model.num_parameters()

    def score(self, questions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        """Return logits, one list a question; the same bit for bit in whatever order options stand."""
        pairs = sorted({(query, option) for query, options in questions for option in options})
        row = {pair: i for i, pair in enumerate(pairs)}
        logits = self.score_pairs(pairs).tolist()
        return [[logits[row[query, option]] for option in options] for query, options in questions]

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> torch.Tensor:
        """Return the head's logits, shape (pairs,). Too long a query is cut, an option never.

        Raises:
            CheckpointError: an option alone is longer than the model allows.
        """
        encoded = self.encode_pairs(pairs)
        encodings = [{key: encoded[key][i] for key in encoded} for i in range(len(pairs))]
        return run_in_batches(encodings, self._tokenizer, self._settings, self._forward, "scoring")

    def encode_pairs(self, pairs: Sequence[tuple[str, str]]) -> Any:
        """Return the tokenizer's output for (query, option) pairs, within the model's length; counts the cut ones.

        Raises:
            CheckpointError: an option alone is longer than the model allows.
        """
        queries, options = (list(side) for side in zip(*pairs, strict=True))
        special = self._tokenizer.num_special_tokens_to_add(pair=True)
        for option, ids in zip(options, self._tokenizer(options, add_special_tokens=False)["input_ids"], strict=True):
            if len(ids) + special >= self._max_length:
                raise CheckpointError(
                    f"option {option[:40]!r} has {len(ids)} tokens; the model allows {self._max_length - special - 1}"
                )
        encoded = self._tokenizer(queries, options)
        if cut := sum(len(ids) > self._max_length for ids in encoded["input_ids"]):
            self.truncated += cut
            encoded = self._tokenizer(queries, options, truncation="only_first", max_length=self._max_length)
        return encoded

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        raise NotImplementedError


class MultipleChoice(PairHead):
    """A checkpoint of a transformers `...ForMultipleChoice` class, head included."""

    auto_class = AutoModelForMultipleChoice

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        # transformers wants (items, choices, tokens); one choice an item keeps pairs independent.
        logits: torch.Tensor = self._model(**{key: value.unsqueeze(1) for key, value in batch.items()}).logits
        return logits.squeeze(1)


class CrossEncoder(PairHead):
    """A checkpoint of a `...ForSequenceClassification` class with one logit, sentence-transformers' folders too."""

    auto_class = AutoModelForSequenceClassification

    def __init__(self, checkpoint: Checkpoint, settings: LoadSettings) -> None:
        # transformers derives the number of labels from their names; two is its default.
        n_labels = len(checkpoint.config.get("id2label") or {0: "", 1: ""})
        if n_labels != 1:
            raise CheckpointError(
                f"{checkpoint.name}: its classification head has {n_labels} labels; a cross-encoder has one logit"
            )
        super().__init__(checkpoint, settings)

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = self._model(**batch).logits
        return logits.squeeze(1)
