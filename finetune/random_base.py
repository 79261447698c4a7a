"""A base model with random weights and a tokenizer of its own, for runs that need no model hub."""

from pathlib import Path
from typing import Any

from recipe_mpr_task.data import load_sample
from recipe_mpr_task.item import LETTERS

_END, _PAD = "<|im_end|>", "<|endoftext|>"
_LARGEST_VOCABULARY = 4096
"""More merges than the sample's texts hold would be taken from noise."""


def save_random_base(config: Any, folder: Path, *, seed: int, dtype: str) -> None:
    """Build a causal model from a config with seeded random weights, and save it with a tokenizer.

    The tokenizer is a byte-level BPE of the embedded sample's texts; " A" to " E" are one token each.

    Args:
        config: a transformers config of a causal model.
        folder: where to.
        seed: of the weights.
        dtype: of the weights, a torch dtype's name.
    """
    import torch
    from transformers import AutoModelForCausalLM, set_seed

    tokenizer = build_tokenizer(min(config.vocab_size, _LARGEST_VOCABULARY))
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    config.bos_token_id = None
    set_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def build_tokenizer(vocab_size: int, texts: list[str] | None = None) -> Any:
    """Train a byte-level BPE tokenizer.

    Args:
        vocab_size: most tokens.
        texts: to count on; the embedded sample's by default.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[_PAD, "<|im_start|>", _END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # Often enough that " A" is merged whatever the texts are.
    answers = [f"Answer: {letter}\n\n" for letter in LETTERS] * 50
    tokenizer.train_from_iterator([*answers, *(texts or _sample_texts())], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END, pad_token=_PAD)


def _sample_texts() -> list[str]:
    items = load_sample()
    return [*(item.query for item in items), *(option.text for item in items for option in item.options)]
