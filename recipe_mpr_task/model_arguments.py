"""List the `--model_args` that are accounted for, by lm-eval backend.

Any other argument may load weights, a tokenizer or code that the training manifest and the hashed files do not cover;
a run with one has the status unknown.
"""

from collections.abc import Callable, Mapping
from typing import Any

ALIASES = {"huggingface": "hf", "hf-auto": "hf"}
"""Names that lm-eval has for one backend."""

_OFF = (None, "")
"""Values that load nothing. The texts "None" and "null" are absent: lm-eval would take them for a folder."""

_TEMPLATE_SWITCHES = ("enable_thinking", "thinking", "reasoning_effort", "date_string")
_LONGEST_SWITCH = 20
_Test = Callable[[Any], bool]


def _any(_value: Any) -> bool:
    return True


def _false(value: Any) -> bool:
    return value in _OFF or value is False  # the text "False" is true to Python


def _true(value: Any) -> bool:
    return value is None or value is True


def _switches(value: Any) -> bool:
    """Return whether all arguments only switch parts of the template; `chat_template` would replace the hashed one."""
    if value in _OFF:
        return True
    return isinstance(value, Mapping) and all(
        name in _TEMPLATE_SWITCHES and isinstance(inner, (bool, int, str)) and len(str(inner)) <= _LONGEST_SWITCH
        for name, inner in value.items()
    )


def _one_of(*allowed: str) -> _Test:
    return lambda value: value in _OFF or str(value) in allowed


_RUNTIME = ("device", "batch_size", "max_batch_size")
_GENERATION = ("max_length", "max_gen_toks", "add_bos_token", "prefix_token_id", "truncation", "enable_thinking",
               "think_end_token")  # fmt: skip
_HF = {
    **dict.fromkeys((*_RUNTIME, *_GENERATION, "pretrained", "revision", "peft", "dtype"), _any),
    **dict.fromkeys(("parallelize", "device_map", "max_memory_per_gpu", "max_cpu_memory", "offload_folder", "tp_plan",
                     "logits_cache", "low_cpu_mem_usage"), _any),
    **dict.fromkeys(("load_in_4bit", "load_in_8bit", "bnb_4bit_compute_dtype", "bnb_4bit_quant_type",
                     "bnb_4bit_use_double_quant", "softmax_dtype", "mixed_precision_dtype",
                     "use_fast_tokenizer"), _any),
    **dict.fromkeys(("tokenizer", "subfolder", "delta", "gguf_file"), _one_of()),
    **dict.fromkeys(("trust_remote_code", "autogptq", "gptqmodel"), _false),
    "use_safetensors": _true,
    "chat_template_args": _switches,
    "backend": _one_of("default", "causal", "seq2seq"),
    # Other values may be code from the hub, named with a slash.
    "attn_implementation": _one_of("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention"),
}  # fmt: skip
_VLLM = {
    **dict.fromkeys((*_RUNTIME, *_GENERATION, "pretrained", "revision", "lora_local_path", "dtype"), _any),
    **dict.fromkeys(("max_model_len", "max_lora_rank", "enable_lora", "tensor_parallel_size", "data_parallel_size",
                     "gpu_memory_utilization", "swap_space", "seed", "max_num_seqs", "max_num_batched_tokens",
                     "enforce_eager", "enable_prefix_caching", "disable_log_stats", "quantization"), _any),
    **dict.fromkeys(("tokenizer", "tokenizer_revision"), _one_of()),
    "trust_remote_code": _false,
    "tokenizer_mode": _one_of("auto"),
    "chat_template_args": _switches,
}  # fmt: skip
_ENCODER = {
    **dict.fromkeys((*_RUNTIME, "pretrained", "head", "revision", "dtype", "max_batch_tokens", "max_length"), _any),
    "trust_remote_code": _false,
}
_BASELINE = dict.fromkeys((*_RUNTIME, "kind", "seed"), _any)

ACCOUNTED: Mapping[str, Mapping[str, _Test]] = {
    "hf": _HF, "vllm": _VLLM, "recipe-mpr-encoder": _ENCODER, "recipe-mpr-baseline": _BASELINE,
}  # fmt: skip
"""Test of each argument's value, by backend. A value that passes changes no answer, or the run records it."""


def unaccounted(backend: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return the arguments, as "name=value", that are not accounted for; for an unlisted backend, all of them.

    Args:
        backend: lm-eval's name of the model type.
        arguments: its `--model_args`.
    """
    known = ACCOUNTED.get(ALIASES.get(backend, backend), {})
    others = (name for name, value in arguments.items() if name not in known or not known[name](value))
    return [f"{str(name)[:40]}={str(arguments[name])[:60]}" for name in sorted(others, key=str)]


def is_traced(backend: str) -> bool:
    """Return whether a backend's arguments identify what it loads."""
    return ALIASES.get(backend, backend) in ACCOUNTED


def parsed(arguments: Any) -> dict[str, Any]:
    """Return `--model_args` as a mapping, from a text or a mapping."""
    if isinstance(arguments, str):
        from lm_eval.utils import simple_parse_args_string

        try:
            return dict(simple_parse_args_string(arguments))
        except (ValueError, TypeError, IndexError):  # a file can hold any text
            return {"model_args": arguments[:60]}
    return dict(arguments) if isinstance(arguments, Mapping) else {}
