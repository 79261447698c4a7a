"""List the known `--model_args` of each lm-eval backend.

Any other argument may load weights, a tokenizer or code that no manifest and no file hash covers. So a run with an
argument outside this list has the status "unknown".
"""

from collections.abc import Callable, Mapping
from typing import Any

ALIASES = {"huggingface": "hf", "hf-auto": "hf"}
"""Alternative names of backends, each with the name that this module uses."""

_OFF = (None, "")
"""Values that load nothing. The texts "None" and "null" are not listed, because lm-eval reads them as folder names."""

_TEMPLATE_SWITCHES = ("enable_thinking", "thinking", "reasoning_effort", "date_string")
_LONGEST_SWITCH = 20
_Test = Callable[[Any], bool]


def _any(_value: Any) -> bool:
    return True


def _false(value: Any) -> bool:
    return value in _OFF or value is False  # reject the text "False", because bool("False") is True


def _true(value: Any) -> bool:
    return value is None or value is True


def _switches(value: Any) -> bool:
    """Return whether `chat_template_args` holds only known switches of the model's chat template, with short values.

    An argument with another name, such as `chat_template`, could replace the hashed template.
    """
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
    # Another value, such as "owner/name", may download code from the hub.
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
"""The known arguments of each backend, each with a test of the argument's value.

If a value passes the test, either the value changes no answer, or the results file records the value.
"""


def unaccounted(backend: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return the arguments that ACCOUNTED does not allow, each as "name=value".

    Args:
        backend: the value of `--model`. All arguments of an unknown backend are returned.
        arguments: `--model_args` as a mapping.
    """
    known = ACCOUNTED.get(ALIASES.get(backend, backend), {})
    others = (name for name, value in arguments.items() if name not in known or not known[name](value))
    return [f"{str(name)[:40]}={str(arguments[name])[:60]}" for name in sorted(others, key=str)]


def is_traced(backend: str) -> bool:
    """Return whether ACCOUNTED lists the backend. The arguments of a listed backend identify the loaded files."""
    return ALIASES.get(backend, backend) in ACCOUNTED


def parsed(arguments: Any) -> dict[str, Any]:
    """Return `--model_args` as a mapping.

    A text is parsed. A text that cannot be parsed gives {"model_args": the first 60 characters of the text}. A value
    that is neither text nor mapping gives {}.
    """
    if isinstance(arguments, str):
        from lm_eval.utils import simple_parse_args_string

        try:
            return dict(simple_parse_args_string(arguments))
        except (ValueError, TypeError, IndexError):  # a results file can hold any text
            return {"model_args": arguments[:60]}
    return dict(arguments) if isinstance(arguments, Mapping) else {}
