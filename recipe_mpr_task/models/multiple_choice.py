"""Scores an option by the logit of a trained multiple-choice head on (query, option)."""

from collections.abc import Sequence

import torch
from transformers import AutoModelForMultipleChoice

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint
from recipe_mpr_task.models.loading import LoadSettings, load_model, load_tokenizer, max_length_of, run_in_batches


class MultipleChoice:
    """A checkpoint of a transformers `...ForMultipleChoice` class, head included.

    The head scores each (query, option) pair alone, so it cannot see the order of the options.

    Raises:
        CheckpointError: the checkpoint has no trained head.
    """

    def __init__(self, checkpoint: Checkpoint, settings: LoadSettings) -> None:
        self.truncated = 0
        self._settings = settings
        self._model = load_model(AutoModelForMultipleChoice, checkpoint, settings)
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
        queries, options = zip(*pairs, strict=True)
        special = self._tokenizer.num_special_tokens_to_add(pair=True)
        for option, ids in zip(options, self._tokenizer(options, add_special_tokens=False)["input_ids"], strict=True):
            if len(ids) + special >= self._max_length:
                raise CheckpointError(
                    f"option {option[:40]!r} has {len(ids)} tokens; the model allows {self._max_length - special - 1}"
                )
        full = self._tokenizer(list(queries), list(options))["input_ids"]
        self.truncated += sum(len(ids) > self._max_length for ids in full)
        encoded = self._tokenizer(list(queries), list(options), truncation="only_first", max_length=self._max_length)
        encodings = [{key: encoded[key][i] for key in encoded} for i in range(len(pairs))]
        return run_in_batches(encodings, self._tokenizer, self._settings, self._forward, "scoring")

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        # transformers wants (items, choices, tokens); one choice an item keeps pairs independent.
        logits: torch.Tensor = self._model(**{key: value.unsqueeze(1) for key, value in batch.items()}).logits
        return logits.squeeze(1)
