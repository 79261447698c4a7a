"""Score an option by its pseudo-log-likelihood after the query, computed with a masked language model.

The method is PLL-word-l2r (Kauf and Ivanova 2023, arXiv 2305.10588). To predict a token of the option, mask the token
and all later tokens of the same word. The score is the sum of the log-probabilities of the option's tokens.
"""

from dataclasses import replace
from typing import Any

import torch

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint
from recipe_mpr_task.models.heads import HEADS
from recipe_mpr_task.models.loading import LoadSettings, run_in_batches
from recipe_mpr_task.models.pairs import PairHead

_MAX_BATCH_TOKENS = 2048
"""Maximum number of tokens in a batch. With a vocabulary of 30,522 entries, the float32 logits take 250 MB."""


class MaskedLM(PairHead):
    """A scorer for checkpoints of a `...ForMaskedLM` class.

    Raises:
        CheckpointError: the checkpoint has no trained prediction head, no mask token, or no fast tokenizer. Only fast
            tokenizers say which tokens belong to one word.
    """

    head = HEADS["masked_lm"]

    def __init__(self, checkpoint: Checkpoint, settings: LoadSettings) -> None:
        super().__init__(
            checkpoint, replace(settings, max_batch_tokens=min(settings.max_batch_tokens, _MAX_BATCH_TOKENS))
        )
        if self._tokenizer.mask_token_id is None or not self._tokenizer.is_fast:
            raise CheckpointError(f"{checkpoint.name}: masked_lm needs a fast tokenizer with a mask token")

    def score_pairs(self, pairs: Any) -> torch.Tensor:
        """Return the pseudo-log-likelihood of the option in each (query, option) pair, in nats, shape (pairs,)."""
        encoded = self.encode_pairs(pairs)
        variants, owners = [], []
        for i in range(len(pairs)):
            rows = self._masked_variants(encoded, i)
            variants += rows
            owners += [i] * len(rows)
        self.n_tokens += sum(len(variant["input_ids"]) for variant in variants)
        logs = run_in_batches(variants, self._tokenizer, self._settings, self._forward, "scoring masked tokens")
        # Add in double precision, so that rounding does not make an option's score depend on the other pairs.
        sums = torch.zeros(len(pairs), dtype=torch.double)
        return sums.index_add_(0, torch.tensor(owners), logs.double())

    def _masked_variants(self, encoded: Any, i: int) -> list[dict[str, list[int]]]:
        """Return one masked model input for each token of the option in pair `i`.

        In each input, `position` is the index of the first mask. `target` is the id of the token to predict at this
        index.
        """
        words, sides = encoded.word_ids(i), encoded.sequence_ids(i)
        ids = encoded["input_ids"][i]
        variants = []
        for position, side in enumerate(sides):
            if side != 1:
                continue
            masked = [
                self._tokenizer.mask_token_id
                if k == position or (k > position and sides[k] == 1 and words[k] == words[position])
                else token
                for k, token in enumerate(ids)
            ]
            row = {key: encoded[key][i] for key in encoded} | {"input_ids": masked}
            variants.append(row | {"position": [position], "target": [ids[position]]})
        return variants

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        position, target = batch.pop("position"), batch.pop("target")
        logits = self._model(**batch).logits
        at = logits[torch.arange(len(logits)), position.squeeze(1)].float()
        logs: torch.Tensor = at.log_softmax(dim=1)
        return logs.gather(1, target).squeeze(1)
