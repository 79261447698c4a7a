"""Keep a run's unselected checkpoints, each with a manifest that marks the checkpoint as unselected."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.objective import Objective
from finetune.progress import COMPLETE
from recipe_mpr_task.manifest import KEPT, TrainingManifest, split_hashes

_LOADED = ("*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "adapter_config.json")
"""Patterns of the files from which a model is loaded, in a checkpoint folder. Optimizer states are not kept."""


def selected_step(state: Any, *, best: bool) -> int:
    """Return the optimizer step of the selected weights.

    Args:
        state: the state of transformers' Trainer after training.
        best: True selects the checkpoint with the lowest validation cross-entropy; False selects the last checkpoint.
    """
    return step_of(Path(state.best_model_checkpoint)) if best and state.best_model_checkpoint else state.global_step


def step_of(folder: Path) -> int:
    """Return the step in the name of a checkpoint's folder, such as "checkpoint-12"."""
    return int(folder.name.rpartition("-")[2])


def write_kept(checkpoints: Path, fields: Mapping[str, Any], objective: Objective[Any], out: Path) -> None:
    """Write every checkpoint except the selected one to `out/kept/step-N`, each with a manifest that marks it.

    Args:
        checkpoints: folder of the Trainer's checkpoints.
        fields: the manifest's fields without hashes, of the selected checkpoint.
        objective: writes the tokenizer and the head's own files.
        out: folder of the run.
    """
    staged, selected = out / f".{KEPT}", fields["step"]
    for folder in (staged, out / KEPT):
        shutil.rmtree(folder, ignore_errors=True)
    staged.mkdir()
    for folder in sorted(checkpoints.glob("checkpoint-*")):
        step = step_of(folder)
        if step == selected or not (folder / COMPLETE).is_file():
            continue
        one = staged / f"step-{step}"
        one.mkdir()
        for path in {path for pattern in _LOADED for path in folder.glob(pattern)}:
            _link_or_copy(path, one / path.name)
        objective.save(one)
        how = "on validation" if objective.recipe.select == "best" else "as the last step"
        marked = {"step": step, "unselected": f"step {step}, not step {selected}, which was selected {how}"}
        TrainingManifest(**{**fields, **split_hashes(one), **marked}).write(one)
    staged.rename(out / KEPT)


def _link_or_copy(path: Path, target: Path) -> None:
    try:
        os.link(path, target)  # a link needs no disk space
    except OSError:
        shutil.copyfile(path, target)
    target.chmod(0o644)
