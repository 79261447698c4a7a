"""Identify a run: return the kind and name of its system, and hashes of its model and settings."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from leaderboard.load.run import Run
from leaderboard.load.schema import IMPORT_MODEL
from recipe_mpr_task import prompts
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.model_arguments import ALIASES, is_traced
from recipe_mpr_task.names import folder_name, is_path, shown_text
from recipe_mpr_task.result_records import TrainingRecord

_ADAPTER_ARGUMENTS = ("peft", "lora_local_path", "delta")
_MODEL_ARGUMENTS = ("pretrained", "model", "path", "engine")
"""Model arguments that can name the model. The first argument that is set is used."""

_RUNTIME_ARGUMENTS = frozenset(
    ("device", "batch_size", "max_batch_size", "max_batch_tokens", "parallelize", "num_concurrent", "device_map",
     "tensor_parallel_size", "data_parallel_size", "gpu_memory_utilization", "max_memory_per_gpu", "max_cpu_memory",
     "offload_folder", "logits_cache", "low_cpu_mem_usage", "max_retries", "timeout", "swap_space")
)  # fmt: skip
"""Model arguments that change how a model runs, but not its answers."""

_SETTING_ARGUMENTS = frozenset(
    ("max_length", "max_gen_toks", "add_bos_token", "prefix_token_id", "truncation", "enable_thinking",
     "think_end_token", "chat_template_args", "max_model_len")
)  # fmt: skip
"""Model arguments that can change a model's answers, such as the maximum text length."""

_DEFAULTS = {("seed", "0"), ("trust_remote_code", "False"), ("revision", "main"), ("use_safetensors", "True")}
"""Default values of model arguments, as text. An argument with its default value is ignored."""

Kind = Literal["causal", "encoder", "baseline", "imported"]
IMPORTED: Kind = "imported"
FOLDER, HUB = "folder", "hub"
_KINDS: dict[str, Kind] = {"recipe-mpr-baseline": "baseline", "recipe-mpr-encoder": "encoder", IMPORT_MODEL: IMPORTED}


def kind(run: Run) -> Kind:
    """Return the kind of a run's system. Every model that reads a prompt has the kind "causal"."""
    return _KINDS.get(run.config.backend, "causal")


def prompt_name(run: Run) -> str:
    """Return the name of the run's prompt template; "other" if the template is not part of this project."""
    return prompts.name_of(str(run.results.task.doc_to_text)) or "other"


def is_order_invariant(run: Run) -> bool:
    """Return whether the system scores each option alone, so that an option's position has no effect."""
    return kind(run) == "encoder" or (kind(run) == "baseline" and run.args.text("kind") != "first")


def is_from_random_weights(run: Run) -> bool:
    """Return whether the model has random weights, or was trained from a model with random weights."""
    return bool(run.training.random_weights or run.loaded.random_weights)


def identity(run: Run) -> str:
    """Return a hash of the model and its settings. Runs of one task with the same hash repeat one measurement.

    The prompt is not hashed, because the task determines the prompt. The run's machine and time are not hashed.
    The display name is hashed only for a model behind a server.
    """
    return sha256_of(f"{model_key(run)}|{setting_key(run)}".encode())


def model_key(run: Run) -> str:
    """Return a hash of a run's model. Runs with the same hash have the same model.

    The weights are identified by the recorded training, else by the content of the files, else by the path. The path
    comes last, because folders can be moved, and a folder's files can change. For a model behind a server, the files
    are unknown. The hash then covers the server's address and the display name.
    """
    if run.is_record and run.config.recipe_mpr_identity:
        return run.config.recipe_mpr_identity
    config, training, hashed = run.config, run.training, run.loaded.sha256
    weights = hashed or (config.model_sha if kind(run) == "encoder" else None)
    left_out = {*_RUNTIME_ARGUMENTS, *_SETTING_ARGUMENTS, "dtype" if config.model_dtype else ""}
    if training.has_manifest or hashed:
        left_out |= {"pretrained", "peft", "lora_local_path", "revision"}
    if weights:  # `recipe_mpr_head` in the key below replaces the argument `head`
        left_out |= {"pretrained", "head"}
    key = [
        ALIASES.get(config.backend, config.backend),
        sorted(
            (name, _without_path(value))
            for name, value in run.args.given.items()
            if name not in left_out and value is not None and (name, str(value)) not in _DEFAULTS
        ),
        # All models that were trained by one recipe are one system, for example on several folds.
        _of_training(training) if training.has_manifest else weights or config.model_sha,
        config.recipe_mpr_head,
        config.model_dtype,
        run.results.task.metadata.recipe_mpr_system if _is_served(run) else None,
    ]
    return sha256_of(json.dumps(key, default=str).encode())


def _of_training(training: TrainingRecord) -> list[str | None]:
    """Return the values that identify trained weights. An unselected checkpoint has an additional value."""
    return [training.system, training.form, *([training.unselected] if training.unselected else [])]


def server_key(run: Run) -> str | None:
    """Return a hash of the server's address and the model name; None if lm-eval loaded the model itself."""
    if not _is_served(run):
        return None
    address = run.args.text("base_url").lower().rstrip("/")
    address = re.sub(r"//(127\.0\.0\.1|\[::1\]|0\.0\.0\.0)", "//localhost", address)
    model = run.args.text("model") or run.args.text("pretrained") or "None"
    return sha256_of(json.dumps([address, model]).encode())


