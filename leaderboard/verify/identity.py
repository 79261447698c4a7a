"""Which system a run is of: its kind, and hashes that tell measurements, models and settings apart.

For the system's name see `naming`.
"""

import json
import re
from typing import Any, Literal

from leaderboard.load.schema import IMPORT_MODEL, Run
from recipe_mpr_task import prompts
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.model_arguments import ALIASES, is_traced

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

_WEIGHT_ARGUMENTS = frozenset(("pretrained", "peft", "lora_local_path", "revision"))

_DEFAULTS = frozenset(
    (("seed", "0"), ("trust_remote_code", "False"), ("revision", "main"), ("use_safetensors", "True"))
)
"""Model arguments, and their values as text, that are the same as none."""

_LOOPBACK = re.compile(r"//(127\.0\.0\.1|\[::1\]|0\.0\.0\.0)")

Kind = Literal["causal", "encoder", "baseline", "imported"]
IMPORTED: Kind = "imported"
_KINDS: dict[str, Kind] = {
    "recipe-mpr-baseline": "baseline", "recipe-mpr-encoder": "encoder", IMPORT_MODEL: IMPORTED,
}  # fmt: skip


def kind(run: Run) -> Kind:
    """Return what sort of system a run is of: "causal" for all models that read a prompt."""
    return _KINDS.get(run.config.backend, "causal")


def prompt_name(run: Run) -> str:
    """Return the name of the prompt template, or "other" for a text that is none of ours."""
    return prompts.name_of(str(run.results.task.doc_to_text)) or "other"


def is_order_invariant(run: Run) -> bool:
    """Say whether the system scores each option alone and so cannot see its place."""
    return kind(run) == "encoder" or (kind(run) == "baseline" and run.args.text("kind") != "first")


def is_from_random_weights(run: Run) -> bool:
    """Say whether the model has random weights, or was trained from such a model."""
    return bool(run.training.random_weights or run.loaded.random_weights)


def content(run: Run) -> str | None:
    """Return one hash of weights, tokenizer and configs as they were loaded, or None if they were not hashed."""
    return run.loaded.sha256


def identity(run: Run) -> str:
    """Hash what makes two runs of one task the same measurement: the model, and how it was asked.

    Left out are the display name, the place and time of the run, and the prompt, which is the task's.
    """
    return sha256_of(f"{model_key(run)}|{setting_key(run)}".encode())


def model_key(run: Run) -> str:
    """Hash the model of a run: by the files' content, else by its training, else by its path.

    A path counts only where the files were not hashed: a folder that was moved holds the same model, and two folders
    of one name hold two. Of a server nothing can be hashed, so address and display name count.
    """
    if run.is_record and run.config.recipe_mpr_identity:
        return run.config.recipe_mpr_identity
    config, training, hashed = run.config, run.training, content(run)
    weights = hashed or (config.model_sha if kind(run) == "encoder" else None)
    left_out = {*_RUNTIME_ARGUMENTS, *_SETTING_ARGUMENTS, "dtype" if config.model_dtype else ""}
    if training.has_manifest or hashed:
        left_out |= _WEIGHT_ARGUMENTS
    if weights:  # its head is recorded as it was resolved
        left_out |= {"pretrained", "head"}
    arguments = {
        name: _without_path(value)
        for name, value in run.args.given.items()
        if name not in left_out and value is not None and (name, str(value)) not in _DEFAULTS
    }
    key = [
        ALIASES.get(config.backend, config.backend),
        sorted(arguments.items()),
        # Trained here: the folds of one recipe are one system, and so is a second training by the recipe.
        [training.system, training.form] if training.has_manifest else weights or config.model_sha,
        config.recipe_mpr_head,
        config.model_dtype,
        run.results.task.metadata.recipe_mpr_system if _is_served(run) else None,
    ]
    return sha256_of(json.dumps(key, default=str).encode())


def server_key(run: Run) -> str | None:
    """Hash the address and model name that a run asked a server for; None if lm-eval loaded the model."""
    if not _is_served(run):
        return None
    address = _LOOPBACK.sub("//localhost", run.args.text("base_url").lower().rstrip("/"))
    model = run.args.text("model") or run.args.text("pretrained") or "None"
    return sha256_of(json.dumps([address, model]).encode())


def system_key(run: Run) -> str:
    """Hash the system that several settings, backends or precisions are tries of: its training, files or server."""
    key = run.training.system or content(run) or server_key(run) or model_key(run)
    return sha256_of(key.encode())


def setting_key(run: Run) -> str:
    """Hash how a model was asked: shots, their seed, chat template, system text, generation, lengths.

    "" for a system that reads no prompt and has no lengths of its own.
    """
    asked = sorted((k, str(v)) for k, v in run.args.given.items() if k in _SETTING_ARGUMENTS and v is not None)
    if kind(run) == "encoder":  # it reads no prompt, but may cut its texts
        return sha256_of(json.dumps(asked).encode()) if asked else ""
    if kind(run) != "causal":
        return ""
    results = run.results
    key = [
        run.n_shot,
        (run.config.fewshot_seed, results.fewshot_as_multiturn) if run.n_shot else None,
        results.chat_template_sha,
        results.system_instruction_sha,
        generation(run),
        asked,
    ]
    return sha256_of(json.dumps(key, default=str, sort_keys=True).encode())


def generation(run: Run) -> dict[str, Any] | None:
    """Return how a run generated text, such as its temperature and length; None if it scored options."""
    task = run.results.task
    return task.generation_kwargs if task.output_type == "generate_until" else None


def _is_served(run: Run) -> bool:
    """Say whether nothing tells which files the model was loaded from, as behind a server."""
    return kind(run) == "causal" and not is_traced(run.config.backend)


def _without_path(value: object) -> str:
    """Return an argument as text, a path as a hash: a record keeps no folders and must be of its run's model."""
    text = str(value)
    return f"path {sha256_of(text.encode(errors='replace'))[:16]}" if text.startswith(("/", "~", ".")) else text
