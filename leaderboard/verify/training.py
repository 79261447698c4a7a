"""What a run's model had seen of the scored items, from what evaluation logged: clean, overlap or unknown."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from leaderboard.load.results import Run
from recipe_mpr_task.loaded_model import ADAPTER_ARGUMENTS
from recipe_mpr_task.manifest import MODEL_KEY, TRAINING_KEY
from recipe_mpr_task.metrics import SEEN
from recipe_mpr_task.model_arguments import is_traced, unaccounted
from recipe_mpr_task.splits import TRAINING_SPLITS, parts_of

UNKNOWN = "nothing tells what it was trained on"
CACHE_DOUBT = (
    "run with --use_cache: lm-eval's cache keeps answers without the model's name, so they may be another model's; "
    "keep a cache path for each model, and run without one for the status clean"
)
_LONGEST = 800
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
            "base_known", "random_weights", "family", "wall_time_s", "samples_per_second",
            "peak_memory_bytes")  # fmt: skip
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
    if doubts := [*shared_doubts(run, model_args), *_doubts(run, model_args, record)]:
        return "unknown", f"{UNKNOWN}: {'; '.join(dict.fromkeys(doubts))}"
    if any(flag is None for flag in flags):
        reason = str(record.get("reason", ""))
        return "unknown", f"{UNKNOWN}; its log says: {reason}" if reason else UNKNOWN
    return "clean", str(record.get("reason") or "no scored item was trained or validated on")


def shared_doubts(run: Run, model_args: dict[str, Any]) -> Iterator[str]:
    """Give, in words, what keeps a run of any kind from being clean: its answers may be another model's.

    Args:
        run: the run.
        model_args: its model's arguments.
    """
    record = run.results.get(MODEL_KEY)
    if run.config.get("use_cache") or (isinstance(record, dict) and record.get("request_cache") is not False):
        yield CACHE_DOUBT
    backend = str(run.config.get("model"))
    if is_traced(backend) and (strange := unaccounted(backend, model_args)):
        yield f"model arguments that are not accounted for: {', '.join(strange)}"


def training_flags(run: Run) -> Iterator[str]:
    """Give what a reader should know of a run though it keeps its rank."""
    if CACHE_DOUBT in shared_doubts(run, {}):
        yield CACHE_DOUBT


def _hidden(record: dict[str, Any], items: Sequence[Any]) -> str:
    """The items that the recorded split trains or validates on but that are not logged as seen."""
    if "system" not in record or record.get("split") not in TRAINING_SPLITS:
        return ""
    parts = parts_of(str(record["split"]))
    seen = {*parts.train, *parts.validation}
    hidden = [item.item_id for item in items if item.item_id in seen and item.metrics.get(SEEN) != 1]
    return f"{len(hidden)} items ({', '.join(hidden[:3])})" if hidden else ""


def _doubts(run: Run, model_args: dict[str, Any], record: dict[str, Any]) -> Iterator[str]:
    """Give, in words, everything that would have to be known, and is not, for the logged flags to settle the matter."""
    backend = str(run.config.get("model"))
    loaded = run.results.get(MODEL_KEY)
    if isinstance(loaded, dict) and loaded.get("handed_over") is not False:
        yield "the model was handed over as an object, so its weights may be any; name it by model and model_args"
        return
    if not is_traced(backend):
        yield f"model type {backend[:40]} is not traced"
    elif not isinstance(loaded, dict):
        yield "its results file has no record of the files that were loaded"
    elif "system" in record and not _is_of_its_record(run):
        yield "the files that were loaded are not those of its training record"
    if "system" not in record or record.get("split") not in TRAINING_SPLITS:
        reason = record.get("reason")
        yield f"its log says: {reason}" if reason else "its training record names no manifest"
    elif record.get("base_known") is not True:
        yield str(record.get("reason") or "what its base model had seen is not known")
    for name in ("pretrained", *ADAPTER_ARGUMENTS):
        # --metadata overrides what lm-eval tells the task of the model.
        if str(run.metadata.get(name, model_args.get(name))) != str(model_args.get(name)):
            yield f"the task was told another {name} than was loaded"


def _is_of_its_record(run: Run) -> bool:
    """Say whether the files that were hashed when the model was loaded are those that its manifest lists."""
    loaded, trained = run.results.get(MODEL_KEY), run.results.get(TRAINING_KEY)
    files = loaded.get("files") if isinstance(loaded, dict) else None
    if not isinstance(files, dict) or not isinstance(trained, dict):
        return False
    lists = {name: trained.get(name) for name in ("weights", "settings", "base_files")}
    if not all(isinstance(value, dict) for value in lists.values()):
        return False
    own, base = lists["weights"] | lists["settings"], lists["base_files"]  # type: ignore[operator]
    is_adapter = trained.get("form") == "adapter"
    expected = {f"{'peft' if is_adapter else 'pretrained'}/{name}": value for name, value in own.items()}
    if is_adapter:
        expected |= {f"pretrained/{name}": value for name, value in base.items()}  # type: ignore[union-attr]
    return bool(own) and files == expected
