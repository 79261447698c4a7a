"""Run a recipe: check it, prepare the base model, train, and write the results."""

import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import checkpoints
from finetune.base import Base, prepare_base
from finetune.data import TrainingData, training_data
from finetune.lora import on_meta_device, parameter_counts
from finetune.outputs import recipe_text
from finetune.recipe import RECIPE_FILE, TRACKERS, Recipe, RecipeError
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.loaded_files import combined_sha256
from recipe_mpr_task.manifest import TrainingManifest, read_manifest
from recipe_mpr_task.models.heads import HEADS

if TYPE_CHECKING:
    from finetune.step_trainer import StepTrainer

BASE_FOLDER = "base"


def is_first_process() -> bool:
    """Return whether this process is the first. The first process writes files and output for all processes.

    torchrun and accelerate set RANK to the number of the process, from 0. Without RANK, there is only one process.
    """
    return int(os.environ.get("RANK", "0")) == 0


def check(recipe: Recipe, *, resume: bool = False) -> None:
    """Check as much of a run as possible before weights are loaded or files are written.

    Args:
        recipe: the run's settings.
        resume: whether to continue a run that `out` already holds.

    Raises:
        RecipeError, CheckpointError: the model is not found, does not fit the head, or lacks a target module; a needed
            package or GPU is missing; or `out` cannot be used.
        DataError: the dataset is missing or altered.
    """
    _check_packages(recipe)
    if is_first_process():
        if recipe.split == "folds" and not resume:
            checkpoints.check_out(recipe, resume=False)
        for run in recipe.folds():
            checkpoints.check_out(run, resume=resume)
    on_meta_device(recipe)
    training_data(recipe.folds()[0].split)


def _check_packages(recipe: Recipe) -> None:
    from importlib.util import find_spec

    import torch

    if recipe.quantization == "4bit" and not (find_spec("bitsandbytes") and torch.cuda.is_available()):
        raise RecipeError("quantization=4bit needs a GPU and the package bitsandbytes; or set quantization=none")
    if recipe.attention == "flash_attention_2" and not find_spec("flash_attn"):
        raise RecipeError("attention=flash_attention_2 needs the package flash-attn; or set attention=sdpa")
    if missing := [name for name in recipe.report_to if not find_spec(name)]:
        packages = " ".join(TRACKERS[name] for name in missing)
        raise RecipeError(f"report_to={','.join(missing)} needs a package: pip install {packages}")
    if recipe.dtype == "float16" and not torch.cuda.is_available():
        raise RecipeError("dtype=float16 trains on a GPU only; set dtype=float32 or bfloat16")


def train_all(recipe: Recipe, *, resume: bool = False) -> Iterator[tuple[Path, TrainingManifest]]:
    """Train the runs of a recipe. With split=folds, each fold is a run; otherwise, there is a single run.

    Args:
        recipe: a recipe that has passed `check`.
        resume: whether to continue interrupted runs and skip finished runs.

    Yields:
        The folder and manifest of each finished run.

    Raises:
        TrainingError: training stopped. The last complete checkpoint is kept, so that `resume` can continue.
        RecipeError, CheckpointError: `out`, the base model or a manifest cannot be used.
    """
    base_folder = Path(recipe.out).resolve() / BASE_FOLDER
    for single in recipe.folds():
        finished = read_manifest(Path(single.out)) if resume else None
        yield (
            Path(single.out),
            finished or train(single, training_data(single.split, refit=recipe.refit), base_folder, resume=resume),
        )


def train(recipe: Recipe, data: TrainingData, base_folder: Path, *, resume: bool = False) -> TrainingManifest:
    """Train one run, write its files to `recipe.out`, and return its manifest.

    Args:
        recipe: a recipe for one split, not for "folds".
        data: the split's items.
        base_folder: folder of a random base model. If the folder has no model, the model is built there.
        resume: whether to continue from the last complete checkpoint, if there is one.

    Raises:
        TrainingError: training stopped.
        RecipeError, CheckpointError: `recipe.out` or the base model cannot be used.
    """
    from finetune.progress import Spent
    from finetune.setup import arguments_for, build_trainer, close_trackers, finish
    from finetune.steps import n_steps

    out = Path(recipe.out)
    with _held(out, recipe):
        arguments = arguments_for(recipe, n_steps(recipe, data.train))
        with _undone_on_error(base_folder), _undone_on_error(out):
            with arguments.main_process_first():
                base = prepare_base(recipe, base_folder)
                _record_base(recipe, base, base_folder)
                checkpoint, before = checkpoints.last_whole_checkpoint(out) if resume else (None, Spent())
            trainer = build_trainer(recipe, data, base, arguments, before)
            if recipe.keep_checkpoints and trainer.is_fsdp_enabled:
                raise RecipeError(
                    "keep_checkpoints=true does not work with FSDP, which saves checkpoints in shards; "
                    "set keep_checkpoints=false"
                )
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            trainer.progress.close()
            close_trackers(recipe)
        manifest = finish(trainer, manifest_of(recipe, data, base, trainer), out)
        if arguments.process_index == 0:
            shutil.rmtree(out / checkpoints.CHECKPOINTS, ignore_errors=True)
    return manifest


