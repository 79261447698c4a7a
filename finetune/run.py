"""A training run as a whole: checked first, then base model, adapter, training, and what remains."""

import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import checkpoints
from finetune.base import Base, prepare_base
from finetune.lora import on_meta_device, parameter_counts
from finetune.outputs import recipe_text
from finetune.recipe import RECIPE_FILE, Recipe, RecipeError
from recipe_mpr_task.data import SHA256
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.item import Item
from recipe_mpr_task.loaded_files import combined_sha256
from recipe_mpr_task.manifest import TrainingManifest, read_manifest, sample_sha256
from recipe_mpr_task.splits import items_of, parts_of

if TYPE_CHECKING:
    from finetune.progress import Spent

BASE_FOLDER = "base"


@dataclass(frozen=True)
class TrainingData:
    """The items of a run.

    Attributes:
        train: gradients are taken on these.
        validation: the checkpoint is selected by these.
        test_ids: held out from both.
        dataset_sha256: names the dataset that the ids index.
    """

    train: tuple[Item, ...]
    validation: tuple[Item, ...]
    test_ids: tuple[str, ...]
    dataset_sha256: str


def data_of(split: str, *, refit: bool = False) -> TrainingData:
    """Load a split's items.

    Args:
        split: one of `splits.TRAINING_SPLITS`.
        refit: train on the validation part as well.

    Raises:
        DataError: the dataset cannot be had.
    """
    parts = parts_of(split)
    by_id = {item.item_id: item for item in items_of(split)}
    train, validation = (sorted(parts.train + parts.validation), ()) if refit else (parts.train, parts.validation)
    return TrainingData(
        train=tuple(by_id[i] for i in train),
        validation=tuple(by_id[i] for i in validation),
        test_ids=parts.test,
        dataset_sha256=sample_sha256() if split == "sample" else SHA256,
    )


def is_first_process() -> bool:
    """Say whether this process writes and speaks for all; torchrun and accelerate set RANK."""
    return int(os.environ.get("RANK", "0")) == 0


def check(recipe: Recipe, *, resume: bool = False) -> None:
    """Check all of a run that can be checked before anything is loaded or written.

    Raises:
        RecipeError: the model or a target module is not there, a package is missing, or `out` is in use.
        DataError: the dataset cannot be had.
    """
    _check_packages(recipe)
    if is_first_process():
        if recipe.split == "folds" and not resume:
            checkpoints.check_out(recipe, resume=False)
        for run in recipe.folds():
            checkpoints.check_out(run, resume=resume)
    on_meta_device(recipe)
    data_of(recipe.folds()[0].split)


def _check_packages(recipe: Recipe) -> None:
    from importlib.util import find_spec

    import torch

    if recipe.quantization == "4bit" and not (find_spec("bitsandbytes") and torch.cuda.is_available()):
        raise RecipeError("quantization=4bit needs a GPU and the package bitsandbytes; or set quantization=none")
    if recipe.attention == "flash_attention_2" and not find_spec("flash_attn"):
        raise RecipeError("attention=flash_attention_2 needs the package flash-attn; or set attention=sdpa")
    if recipe.dtype == "float16" and not torch.cuda.is_available():
        raise RecipeError("dtype=float16 trains on a GPU only; set dtype=float32 or bfloat16")


def run(recipe: Recipe, *, resume: bool = False) -> Iterator[tuple[Path, TrainingManifest]]:
    """Train what a checked recipe asks for: one run, or one for each fold.

    Args:
        recipe: see `check`, which must have passed.
        resume: go on with runs that were cut off; finished folds are kept as they are.

    Yields:
        The folder and manifest of each finished run.

    Raises:
        TrainingError: training stopped; the last good checkpoint is kept for `resume`.
    """
    base_folder = Path(recipe.out).resolve() / BASE_FOLDER
    for single in recipe.folds():
        finished = read_manifest(Path(single.out)) if resume else None
        yield (
            Path(single.out),
            finished or train(single, data_of(single.split, refit=recipe.refit), base_folder, resume=resume),
        )


