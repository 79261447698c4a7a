"""The folder of a run while it goes: in use or not, which checkpoints are whole, whether it may go on."""

import json
import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import yaml

from finetune.outputs import RECIPE_FILE
from finetune.progress import COMPLETE, Spent
from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task.manifest import FILE_NAME

CHECKPOINTS = "checkpoints"
LOCK = ".lock"


def check_out(recipe: Recipe, *, resume: bool) -> None:
    """Check, before anything is written, that the run may write to its folder.

    Raises:
        RecipeError: the folder is in use: not empty and not to be resumed, or of another recipe.
    """
    out = Path(recipe.out)
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise RecipeError(f"out={out}: {there} is not a folder that can be written to")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not resume:
        if (out / FILE_NAME).is_file():
            raise RecipeError(f"out={out} holds a finished run; choose another out=, or remove it")
        raise RecipeError(f"out={out} is in use; choose another out=, go on with it by --resume, or remove it")
    stored = out / RECIPE_FILE
    if not stored.is_file():
        raise RecipeError(f"out={out} holds no run of ours to resume (no {RECIPE_FILE}); choose another out=")
    changed = _changed(yaml.safe_load(stored.read_text()), recipe)
    if changed:
        raise RecipeError(
            f"out={out} was begun with other settings ({', '.join(changed)}); resume with the same ones, "
            "or choose another out="
        )


def _changed(stored: object, recipe: Recipe) -> list[str]:
    now = recipe.model_dump(mode="json")
    before = stored if isinstance(stored, dict) else {}
    # Where it is called from may change; what is trained may not.
    return sorted(k for k in {*now, *before} - {"out", "merge"} if now.get(k) != before.get(k))


def locked(out: Path) -> AbstractContextManager[object]:
    """Hold the run's folder against a second process.

    Raises:
        RecipeError: another process holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(out / LOCK, timeout=0)
    try:
        return lock.acquire()
    except Timeout:
        raise RecipeError(
            f"out={out} is being trained into by another process; wait for it or choose another"
        ) from None


def last_whole_checkpoint(out: Path) -> tuple[Path | None, Spent]:
    """Return the newest whole checkpoint of a run, or None, and what was spent until then; remove cut-off ones."""
    found = [path for path in (out / CHECKPOINTS).glob("checkpoint-*") if path.is_dir()]
    whole = [path for path in found if (path / COMPLETE).is_file()]
    for path in set(found) - set(whole):
        shutil.rmtree(path)
    if not whole:
        return None, Spent()
    newest = max(whole, key=lambda path: int(path.name.rpartition("-")[2]))
    return newest, Spent(**json.loads((newest / COMPLETE).read_text()))