def system_key(run: Run) -> str:
    """Return a hash of the first known value of: recorded training, hash of the files, `server_key`, `model_key`.

    Only `model_key` depends on the backend, the precision and further model arguments.
    """
    key = run.training.system or run.loaded.sha256 or server_key(run) or model_key(run)
    return sha256_of(key.encode())


def setting_key(run: Run) -> str:
    """Return a hash of a run's settings: shots, chat template, system text, generation, `_SETTING_ARGUMENTS`.

    Return "" for baselines and imported systems, and for encoders without `_SETTING_ARGUMENTS`.
    """
    asked = sorted((k, str(v)) for k, v in run.args.given.items() if k in _SETTING_ARGUMENTS and v is not None)
    if kind(run) == "encoder":  # an encoder reads no prompt, but can cut long texts
        return sha256_of(json.dumps(asked).encode()) if asked else ""
    if kind(run) != "causal":
        return ""
    key = [
        run.n_shot,
        (run.config.fewshot_seed, run.results.fewshot_as_multiturn) if run.n_shot else None,
        run.results.chat_template_sha,
        run.results.system_instruction_sha,
        generation(run),
        asked,
    ]
    return sha256_of(json.dumps(key, default=str, sort_keys=True).encode())


def generation(run: Run) -> dict[str, Any] | None:
    """Return the settings of text generation, such as the temperature; None if the model scored options instead."""
    task = run.results.task
    return task.generation_kwargs if task.output_type == "generate_until" else None


def _is_served(run: Run) -> bool:
    """Return whether the model's files are unknown, for example because the model is behind a server."""
    return kind(run) == "causal" and not is_traced(run.config.backend)


def _without_path(value: object) -> str:
    """Return an argument's value as text. If the value is a path, return a hash of the path."""
    text = str(value)
    return f"path {sha256_of(text.encode(errors='replace'))[:16]}" if text.startswith(("/", "~", ".")) else text


def system_name(run: Run) -> str:
    """Return the system's display name: the name set in the run's metadata, else a name made from the model."""
    return shown_text(_name(run)) or "a system without a name"


def _name(run: Run) -> str:
    if named := run.results.task.metadata.recipe_mpr_system:
        return str(named)
    if kind(run) in ("baseline", IMPORTED):
        return run.args.text("kind") or run.args.text("name") or "None"
    training = run.training
    if training.recipe_name is not None:
        base = "base unknown" if training.base_model is None else training.base_model
        merged = ", merged" if training.form == "merged" else ""
        return f"{training.recipe_name} ({_shown(base, _base_source(run))}{merged})"
    name = _shown(*_loaded(run, _ADAPTER_ARGUMENTS)) or _shown(*_loaded(run, _MODEL_ARGUMENTS)) or run.config.backend
    return f"{name} ({run.config.recipe_mpr_head})" if run.config.recipe_mpr_head else name


def model_ids(run: Run) -> dict[str, str | None]:
    """Return the names of the loaded base model, adapter and backend, keyed by the fields of `rank.row.LoadedNames`.

    The base model of an adapter is taken from the training manifest, if there is one.
    """
    (adapter, adapter_from), (base, base_from) = _loaded(run, _ADAPTER_ARGUMENTS), _loaded(run, _MODEL_ARGUMENTS)
    if adapter and run.training.base_model is not None:
        base, base_from = run.training.base_model, _base_source(run)
    return {
        "base": _shown(base, base_from) or None,
        "base_from": base_from,
        "adapter": _shown(adapter, adapter_from) or None,
        "adapter_from": adapter_from,
        "revision": shown_text(revision) if (revision := run.args.text("revision")) else None,
        "baseline": shown_text(run.args.text("kind") or "None") if kind(run) == "baseline" else None,
        "backend": shown_text(run.config.backend),
    }


def _loaded(run: Run, arguments: Sequence[str]) -> tuple[str, str | None]:
    """Return (name, source) from the first of `arguments` that is set; ("", None) if no argument is set."""
    name = next(filter(None, map(run.args.text, arguments)), "")
    return name, _source(run, name, is_adapter=arguments == _ADAPTER_ARGUMENTS) if name else None


def _source(run: Run, name: str, *, is_adapter: bool) -> str | None:
    """Return where a model was loaded from, FOLDER or HUB; None if unknown, as "a/b" can name a folder or a hub id."""
    if is_path(name):
        return FOLDER
    recorded = run.loaded.sources.get("peft" if is_adapter else "pretrained")
    if recorded in (FOLDER, HUB):
        return recorded
    is_traced_part = is_adapter or not _loaded(run, _ADAPTER_ARGUMENTS)[0]
    is_read_beside = run.training.has_manifest or run.training.reason == "no training manifest beside the weights"
    if is_traced_part and is_read_beside:
        return FOLDER  # a manifest is read, or reported missing, only for a folder
    # These backends log a commit for a model from the hub, and no commit for a folder.
    commit = run.config.peft_sha if is_adapter else run.config.model_sha
    return HUB if commit and run.config.backend in ("hf", "hf-auto", "huggingface", "vllm") else None


def _base_source(run: Run) -> str | None:
    """Return where the base model of a trained model comes from, FOLDER or HUB; None if unknown."""
    if run.training.base_known and "/" in (run.training.base_model or ""):
        return HUB
    return _loaded(run, _MODEL_ARGUMENTS)[1] if _loaded(run, _ADAPTER_ARGUMENTS)[0] else None


def _shown(name: str, source: str | None) -> str:
    """Return a model's name for display. A path is shortened to its folder name.

    A folder's name that looks like a hub id gets "./" in front.
    """
    if is_path(name):
        return folder_name(name)
    return f"./{name}" if source == FOLDER and "/" in name else name
