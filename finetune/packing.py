"""Put several texts into one row without padding. Attention is limited to each text: the mask is block-diagonal.

Positions start at 0 in each text, so that a text has the same logits packed and alone.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from accelerate.utils import extract_model_from_parallel

from finetune.recipe import RecipeError

ATTENTION = ("sdpa", "flash_attention_2")
"""Attention implementations that packing supports."""

_TOLERANCE = 1e-3


def attention_of(model: Any) -> str:
    """Return the name of the model's attention implementation. The model may be wrapped for distributed training."""
    return str(extract_model_from_parallel(model).config._attn_implementation)


def packed_inputs(texts: Sequence[Sequence[int]], attention: str, device: torch.device) -> dict[str, Any]:
    """Return the model's inputs for one row that holds all texts; tensors have the shape (1, tokens).

    Args:
        texts: token ids of each text.
        attention: one of ATTENTION. "sdpa" gets a mask of shape (1, 1, tokens, tokens), in which True means that a
            token may attend. "flash_attention_2" gets the boundaries of the texts instead.
        device: where to put the tensors.

    Raises:
        RecipeError: the attention implementation does not support packing.
    """
    lengths = [len(text) for text in texts]
    inputs = {
        "input_ids": torch.tensor([[token for text in texts for token in text]], device=device),
        "position_ids": torch.cat([torch.arange(length) for length in lengths]).unsqueeze(0).to(device),
    }
    if attention == "flash_attention_2":
        bounds = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
        ends = {"cu_seq_lens_q": bounds, "cu_seq_lens_k": bounds}
        return inputs | ends | {"max_length_q": max(lengths), "max_length_k": max(lengths)}
    if attention != "sdpa":
        raise RecipeError(f"packing=true needs another attention than {attention}; allowed: {', '.join(ATTENTION)}")
    number = torch.repeat_interleave(torch.arange(len(texts)), torch.tensor(lengths)).to(device)
    same_text = number[:, None] == number[None, :]
    return inputs | {"attention_mask": same_text.tril()[None, None]}


def ends_of(texts: Sequence[Sequence[int]], device: torch.device) -> torch.Tensor:
    """Return the position of each text's last token in the packed row, shape (texts,)."""
    return torch.tensor([end - 1 for end in accumulate(map(len, texts))], device=device)


@torch.no_grad()
def check_isolation(model: Any, text: Sequence[int], device: torch.device) -> None:
    """Check that a packed text's logits do not depend on the text before it.

    Args:
        model: the model, on `device`.
        text: token ids of a text with at least two distinct tokens.
        device: the model's device.

    Raises:
        RecipeError: the logits differ. Then the model passes information between texts, for example by a recurrent
            layer, which no attention mask limits.
    """
    was_training = model.training
    model.eval()  # turn off dropout, which would make the logits differ
    logits = []
    for before in (text, text[::-1]):
        inputs = packed_inputs([before, text], attention_of(model), device)
        output = model(**inputs, logits_to_keep=ends_of([before, text], device), use_cache=False)
        logits.append(output.logits[0, 1].float())
    model.train(was_training)
    one, other = logits
    if not torch.allclose(one, other, rtol=_TOLERANCE, atol=_TOLERANCE):
        gap = float((one - other).abs().max())
        raise RecipeError(
            f"packing=true: in this model, a text changes the logits of the next text by {gap:.3g}; set packing=false"
        )
