"""Load a checkpoint's model and tokenizer, and run the model over texts in batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm
from transformers import AutoTokenizer

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.batching import batches_by_length
from recipe_mpr_task.models.checkpoint import Checkpoint
from recipe_mpr_task.models.heads import Head

_NO_LIMIT = 10**6
"""A tokenizer without a maximum length reports a number that is larger than this limit."""


@dataclass(frozen=True)
class LoadSettings:
    """Settings to load a model and to build batches. `encoder.EncoderLM` describes the arguments of the same names.

    `max_batch_rows` is the maximum number of texts in a batch; None for no limit.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    trust_remote_code: bool = False
    max_length: int | None = None
    max_batch_tokens: int = 512
    max_batch_rows: int | None = None


def load_model(head: Head, checkpoint: Checkpoint, settings: LoadSettings) -> Any:
    """Load a model from a checkpoint's safetensors files, and return the model in evaluation mode.

    Args:
        head: the head to load the model for.
        checkpoint: the checkpoint to load.
        settings: device, dtype and `trust_remote_code` are used.

    Raises:
        CheckpointError: the checkpoint lacks a weight that the head needs, or the classification layer has a wrong
            number of outputs. transformers would fill a missing weight with random values, and scores would be
            meaningless.
    """
    _check_labels(head, checkpoint)
    # If only `label2id` names the labels, transformers does not count them.
    n_labels = 0 if checkpoint.config.get("id2label") else len(checkpoint.labels)
    model, info = head.transformers_class().from_pretrained(
        checkpoint.folder,
        use_safetensors=True,
        trust_remote_code=settings.trust_remote_code,
        dtype=settings.dtype,
        output_loading_info=True,
        **({"num_labels": n_labels} if n_labels else {}),
    )
    missing = [name for name in sorted(info["missing_keys"]) if not name.startswith(head.unused_weights)]
    missing += [str(entry[0]) for entry in info.get("mismatched_keys") or []]
    if missing:
        raise CheckpointError(
            f"{checkpoint.name} has no trained {type(model).__name__}: {', '.join(missing[:4])} would be random; "
            "train the head first, or choose the head that the checkpoint has"
        )
    return model.eval().to(settings.device)


def _check_labels(head: Head, checkpoint: Checkpoint) -> None:
    # The config stores one name per label. If the config has no names, transformers makes two labels.
    n_labels = len(checkpoint.config.get("id2label") or {0: "", 1: ""})
    if head.num_labels and n_labels != head.num_labels:
        needed = "one label" if head.num_labels == 1 else f"{head.num_labels} labels"
        raise CheckpointError(
            f"{checkpoint.name}: its classification layer has {n_labels} labels; {head.label} needs {needed}; choose "
            "another head"
        )


def load_tokenizer(checkpoint: Checkpoint, settings: LoadSettings) -> Any:
    """Load the tokenizer of a checkpoint."""
    return AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=settings.trust_remote_code)


def max_length_of(checkpoint: Checkpoint, tokenizer: Any, settings: LoadSettings, declared: int | None = None) -> int:
    """Return the maximum number of tokens in a text.

    The result is the smallest of three limits: the number of positions in the checkpoint's config, the tokenizer's
    `model_max_length`, and `settings.max_length`. If `settings.max_length` is None, `declared` replaces it.

    Args:
        checkpoint: the checkpoint.
        tokenizer: the checkpoint's tokenizer.
        settings: only `max_length` is used.
        declared: the limit in `sentence_bert_config.json`; None if this file declares no limit.
    """
    positions = checkpoint.config.get("max_position_embeddings") or _NO_LIMIT
    if checkpoint.config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= 2  # position ids of these models start at 2
    limits = [settings.max_length or declared, positions]
    if tokenizer.model_max_length < _NO_LIMIT:
        limits.append(tokenizer.model_max_length)
    return min(limit for limit in limits if limit)


@torch.inference_mode()
def run_in_batches(
    encodings: Sequence[dict[str, list[int]]],
    tokenizer: Any,
    settings: LoadSettings,
    forward: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    what: str,
) -> torch.Tensor:
    """Run a function on batches of texts of similar length.

    Args:
        encodings: the tokenizer's output for each text, without padding.
        tokenizer: the tokenizer, which pads each batch.
        settings: device and batch limits are used.
        forward: function from a padded batch to a tensor of shape (texts in the batch, ...).
        what: label of the progress bar.

    Returns:
        Float32 tensor of shape (texts, ...), on the CPU, in the order of `encodings`.
    """
    lengths = [len(encoding["input_ids"]) for encoding in encodings]
    outputs: list[torch.Tensor | None] = [None] * len(encodings)
    with tqdm(total=len(encodings), desc=what, unit="text") as progress:
        for batch in batches_by_length(lengths, settings.max_batch_tokens, settings.max_batch_rows):
            padded = tokenizer.pad([encodings[i] for i in batch], return_tensors="pt").to(settings.device)
            for i, row in zip(batch, forward(dict(padded)).float().cpu(), strict=True):
                outputs[i] = row
            progress.update(len(batch))
    return torch.stack([row for row in outputs if row is not None])
