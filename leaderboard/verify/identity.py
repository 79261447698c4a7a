"""Who a run is of: its kind, and its identity for counting it once; for its name see `naming`."""

import json
import math
import re
from typing import Any

from leaderboard.load.results import Run
from leaderboard.load.schema import IMPORT_MODEL, MODEL_IDENTITY
from leaderboard.verify.training import training_record
from recipe_mpr_task import prompts
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.manifest import MODEL_KEY
from recipe_mpr_task.model_arguments import ALIASES, is_traced, parsed

_RUNTIME_ARGUMENTS = frozenset(
    ("device", "batch_size", "max_batch_size", "max_batch_tokens", "parallelize", "num_concurrent", "device_map",
     "tensor_parallel_size", "data_parallel_size", "gpu_memory_utilization", "max_memory_per_gpu", "max_cpu_memory",
     "offload_folder", "logits_cache", "low_cpu_mem_usage", "max_retries", "timeout", "swap_space")
)  # fmt: skip
"""Model arguments that say how to run a model, not which model it is."""

_SETTING_ARGUMENTS = frozenset(
    ("max_length", "max_gen_toks", "add_bos_token", "prefix_token_id", "truncation", "enable_thinking",
     "think_end_token", "chat_template_args", "max_model_len")
)  # fmt: skip
"""Model arguments that say how a model is asked."""

_WEIGHT_ARGUMENTS = ("pretrained", "peft", "lora_local_path", "revision")


_LOOPBACK = re.compile(r"//(127\.0\.0\.1|\[::1\]|0\.0\.0\.0)")


def model_args(run: Run) -> dict[str, Any]:
    """Return the model's arguments as a mapping, however lm-eval recorded them."""
    return parsed(run.config.get("model_args"))


IMPORTED = "imported"
_KINDS = {"recipe-mpr-baseline": "baseline", "recipe-mpr-encoder": "encoder", IMPORT_MODEL: IMPORTED}


def kind(run: Run) -> str:
    """Return "baseline", "encoder", "imported" or "causal"."""
    return _KINDS.get(str(run.config.get("model")), "causal")


def date(run: Run) -> float:
    """Return when the run was made, in seconds since 1970; infinity if it does not say."""
    found = run.results.get("date")
    is_date = isinstance(found, (int, float)) and found > 0
    return float(found) if is_date else math.inf  # type: ignore[arg-type]


def prompt_name(run: Run) -> str:
    """Return the template's name, or "other" for a text that is none of ours."""
    return prompts.name_of(str(run.task_config.get("doc_to_text", ""))) or "other"


def is_order_invariant(run: Run) -> bool:
    """Say whether the system scores each option alone and so cannot see where it stands."""
    return kind(run) == "encoder" or (kind(run) == "baseline" and model_args(run).get("kind") != "first")


def model_record(run: Run) -> dict[str, Any]:
    """Return what the results file says of the files that were loaded; empty if it says nothing."""
    found = run.results.get(MODEL_KEY)
    return found if isinstance(found, dict) else {}


def content(run: Run) -> str | None:
    """Return one hash of weights, tokenizer and configs as they were loaded, or None if they were not hashed."""
    found = model_record(run).get("sha256")
    return found if isinstance(found, str) and re.fullmatch("[0-9a-f]{64}", found) else None


def is_from_random_weights(run: Run) -> bool:
    """Say whether the model is one of random weights, or was trained from such a one."""
    return training_record(run).get("random_weights") is True or model_record(run).get("random_weights") is True


def identity(run: Run) -> str:
    """Hash what makes two runs of one task the same measurement: the model, and how it was asked.

    Not the display name, nor where and when it ran, nor the prompt, which is the task's.
    """
    return sha256_of(f"{model_key(run)}|{setting_key(run)}".encode())