def _record_base(recipe: Recipe, base: Base, base_folder: Path) -> None:
    """Check that the base model has not changed since the run began.

    The first process writes the base model's hash into `recipe.yaml`, if the hash is known.
    """
    out, sha256 = Path(recipe.out), combined_sha256(base.files)
    checkpoints.check_base(out, base_folder, sha256)
    if is_first_process() and sha256:
        write_atomic(out / RECIPE_FILE, recipe_text(recipe.model_copy(update={"base_sha256": sha256})))


@contextmanager
def _undone_on_error(folder: Path) -> Iterator[None]:
    """Delete `folder` if the block raises RecipeMPRError.

    If the folder held files other than a recipe and a lock before the block, the folder is kept.
    """
    ours = {RECIPE_FILE, checkpoints.LOCK}
    fresh = not folder.is_dir() or {path.name for path in folder.iterdir()} <= ours
    try:
        yield
    except RecipeMPRError:
        if fresh and is_first_process():
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                folder.parent.rmdir()  # also delete the folder of all folds, if it is empty now
        raise


@contextmanager
def _held(out: Path, recipe: Recipe) -> Iterator[None]:
    """Lock the run's folder. Write `recipe.yaml` if it does not exist. Only the first process locks and writes."""
    if not is_first_process():
        yield
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(f"out={out}: cannot create the folder ({error.strerror}); choose another out=") from None
    with checkpoints.locked(out):
        if not (out / RECIPE_FILE).is_file():
            write_atomic(out / RECIPE_FILE, recipe_text(recipe))
        yield
    (out / checkpoints.LOCK).unlink(missing_ok=True)


def manifest_of(recipe: Recipe, data: TrainingData, base: Base, trainer: "StepTrainer[Any]") -> dict[str, Any]:
    """Return all fields of the run's manifest except the hashes of the checkpoint's files."""
    from finetune.kept import selected_step
    from finetune.outputs import versions
    from finetune.progress import history_of
    from recipe_mpr_task import TASK_VERSION

    trainable, total = parameter_counts(trainer.model)
    spent = trainer.progress.spent
    settings = recipe.model_dump(mode="json", exclude={"out", "base_sha256"})
    settings |= {"model": base.name, "attention": trainer.model.config._attn_implementation}
    return {
        "dataset_sha256": data.dataset_sha256,
        "split": recipe.split,
        "train_ids": sorted(item.item_id for item in data.train),
        "validation_ids": sorted(item.item_id for item in data.validation),
        "test_ids": sorted(data.test_ids),
        "inherited_ids": sorted(base.seen),
        "order": recipe.order,
        "prompt": recipe.prompt if HEADS[recipe.head].is_causal else "",
        "task_version": TASK_VERSION,
        "seed": recipe.seed,
        "head": recipe.head,
        "form": "adapter" if recipe.lora else "full",
        "base_model": base.name,
        "base_revision": base.revision,
        "base_files": base.files,
        "base_known": not base.doubt,
        "base_reason": base.doubt,
        "random_weights": base.is_random,
        "system": recipe.system(base.identity),
        # The family hash must not depend on the seed. Random weights depend on it, so hash a random base model's name.
        "family": recipe.family(base.name if base.is_random else base.identity),
        "recipe_name": recipe.name,
        "recipe": settings,
        "versions": versions(),
        "wall_time_s": round(spent.wall_time_s, 3),
        "peak_memory_bytes": spent.peak_memory_bytes,
        "samples_per_second": round(len(data.train) * recipe.epochs / spent.wall_time_s, 3),
        "seconds_per_item": round(spent.wall_time_s / (len(data.train) * recipe.epochs), 6),
        "tokens_per_second": round(spent.n_tokens / spent.wall_time_s, 1),
        "hardware": spent.hardware[:500],
        "step": selected_step(trainer.state, best=recipe.select == "best"),
        "trainable_parameters": trainable,
        "total_parameters": total,
        "history": [_finite(entry) for entry in history_of(trainer.state.log_history)],
    }


def _finite(entry: dict[str, float]) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in entry.items()}
