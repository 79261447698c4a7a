"""Who a run is of: its kind, and its identity for counting it once; for its name see `naming`."""

import json
import math
from typing import Any

from leaderboard.load.files import Run
from leaderboard.load.recorded import IMPORT_MODEL
from leaderboard.validate.training import training_record
from recipe_mpr_task import prompts
from recipe_mpr_task.files import sha256_of

_RUNTIME_ARGUMENTS = frozenset(
    ("device", "batch_size", "max_batch_size", "max_batch_tokens", "parallelize", "num_concurrent", "base_url",
     "tensor_parallel_size", "data_parallel_size", "gpu_memory_utilization", "device_map")
)  # fmt: skip
"""Model arguments that say how to run a model, not which model it is."""

_WEIGHT_ARGUMENTS = ("pretrained", "peft", "lora_local_path", "revision")
_ALIASES = {"huggingface": "hf", "hf-auto": "hf"}
"""Names that lm-eval has for one backend."""


def model_args(run: Run) -> dict[str, Any]:
    """Return the model's arguments as a mapping, however lm-eval recorded them."""
    recorded = run.config.get("model_args")
    if isinstance(recorded, str):
        pairs = (pair.partition("=") for pair in recorded.split(",") if pair)
        return {key.strip(): value for key, _, value in pairs}
    return recorded if isinstance(recorded, dict) else {}


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


def identity(run: Run) -> str:
    """Hash what makes two runs of one task the same measurement.

    Model, its arguments and weights, or how it was trained; of a system that reads prompts also shots and their seed,
    chat template and system text. Not the display name, nor where and when it ran, nor the prompt, which is the task's.
    """
    arguments = {k: str(v) for k, v in model_args(run).items() if k not in _RUNTIME_ARGUMENTS and not _is_default(k, v)}
    reads_prompt = kind(run) == "causal"
    trained = training_record(run)
    if "system" in trained:
        # Trained here: the folds of one recipe are one system, and so is its being trained once more.
        for name in _WEIGHT_ARGUMENTS:
            arguments.pop(name, None)
    weights = run.config.get("model_sha") if kind(run) == "encoder" else None
    if weights:  # a folder copied under another name is the same model; its head is recorded as it was resolved
        arguments.pop("pretrained", None)
        arguments.pop("head", None)
    backend = str(run.config.get("model"))
    key = [
        _ALIASES.get(backend, backend),
        sorted(arguments.items()),
        [trained["system"], trained.get("form")] if "system" in trained else weights or run.config.get("model_sha"),
        run.config.get("recipe_mpr_head"),
    ]
    if reads_prompt:
        key += [
            run.n_shot,
            (run.config.get("fewshot_seed"), run.results.get("fewshot_as_multiturn")) if run.n_shot else None,
            run.results.get("chat_template_sha"),
            run.results.get("system_instruction_sha"),
        ]
    return sha256_of(json.dumps(key, default=str).encode())


def _is_default(name: str, value: Any) -> bool:
    return (name, str(value)) in (("seed", "0"), ("trust_remote_code", "False"), ("revision", "main"))
