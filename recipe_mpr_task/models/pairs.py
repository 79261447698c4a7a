"""Score each (query, option) pair. The model reads query and option together, without the other options."""

from collections.abc import Sequence
from typing import Any

import torch

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint
from recipe_mpr_task.models.heads import HEADS, Head
from recipe_mpr_task.models.loading import LoadSettings, load_model, load_tokenizer, max_length_of, run_in_batches


class PairHead:
    """Base class for scorers of (query, option) pairs. The score of a pair does not depend on the other options.

    Raises:
        CheckpointError: the checkpoint lacks a trained weight that the head needs.
    """

    head: Head
    """The subclass's entry of `heads.HEADS`."""

    option_first = False
    """Whether the model reads the option before the query."""

    def __init__(self, checkpoint: Checkpoint, settings: LoadSettings) -> None:
        self.truncated = self.n_tokens = 0
        self._settings = settings
        self._model = load_model(self.head, checkpoint, settings)
        self._tokenizer = load_tokenizer(checkpoint, settings)
        self._max_length = max_length_of(checkpoint, self._tokenizer, settings)
        self.n_parameters: int = self._model.num_parameters()

    def score(self, questions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        """Return one list of option scores per question. The scores are exactly equal in any order of the options."""
        pairs = sorted({(query, option) for query, options in questions for option in options})
        row = {pair: i for i, pair in enumerate(pairs)}
        logits = self.score_pairs(pairs).tolist()
        return [[logits[row[query, option]] for option in options] for query, options in questions]

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> torch.Tensor:
        """Return one score per pair, shape (pairs,). If a pair is too long for the model, only the query is cut.

        Raises:
            CheckpointError: an option is so long that it leaves no room for the query.
        """
        encoded = self.encode_pairs(pairs)
        encodings = [{key: encoded[key][i] for key in encoded} for i in range(len(pairs))]
        self.n_tokens += sum(map(len, encoded["input_ids"]))
        return run_in_batches(encodings, self._tokenizer, self._settings, self._forward, "scoring")

    def encode_pairs(self, pairs: Sequence[tuple[str, str]]) -> Any:
        """Tokenize (query, option) pairs, and cut queries where a pair is too long for the model.

        The number of cut pairs is added to `truncated`.

        Raises:
            CheckpointError: an option is so long that it leaves no room for the query.
        """
        queries, options = (list(side) for side in zip(*pairs, strict=True))
        special = self._tokenizer.num_special_tokens_to_add(pair=True)
        for option, ids in zip(options, self._tokenizer(options, add_special_tokens=False)["input_ids"], strict=True):
            if len(ids) + special >= self._max_length:
                raise CheckpointError(
                    f"option {option[:40]!r} has {len(ids)} tokens; the model allows "
                    f"{self._max_length - special - 1}; choose a model that reads longer texts"
                )
        texts = (options, queries) if self.option_first else (queries, options)
        encoded = self._tokenizer(*texts)
        if cut := sum(len(ids) > self._max_length for ids in encoded["input_ids"]):
            self.truncated += cut
            query = "only_second" if self.option_first else "only_first"
            encoded = self._tokenizer(*texts, truncation=query, max_length=self._max_length)
        return encoded

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        raise NotImplementedError


class MultipleChoice(PairHead):
    """A scorer for checkpoints of a transformers `...ForMultipleChoice` class."""

    head = HEADS["multiple_choice"]

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        # transformers expects the shape (items, choices, tokens). Each pair becomes an item with one choice.
        logits: torch.Tensor = self._model(**{key: value.unsqueeze(1) for key, value in batch.items()}).logits
        return logits.squeeze(1)


class CrossEncoder(PairHead):
    """A scorer for checkpoints of a `...ForSequenceClassification` class with one output.

    The checkpoint can be a cross-encoder of sentence-transformers.
    """

    head = HEADS["cross_encoder"]

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = self._model(**batch).logits
        return logits.squeeze(1)
