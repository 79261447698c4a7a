"""What a run's model had seen of the scored items, by what evaluation logged."""

from collections.abc import Iterator

from leaderboard.load.schema import Run
from recipe_mpr_task.loaded_model import ADAPTER_ARGUMENTS
from recipe_mpr_task.model_arguments import is_traced, unaccounted
from recipe_mpr_task.splits import TRAINING_SPLITS

UNKNOWN = "nothing tells what it was trained on"
CACHE_DOUBT = (
    "run with --use_cache: lm-eval's cache keeps answers without the model's name, so they may be another model's; "
    "keep a cache path for each model, and run without one for the status clean"
)


def used_cache(run: Run) -> bool:
    """Say whether the answers may come from lm-eval's request cache, and so from another model."""
    loaded = run.results.loaded
    return bool(run.config.use_cache) or (loaded is not None and loaded.request_cache is not False)


def shared_doubts(run: Run) -> Iterator[str]:
    """Give, in words, each reason for which a run of any kind cannot be clean: its answers may be another model's."""
    if used_cache(run):
        yield CACHE_DOUBT
    backend = run.config.backend
    if is_traced(backend) and (strange := unaccounted(backend, run.args.given)):
        yield f"model arguments that are not accounted for: {', '.join(strange)}"


def training_doubts(run: Run) -> Iterator[str]:
    """Give, in words, each reason why the logged `seen_in_training` is inconclusive for a trained model."""
    backend, training, loaded = run.config.backend, run.training, run.results.loaded
    if loaded is not None and loaded.handed_over is not False:
        yield "the model was handed over as an object, so its weights may be any; name it by model and model_args"
        return
    if not is_traced(backend):
        yield f"model type {backend[:40]} is not traced"
    elif loaded is None:
        yield "its results file has no record of the files that were loaded"
    elif training.has_manifest and not _is_of_its_record(run):
        yield "the files that were loaded are not those of its training record"
    if not training.has_manifest or training.split not in TRAINING_SPLITS:
        yield f"its log says: {training.reason}" if training.reason else "its training record names no manifest"
    elif not training.base_known:
        yield training.reason or "what its base model had seen is not known"
    for name in ("pretrained", *ADAPTER_ARGUMENTS):
        loaded_name = str(run.args.given.get(name))
        # --metadata overrides what lm-eval tells the task of the model.
        if run.results.task.metadata.told(name, loaded_name) != loaded_name:
            yield f"the task was told another {name} than was loaded"


def _is_of_its_record(run: Run) -> bool:
    """Say whether the files that were hashed when the model was loaded are those that its manifest lists."""
    training = run.training
    if training.weights is None or training.settings is None or training.base_files is None:
        return False
    own, is_adapter = training.weights | training.settings, training.form == "adapter"
    expected = {f"{'peft' if is_adapter else 'pretrained'}/{name}": value for name, value in own.items()}
    if is_adapter:
        expected |= {f"pretrained/{name}": value for name, value in training.base_files.items()}
    return bool(own) and run.loaded.files == expected
