"""What the heads share: loading a checkpoint's model and tokenizer, and running it over texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm
from transformers import AutoTokenizer

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.batching import batches_by_length
from recipe_mpr_task.models.checkpoint import Checkpoint

_NO_LIMIT = 10**6
"""Tokenizers without a length report a huge one."""


@dataclass(frozen=True)
class LoadSettings:
    """How a head loads and batches; see the arguments of `encoder.EncoderLM`."""

    device: torch.device
    dtype: torch.dtype = torch.float32
    trust_remote_code: bool = False
    max_length: int | None = None
    max_batch_tokens: int = 512
    max_batch_rows: int | None = None


def load_model(auto_class: Any, checkpoint: Checkpoint, settings: LoadSettings, *, may_miss: Sequence[str] = ()) -> Any:
    """Load weights from safetensors, in evaluation mode, and insist that the checkpoint has them all.

    Args:
        auto_class: a transformers `AutoModel...` class.
        checkpoint: what to load.
        settings: where to, in which dtype.
        may_miss: prefixes of parameters that the head does not use.

    Raises:
        CheckpointError: a parameter is not in the checkpoint: it would be random, and so the scores.
    """
    model, info = auto_class.from_pretrained(
        checkpoint.folder,
        use_safetensors=True,
        trust_remote_code=settings.trust_remote_code,
        dtype=settings.dtype,
        output_loading_info=True,
    )
    missing = [name for name in sorted(info["missing_keys"]) if not name.startswith(tuple(may_miss))]
    missing += [str(entry[0]) for entry in info.get("mismatched_keys") or []]
    if missing:
        raise CheckpointError(
            f"{checkpoint.name} holds no trained {type(model).__name__}: {', '.join(missing[:4])} would be random; "
            "train the head first, or choose the head that the checkpoint has"
        )
    return model.eval().to(settings.device)


def load_tokenizer(checkpoint: Checkpoint, settings: LoadSettings) -> Any:
    """Load the checkpoint's own tokenizer."""
    return AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=settings.trust_remote_code)


def max_length_of(checkpoint: Checkpoint, tokenizer: Any, settings: LoadSettings, declared: int | None = None) -> int:
    """Return the most tokens of a text: asked for, else declared by the checkpoint, within its positions."""
    positions = checkpoint.config.get("max_position_embeddings") or _NO_LIMIT
    if checkpoint.config.get("model_type") in ("roberta", "xlm-roberta", "camembert"):
        positions -= 2  # its position ids start after the padding index
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
    """Run `forward` over batches of like length, padded to the batch.

    Args:
        encodings: one tokenizer output a text, unpadded.
        tokenizer: pads a batch.
        settings: device and batch limits.
        forward: maps a padded batch to a tensor of shape (batch, ...).
        what: names the texts in the progress bar.

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