def train(recipe: Recipe, data: TrainingData, base_folder: Path, *, resume: bool = False) -> TrainingManifest:
    """Train one run to its end and write what remains of it to `recipe.out`.

    Args:
        recipe: with one split.
        data: its items.
        base_folder: where a random base is, or is built.
        resume: go on from the last whole checkpoint, if there is one.

    Raises:
        TrainingError: training stopped.
    """
    from finetune.progress import Spent
    from finetune.setup import arguments_for, build_trainer, finish
    from finetune.steps import n_steps

    out = Path(recipe.out)
    with _held(out, recipe):
        arguments = arguments_for(recipe, n_steps(recipe, data.train))
        with _undone_on_error(base_folder), _undone_on_error(out):
            with arguments.main_process_first():
                base = prepare_base(recipe, base_folder)
                _record_base(recipe, base, base_folder)
                checkpoint, before = checkpoints.last_whole_checkpoint(out) if resume else (None, Spent())
            trainer, progress = build_trainer(recipe, data, base, arguments, before)
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            progress.close()
        manifest = finish(trainer, base, manifest_of(recipe, data, base, trainer, progress.spent), out)
        if arguments.process_index == 0:
            shutil.rmtree(out / checkpoints.CHECKPOINTS, ignore_errors=True)
    return manifest


def _record_base(recipe: Recipe, base: Base, base_folder: Path) -> None:
    """Write the base's hash into the run's recipe when it begins; on resuming it must be the same."""
    out, sha256 = Path(recipe.out), combined_sha256(base.files)
    checkpoints.check_base(out, base_folder, sha256)
    if is_first_process() and sha256:
        write_atomic(out / RECIPE_FILE, recipe_text(recipe.model_copy(update={"base_sha256": sha256})))


@contextmanager
def _undone_on_error(folder: Path) -> Iterator[None]:
    """Remove a folder that was empty before, if the run cannot even begin: bad input leaves nothing behind."""
    ours = {RECIPE_FILE, checkpoints.LOCK}
    fresh = not folder.is_dir() or {path.name for path in folder.iterdir()} <= ours
    try:
        yield
    except RecipeMPRError:
        if fresh and is_first_process():
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                folder.parent.rmdir()  # of the folds, if nothing else is in it
        raise


@contextmanager
def _held(out: Path, recipe: Recipe) -> Iterator[None]:
    """Hold the run's folder; only the first process locks and writes."""
    if not is_first_process():
        yield
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(f"out={out}: the folder cannot be made ({error.strerror})") from None
    with checkpoints.locked(out):
        if not (out / RECIPE_FILE).is_file():
            write_atomic(out / RECIPE_FILE, recipe_text(recipe))
        yield
    (out / checkpoints.LOCK).unlink(missing_ok=True)


def manifest_of(recipe: Recipe, data: TrainingData, base: Base, trainer: Any, spent: "Spent") -> dict[str, Any]:
    """Return the fields of the run's manifest but for the weights' hashes."""
    from finetune.outputs import versions
    from finetune.progress import history_of
    from recipe_mpr_task import TASK_VERSION

    trainable, total = parameter_counts(trainer.model)
    settings = recipe.model_dump(mode="json", exclude={"out", "base_sha256"}) | {"model": base.name}
    return {
        "dataset_sha256": data.dataset_sha256,
        "split": recipe.split,
        "train_ids": sorted(item.item_id for item in data.train),
        "validation_ids": sorted(item.item_id for item in data.validation),
        "test_ids": sorted(data.test_ids),
        "inherited_ids": sorted(base.seen),
        "order": recipe.order,
        "prompt": recipe.prompt if recipe.head == "causal" else "",
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
        # The weights of a random base are drawn by the seed, too.
        "family": recipe.family(base.name if base.is_random else base.identity),
        "recipe_name": recipe.name,
        "recipe": settings,
        "versions": versions(),
        "wall_time_s": round(spent.wall_time_s, 3),
        "peak_memory_bytes": spent.peak_memory_bytes,
        "samples_per_second": round(len(data.train) * recipe.epochs / spent.wall_time_s, 3),
        "trainable_parameters": trainable,
        "total_parameters": total,
        "history": [_finite(entry) for entry in history_of(trainer.state.log_history)],
    }


def _finite(entry: dict[str, float]) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in entry.items()}
