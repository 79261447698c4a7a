"""What a run's model had seen of the scored items, from what evaluation logged: clean, overlap or unknown."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from leaderboard.load.files import Run
from recipe_mpr_task.metrics import SEEN
from recipe_mpr_task.plugin import TRAINING_KEY
from recipe_mpr_task.provenance import ADAPTER_ARGUMENTS, UNTRACEABLE_ARGUMENTS, is_off
from recipe_mpr_task.splits import TRAINING_SPLITS, parts_of

_TRACED_BACKENDS = ("hf", "hf-auto", "huggingface", "vllm", "recipe-mpr-encoder")
UNKNOWN = "nothing tells what it was trained on"
_LONGEST = 300
_MOST_STEPS = 2000

CURVES = ("loss", "eval_cross_entropy", "eval_accuracy", "learning_rate", "grad_norm")
"""What a training curve may show."""


def training_record(run: Run) -> dict[str, Any]:
    """Return what the results file says of the model's training; empty if it says nothing.

    The file can come from anybody: only short texts and numbers pass.
    """
    found = run.results.get(TRAINING_KEY)
    if not isinstance(found, dict):
        return {}
    kept = ("reason", "recipe_name", "split", "seed", "base_model", "system", "form", "order", "trainable_parameters",
            "base_known", "wall_time_s", "samples_per_second", "peak_memory_bytes")  # fmt: skip
    return {k: found[k] for k in kept if isinstance(found.get(k), (int, float)) or _is_short(found.get(k))}


def training_history(run: Run) -> tuple[dict[str, float], ...]:
    """Return the values that were logged in training, by step; empty if the results file has none."""
    found = run.results.get(TRAINING_KEY)
    entries = found.get("history") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        return ()
    kept = [{k: e[k] for k in ("step", *CURVES) if _is_number(e.get(k))} for e in entries if isinstance(e, dict)]
    return tuple(entry for entry in kept if len(entry) > 1 and "step" in entry)[:_MOST_STEPS]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def training_status(run: Run, model_args: dict[str, Any], items: Sequence[Any]) -> tuple[str, str]:
    """Return (status, reason) of a run whose items and numbers are in order.

    Args:
        run: the run.
        model_args: its model's arguments.
        items: its `validate.ItemResult`s.
    """
    flags = [item.metrics.get(SEEN) for item in items]
    if seen := sum(flag == 1 for flag in flags):
        return "overlap", f"{seen} of the {len(items)} scored items were trained or validated on"
    record = training_record(run)
    if hidden := _hidden(record, items):
        return "excluded", f"{hidden} are logged as unseen, though its training record's split has them"
    if doubt := _doubt(run, model_args, record):
        return "unknown", doubt
    if any(flag is None for flag in flags):
        reason = str(record.get("reason", ""))
        return "unknown", f"{UNKNOWN}; its log says: {reason}" if reason else UNKNOWN
    return "clean", str(record.get("reason") or "no scored item was trained or validated on")


def training_flags(run: Run, status: str) -> Iterator[str]:
    """Give what a reader should know of a status that rests on the log alone."""
    if status == "clean" and run.config.get("model") != "recipe-mpr-baseline" and not training_record(run):
        yield "clean by its own word: the results file holds no training record, only the items' flags"


def _hidden(record: dict[str, Any], items: Sequence[Any]) -> str:
    """The items that the recorded split trains or validates on but that are not logged as seen."""
    if "system" not in record or record.get("split") not in TRAINING_SPLITS:
        return ""
    parts = parts_of(str(record["split"]))
    seen = {*parts.train, *parts.validation}
    hidden = [item.item_id for item in items if item.item_id in seen and item.metrics.get(SEEN) != 1]
    return f"{len(hidden)} items ({', '.join(hidden[:3])})" if hidden else ""


def _doubt(run: Run, model_args: dict[str, Any], record: dict[str, Any]) -> str:
    """Why the logged flags do not settle the matter, or nothing."""
    for name in UNTRACEABLE_ARGUMENTS:
        if not is_off(model_args.get(name)):
            return f"{UNKNOWN}: {name} makes another model than its manifest speaks of"
    is_whole = "system" in record and record.get("split") in TRAINING_SPLITS and record.get("base_known") is not False
    if record and not is_whole:
        reason = record.get("reason")
        return f"{UNKNOWN}; its log says: {reason}" if reason else f"{UNKNOWN}: its training record names no manifest"
    if record:
        return ""  # the loaded model itself was traced
    if run.config.get("model") not in _TRACED_BACKENDS:
        return f"{UNKNOWN}: model type {str(run.config.get('model'))[:40]} is not traced"
    for name in ("pretrained", *ADAPTER_ARGUMENTS):
        # --metadata overrides what lm-eval tells the task of the model.
        if str(run.metadata.get(name, model_args.get(name))) != str(model_args.get(name)):
            return f"{UNKNOWN}: the task was told another {name} than was loaded"
    return ""
