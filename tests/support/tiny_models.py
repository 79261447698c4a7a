"""Models of a few thousand random parameters, with real tokenizers, for tests that need weights."""

from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertForMultipleChoice,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from finetune.random_base import build_tokenizer, build_word_pieces

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


MICRO = {
    "model_type": "qwen3", "vocab_size": 1024, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 1024,
    "tie_word_embeddings": True, "initializer_range": 0.1,
}  # fmt: skip
"""A causal model's shape for `model=random:FILE`."""


def save_tiny_qwen(folder: Path) -> Path:
    """A 2-layer Qwen3 with a byte-level tokenizer in which " A".." E" are one token each."""
    fast = build_tokenizer(900)
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(fast), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=4096, tie_word_embeddings=True,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


def save_tiny_bert(folder: Path) -> Path:
    """A 2-layer BERT with a multiple-choice head."""
    config = BertConfig(
        vocab_size=600, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=128,
    )  # fmt: skip
    build_word_pieces(config.vocab_size, config).save_pretrained(folder)
    torch.manual_seed(0)
    BertForMultipleChoice(config).save_pretrained(folder)
    return folder
