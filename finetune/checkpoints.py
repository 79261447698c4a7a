"""Check that a run can use its folder, lock the folder, and find the last complete checkpoint to resume from."""

import json
import os
import shutil
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import yaml

from finetune.progress import COMPLETE, Spent, weights_in
from finetune.recipe import RECIPE_FILE, Recipe, RecipeError
from recipe_mpr_task.manifest import FILE_NAME

CHECKPOINTS = "checkpoints"
LOCK = ".lock"


def check_out(recipe: Recipe, *, resume: bool) -> None:
    """Check that the run can use its folder, before anything is written.

    Args:
        recipe: the run's settings; `recipe.out` is the folder.
        resume: whether to continue a run that the folder already holds.

    Raises:
        RecipeError: the folder cannot be written to, or it is not empty. With `resume`, the folder may hold a run with
            the same settings.
    """
    out = Path(recipe.out)
    nearest = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise RecipeError(f"out={out}: {nearest} is not a writable folder; choose another out=")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not resume:
        if (out / FILE_NAME).is_file():
            raise RecipeError(f"out={out} holds a finished run; choose another out=, or remove the folder")
        raise RecipeError(f"out={out} is not empty; choose another out=, continue its run by --resume, or remove it")
    stored = out / RECIPE_FILE
    if not stored.is_file():
        raise RecipeError(f"out={out} holds no run to resume (no {RECIPE_FILE}); choose another out=")
    changed = _changed(yaml.safe_load(stored.read_text()), recipe)
    if changed:
        raise RecipeError(
            f"out={out} was started with other settings ({', '.join(changed)}); resume with the values in "
            f"{stored}, or choose another out="
        )


def _changed(stored: object, recipe: Recipe) -> list[str]:
    now = recipe.model_dump(mode="json")
    before = stored if isinstance(stored, dict) else {}
    # Training does not depend on these settings. `check_base` compares `base_sha256`.
    ignored = {"out", "merge", "report_to", "keep_checkpoints", "base_sha256"}
    return sorted(k for k in {*now, *before} - ignored if now.get(k) != before.get(k))


def locked(out: Path) -> AbstractContextManager[object]:
    """Lock the run's folder `out` against other processes; return a context manager that unlocks the folder on exit.

    Raises:
        RecipeError: another process has locked the folder.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(out / LOCK, timeout=0)
    try:
        return lock.acquire()
    except Timeout:
        raise RecipeError(
            f"out={out}: another process is training in this folder; wait until it ends, or choose another out="
        ) from None


def last_whole_checkpoint(out: Path) -> tuple[Path | None, Spent]:
    """Find a run's newest complete checkpoint, and delete incomplete checkpoints.

    Returns:
        The checkpoint's folder, and the run's cost up to this checkpoint. If no checkpoint is complete: None and a cost
        of zero.

    Raises:
        RecipeError: the weights of the newest complete checkpoint were changed after they were saved.
    """
    saved = [path for path in (out / CHECKPOINTS).glob("checkpoint-*") if path.is_dir()]
    whole = [path for path in saved if (path / COMPLETE).is_file()]
    for path in set(saved) - set(whole):
        shutil.rmtree(path)
    if not whole:
        return None, Spent()
    newest = max(whole, key=lambda path: int(path.name.rpartition("-")[2]))
    complete = json.loads((newest / COMPLETE).read_text())
    if complete.pop("weights", None) != weights_in(newest):
        raise RecipeError(
            f"{newest}: the weights were changed after they were saved; remove this folder to resume from the "
            "previous checkpoint, or start again with another out="
        )
    return newest, Spent(**complete)


def check_base(out: Path, base_folder: Path, sha256: str | None) -> None:
    """Check that the base model has not changed since this run, or another fold of the same recipe, began.

    Args:
        out: the run's folder.
        base_folder: the recipe's folder for a random base model. With split=folds, the folds' folders are
            in the same parent folder.
        sha256: one hash of the base model's current files; None if no file could be read.

    Raises:
        RecipeError: the base model has changed.
    """
    folds = sorted(base_folder.parent.glob(f"*/{RECIPE_FILE}")) if base_folder.parent != out.resolve() else []
    for path in (out / RECIPE_FILE, *folds):
        with suppress(OSError, yaml.YAMLError):
            stored = yaml.safe_load(path.read_text())
            begun = stored.get("base_sha256") if isinstance(stored, dict) else None
            if begun and begun != sha256:
                raise RecipeError(
                    f"out={out}: the base model's files have changed since {path} was written; restore the files, or "
                    "start again with another out="
                )
