"""Build a base model with random weights and a new tokenizer, for runs without a model hub."""

from pathlib import Path
from typing import Any

from recipe_mpr_task.data import load_sample
from recipe_mpr_task.item import LETTERS

_END, _PAD = "<|im_end|>", "<|endoftext|>"
_LARGEST_VOCABULARY = 4096
"""Largest size of a new tokenizer's vocabulary. The embedded sample is too short for a larger vocabulary."""


def save_random_base(config: Any, folder: Path, *, causal: bool, seed: int, dtype: str) -> None:
    """Save a model with random weights, and a tokenizer trained on the texts of the embedded sample.

    A causal model gets a byte-level BPE tokenizer, in which each of " A" to " E" is one token. An encoder gets a
    WordPiece tokenizer.

    Args:
        config: a transformers config.
        folder: the folder to write.
        causal: True builds a causal model. False builds an encoder without a head.
        seed: seed of the random weights.
        dtype: name of the weights' torch dtype, such as "float32".
    """
    import torch
    from transformers import AutoModel, AutoModelForCausalLM, set_seed

    size = min(config.vocab_size, _LARGEST_VOCABULARY)
    tokenizer = build_tokenizer(size) if causal else build_word_pieces(size, config)
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    config.bos_token_id = None
    set_seed(seed)
    model = (AutoModelForCausalLM if causal else AutoModel).from_config(config, dtype=getattr(torch, dtype))
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def build_tokenizer(vocab_size: int, texts: list[str] | None = None) -> Any:
    """Train a byte-level BPE tokenizer on texts, and return the tokenizer.

    Args:
        vocab_size: largest number of tokens in the vocabulary.
        texts: training texts; None means the texts of the embedded sample.
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
    # Repeat the answers, so that each of " A" to " E" becomes one token, whatever the other texts are.
    answers = [f"Answer: {letter}\n\n" for letter in LETTERS] * 50
    tokenizer.train_from_iterator([*answers, *(texts or _sample_texts())], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END, pad_token=_PAD)


def build_word_pieces(vocab_size: int, config: Any, texts: list[str] | None = None) -> Any:
    """Train a WordPiece tokenizer for an encoder on texts, and return the tokenizer.

    Args:
        vocab_size: largest number of tokens in the vocabulary.
        config: the model's config. The model type decides whether the tokenizer returns token type ids. The number of
            positions limits the length of a text.
        texts: training texts; None means the texts of the embedded sample.
    """
    import string

    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106 (a token, not a password)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=special, initial_alphabet=list(string.printable), show_progress=False
    )
    tokenizer.train_from_iterator(texts or _sample_texts(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    positions = config.max_position_embeddings - (2 if config.model_type == "roberta" else 0)
    has_token_types = config.model_type == "bert"
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token=special[1], pad_token=special[0], cls_token=special[2],
        sep_token=special[3], mask_token=special[4], model_max_length=positions,
        model_input_names=["input_ids", *(["token_type_ids"] if has_token_types else []), "attention_mask"],
    )  # fmt: skip


def _sample_texts() -> list[str]:
    items = load_sample()
    return [*(item.query for item in items), *(option.text for item in items for option in item.options)]
