"""Build models with a few thousand random parameters and real tokenizers, for tests that need weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BartTokenizer,
    BertConfig,
    BertForMultipleChoice,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from finetune.random_base import build_tokenizer, build_word_pieces
from recipe_mpr_task.data import load_sample

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
"""Config of a causal model, for `model=random:FILE`."""


def save_tiny_qwen(folder: Path) -> Path:
    """Save a 2-layer Qwen3 and a byte-level tokenizer in which each of " A" to " E" is one token."""
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
    """Save a 2-layer BERT with a multiple-choice head, and its tokenizer."""
    config = BertConfig(
        vocab_size=600, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=128,
    )  # fmt: skip
    build_word_pieces(config.vocab_size, config).save_pretrained(folder)
    torch.manual_seed(0)
    BertForMultipleChoice(config).save_pretrained(folder)
    return folder


_ENCODER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_NLI_SHAPES: dict[str, dict[str, Any]] = {
    "bert": _ENCODER,
    "roberta": _ENCODER | {"max_position_embeddings": 130},  # positions start at 2
    "deberta-v2": _ENCODER | {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 16},
    "bart": {
        "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
        "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
    },
    "t5": {
        "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "eos_token_id": 2,
        "decoder_start_token_id": 1,
    },
}  # fmt: skip
NLI_MODELS = tuple(_NLI_SHAPES)
"""Model types that `save_tiny_nli` builds. The last two are encoder-decoders."""


def save_tiny_nli(folder: Path, model_type: str, labels: Sequence[str]) -> Path:
    """Save a 2-layer sequence classifier with these labels, and its tokenizer. Large weights make the scores differ."""
    shape = {"max_position_embeddings": 128, "vocab_size": 600, "pad_token_id": 1} | _NLI_SHAPES[model_type]
    numbers = {"id2label": dict(enumerate(labels)), "label2id": {name: k for k, name in enumerate(labels)}}
    config = AutoConfig.for_model(model_type, **shape, **numbers)
    if model_type in ("roberta", "bart", "t5"):
        tokenizer: Any = _build_bart_tokenizer(config.vocab_size)
    else:
        tokenizer = build_word_pieces(config.vocab_size, config)
        config.pad_token_id = tokenizer.pad_token_id
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    model.save_pretrained(folder)
    return folder


def _build_bart_tokenizer(vocab_size: int) -> Any:
    """Train the byte-level tokenizer of BART and RoBERTa on the embedded sample's texts."""
    import json

    trained = ByteLevelBPETokenizer()
    texts = [text for item in load_sample() for text in (item.query, *(option.text for option in item.options))]
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(texts, vocab_size=vocab_size, special_tokens=special, show_progress=False)
    parts = json.loads(trained.to_str())["model"]
    return BartTokenizer(vocab=parts["vocab"], merges=[tuple(merge) for merge in parts["merges"]], model_max_length=128)
