"""The part of an lm-eval results file that the leaderboard reads: all that is kept of one once it is checked."""

from typing import Any

from recipe_mpr_task.plugin import TRAINING_KEY

_CONFIG = ("model", "model_args", "model_num_parameters", "model_sha", "model_dtype", "model_revision", "limit",
           "batch_size", "device", "fewshot_seed", "recipe_mpr_head", "recipe_mpr_truncated")  # fmt: skip
_RUN = ("date", "lm_eval_version", "transformers_version", "chat_template_sha", "system_instruction_sha",
        "fewshot_as_multiturn", "total_evaluation_time_seconds", TRAINING_KEY)  # fmt: skip
_TASK = ("doc_to_text", "description", "metadata")

IMPORT_MODEL = "recipe-mpr-import"
"""What the record of imported predictions names as its model."""


def kept_of(results: dict[str, Any], task: str) -> dict[str, Any]:
    """Return a results file cut down to one task and to what is read of it; what is not there stays absent.

    Args:
        results: the parsed results file.
        task: the task's name.
    """
    config, task_config = (_mapping(value) for value in (results.get("config"), _in(results, "configs", task)))
    return {key: results[key] for key in _RUN if results.get(key) is not None} | {
        "config": {key: config[key] for key in _CONFIG if key in config},
        "configs": {task: {key: value for key, value in task_config.items() if key in _TASK}},
        "n-shot": {task: _in(results, "n-shot", task) or 0},
        "results": {task: _mapping(_in(results, "results", task))},
    }


def _in(results: dict[str, Any], key: str, task: str) -> Any:
    return _mapping(results.get(key)).get(task)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
