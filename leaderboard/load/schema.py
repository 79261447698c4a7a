"""The part of a results file that the leaderboard reads. The file can come from anybody: what is kept of it is tame.

Numbers are finite and of a size that JSON readers agree on, texts are bounded and hold no half characters, nesting is
bounded. Whatever is not is left out, and what needed it says that it is missing.
"""

import math
from typing import Any

from recipe_mpr_task.manifest import MODEL_KEY, TRAINING_KEY

FLAGS = "recipe_mpr_flags"
"""Of a record: the flags of the run that it was made of."""

MODEL_IDENTITY = "recipe_mpr_identity"
"""Of a record's config: which model it is, as the run told it by paths, see `identity.model_key`."""

AROUND = "recipe_mpr_around"
"""Of a record: what stood around the prompts of the run that it was made of, see `around.Surroundings.as_text`."""

LONGEST_AROUND = 20_000
"""Characters of a text around the prompts that a record keeps."""

_CONFIG = ("model", "model_args", "model_num_parameters", "model_sha", "peft_sha", "model_dtype", "model_revision",
           "limit", "batch_size", "device", "fewshot_seed", "use_cache", "recipe_mpr_head", "recipe_mpr_truncated",
           "recipe_mpr_truncated_in", MODEL_IDENTITY)  # fmt: skip
_SECONDS = "total_evaluation_time_seconds"
_RUN = ("date", "lm_eval_version", "transformers_version", "chat_template_sha", "system_instruction_sha",
        "system_instruction", "fewshot_as_multiturn", _SECONDS, TRAINING_KEY, MODEL_KEY, FLAGS)  # fmt: skip
_TASK = ("doc_to_text", "description", "metadata", "doc_to_choice", "doc_to_target", "target_delimiter",
         "fewshot_delimiter", "output_type", "gen_prefix", "generation_kwargs", "repeats")  # fmt: skip
_LARGEST = 2**53
_LONGEST = 2_000
_LONGEST_PROMPT = 20_000
_MOST = 20_000
_DEEPEST = 8
_DEPTH_OF_PROMPTS = 3

CHOSEN = "recipe_mpr_chosen"
"""A sample's field of chosen recipe ids, where a record has choices without scores."""

IMPORT_MODEL = "recipe-mpr-import"
"""What the record of imported predictions names as its model."""


def kept_of(results: dict[str, Any], task: str) -> dict[str, Any]:
    """Return a results file cut down to one task and to what is read of it, tamed; what is not there stays absent.

    Args:
        results: the parsed results file.
        task: the task's name.
    """
    config, task_config = (_mapping(value) for value in (results.get("config"), _in(results, "configs", task)))
    kept = {key: results[key] for key in _RUN if results.get(key) is not None} | {
        "config": {key: config[key] for key in _CONFIG if key in config},
        "configs": {task: {key: value for key, value in task_config.items() if key in _TASK}},
        "n-shot": {task: _in(results, "n-shot", task) or 0},
        "results": {task: _mapping(_in(results, "results", task))},
    }
    if len(_mapping(results.get("configs"))) > 1:
        kept.pop(_SECONDS, None)  # the time of all tasks that were run together is none's
    tamed: dict[str, Any] = _tame(kept)
    if isinstance(around := results.get(AROUND), str):
        tamed[AROUND] = around[:LONGEST_AROUND].encode(errors="replace").decode()
    return tamed


def _tame(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        longest = _LONGEST_PROMPT if depth == _DEPTH_OF_PROMPTS else _LONGEST
        return value[:longest].encode(errors="replace").decode()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value if abs(value) <= _LARGEST and math.isfinite(value) else None
    if depth < _DEEPEST and isinstance(value, dict):
        return {_tame(str(key)): _tame(inner, depth + 1) for key, inner in list(value.items())[:_MOST]}
    if depth < _DEEPEST and isinstance(value, list):
        return [_tame(inner, depth + 1) for inner in value[:_MOST]]
    return None


def _in(results: dict[str, Any], key: str, task: str) -> Any:
    return _mapping(results.get(key)).get(task)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
