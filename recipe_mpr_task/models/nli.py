"""Score an option by the log-probability that the option entails the query, by a model of natural language inference.

The premise is the option's text, and the hypothesis is the unchanged query. The log-softmax is over all labels.
The zero-shot pipeline of transformers computes another score. That pipeline puts the hypothesis into a sentence, leaves
out the neutral label, and splits a text at its commas into several hypotheses.
"""

import torch

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.checkpoint import Checkpoint
from recipe_mpr_task.models.heads import HEADS
from recipe_mpr_task.models.loading import LoadSettings
from recipe_mpr_task.models.pairs import PairHead


class Entailment(PairHead):
    """A scorer for checkpoints of a `...ForSequenceClassification` class with a label for entailment.

    The model may also be an encoder-decoder, such as BART.

    Raises:
        CheckpointError: the labels are not usable (see `entailment_label`), or an encoder-decoder's tokenizer does not
            end texts with the model's end token.
    """

    head = HEADS["nli"]
    option_first = True

    def __init__(self, checkpoint: Checkpoint, settings: LoadSettings) -> None:
        self._label = entailment_label(checkpoint)
        super().__init__(checkpoint, settings)
        # Pad on the right: with padding on the left, positions would depend on the longest text of the batch.
        self._tokenizer.padding_side = "right"
        # An encoder-decoder reads its score at the last end token, so a text must not contain an end token.
        self._tokenizer.split_special_tokens = True
        config = self._model.config
        config.use_cache = False  # the cache of the decoder takes memory and is never read
        if config.is_encoder_decoder and config.eos_token_id not in self._tokenizer("a", "b")["input_ids"]:
            raise CheckpointError(
                f"{checkpoint.name}: its tokenizer does not end texts with the model's end token (eos_token_id="
                f"{config.eos_token_id}), where the classification head reads; use the model's own tokenizer"
            )

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = self._model(**batch).logits
        return logits.float().log_softmax(dim=1)[:, self._label]


def entailment_label(checkpoint: Checkpoint) -> int:
    """Return the number of the label that names entailment.

    Raises:
        CheckpointError: no label or more than one names entailment, or there are no other labels.
    """
    numbers = checkpoint.label_numbers("")
    entailing = checkpoint.label_numbers(str(HEADS["nli"].label_prefix))
    if len(entailing) == 1 and len(numbers) > 1 and numbers == list(range(len(numbers))):
        return entailing[0]
    labels = ", ".join(f"{number} {name}" for number, name in checkpoint.labels) or "none"
    raise CheckpointError(
        f"{checkpoint.name}: labels {labels}; head=nli needs two or more labels, numbered from 0, of which exactly one "
        "begins with 'entail'; correct id2label and label2id in config.json, or choose another head"
    )