def model_key(run: Run) -> str:
    """Hash which model a run is of: the files' content, or how it was trained, or else where it lay.

    A path counts only where the files were not hashed: a folder that was moved is the same model, and two folders of
    one name are two. Of a server nothing can be hashed, so address and display name count.
    """
    kept = run.config.get(MODEL_IDENTITY)
    if run.is_record and isinstance(kept, str) and re.fullmatch("[0-9a-f]{64}", kept):
        return kept
    trained, hashed = training_record(run), content(run)
    backend = str(run.config.get("model"))
    weights = hashed or (run.config.get("model_sha") if kind(run) == "encoder" else None)
    left_out = {*_RUNTIME_ARGUMENTS, *_SETTING_ARGUMENTS, "dtype" if run.config.get("model_dtype") else ""}
    if "system" in trained or hashed:
        left_out |= {*_WEIGHT_ARGUMENTS}
    if weights:  # its head is recorded as it was resolved
        left_out |= {"pretrained", "head"}
    given = {k: v for k, v in model_args(run).items() if k not in left_out and v is not None}
    arguments = {k: _told(v) for k, v in given.items() if not _is_default(k, v)}
    key = [
        ALIASES.get(backend, backend),
        sorted(arguments.items()),
        # Trained here: the folds of one recipe are one system, and so is its being trained once more.
        [trained["system"], trained.get("form")] if "system" in trained else weights or run.config.get("model_sha"),
        run.config.get("recipe_mpr_head"),
        run.config.get("model_dtype"),
        run.metadata.get("recipe_mpr_system") if _is_served(run) else None,
    ]
    return sha256_of(json.dumps(key, default=str).encode())


def server_key(run: Run) -> str | None:
    """Hash the address and model name that a run asked a server for; None if lm-eval loaded the model."""
    if not _is_served(run):
        return None
    given = model_args(run)
    address = _LOOPBACK.sub("//localhost", str(given.get("base_url") or "").lower().rstrip("/"))
    return sha256_of(json.dumps([address, str(given.get("model") or given.get("pretrained"))]).encode())


def system_key(run: Run) -> str:
    """Hash the system that several settings, backends or precisions are tries of: its training, files or server."""
    trained = training_record(run)
    told = trained.get("system") or content(run) or server_key(run) or model_key(run)
    return sha256_of(str(told).encode())


def _is_served(run: Run) -> bool:
    return kind(run) == "causal" and not is_traced(str(run.config.get("model")))


def _told(value: Any) -> str:
    """A path as a hash, so that a record, which keeps no folders, can be of the same model as its run."""
    text = str(value)
    return f"path {sha256_of(text.encode(errors='replace'))[:16]}" if text.startswith(("/", "~", ".")) else text


def setting_key(run: Run) -> str:
    """Hash how a model was asked: shots, their seed, chat template, system text, generation, lengths; or ""."""
    asked = {k: str(v) for k, v in model_args(run).items() if k in _SETTING_ARGUMENTS and v is not None}
    if kind(run) == "encoder":  # it reads no prompt, but may cut its texts
        return sha256_of(json.dumps(sorted(asked.items())).encode()) if asked else ""
    if kind(run) != "causal":
        return ""
    key = [
        run.n_shot,
        (run.config.get("fewshot_seed"), run.results.get("fewshot_as_multiturn")) if run.n_shot else None,
        run.results.get("chat_template_sha"),
        run.results.get("system_instruction_sha"),
        generation(run),
        sorted(asked.items()),
    ]
    return sha256_of(json.dumps(key, default=str, sort_keys=True).encode())


def generation(run: Run) -> dict[str, Any] | None:
    """Return how a run generated text: greedy or sampled, temperature, length; None if it scored options."""
    settings = run.task_config.get("generation_kwargs")
    return settings if run.task_config.get("output_type") == "generate_until" and isinstance(settings, dict) else None


def _is_default(name: str, value: Any) -> bool:
    return (name, str(value)) in (
        ("seed", "0"), ("trust_remote_code", "False"), ("revision", "main"), ("use_safetensors", "True"),
    )  # fmt: skip
