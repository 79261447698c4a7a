"""Find the trained checkpoints in a folder for `recipe-mpr add`, and return lm-eval's arguments to score them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.loaded_model import configured_base
from recipe_mpr_task.manifest import KEPT, TrainingManifest, read_manifest
from recipe_mpr_task.provenance import seen_by
from recipe_mpr_task.splits import FOLDS
from recipe_mpr_task.task_specs import held_out_tasks


class _Lora(BaseModel):
    r: int = 16


class _Recipe(BaseModel):
    """The settings of a training recipe that are needed to load the checkpoint."""

    dtype: str = "auto"
    quantization: str | None = None
    lora: _Lora | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A folder with a trained checkpoint, and the manifest in this folder."""

    folder: Path
    manifest: TrainingManifest

    @property
    def key(self) -> str:
        """The name of the folder for the checkpoint's evaluation runs. Equal manifests give equal names."""
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in self.manifest.recipe_name)[:60]
        # Leave out fields that older manifests lack, so that the folders of older runs keep their names.
        added = {name for name in ("step", "unselected") if not getattr(self.manifest, name)}
        hashed = sha256_of(self.manifest.model_dump_json(exclude=added).encode())[:8]
        step = f"-step-{self.manifest.step}" if self.manifest.unselected else ""
        return f"{name}-{self.manifest.split}-{hashed}{step}"

    def model(self, backend: str) -> tuple[str, dict[str, Any]]:
        """Return `--model` and `--model_args` for this checkpoint. `backend` is "hf" or "vllm"."""
        manifest, recipe = self.manifest, _Recipe.model_validate(self.manifest.recipe)
        if manifest.head != "causal":
            return "recipe-mpr-encoder", {"pretrained": str(self.folder), "head": manifest.head}
        arguments: dict[str, Any] = {"pretrained": str(self.folder), "dtype": recipe.dtype}
        if manifest.form == "adapter":
            adapter = "lora_local_path" if backend == "vllm" else "peft"
            arguments |= {"pretrained": configured_base(self.folder), adapter: str(self.folder)}
            if backend == "vllm":
                arguments["max_lora_rank"] = (recipe.lora or _Lora()).r
            if manifest.base_revision:
                arguments["revision"] = manifest.base_revision
        if recipe.quantization == "4bit" and backend != "vllm":
            arguments["load_in_4bit"] = True
        return backend, arguments

    def held_out_task(self, backend: str) -> str:
        """Return the name of the task that scores the held-out items of the checkpoint's split.

        Raises:
            CheckpointError: no task scores the held-out items of the split, or the items seen in training are unknown.
        """
        split = self.manifest.split
        if split not in held_out_tasks():
            raise CheckpointError(
                f"{self.folder}: no task scores the held-out items of its split {split!r}; splits with a task: "
                f"{', '.join(held_out_tasks())}"
            )
        seen = seen_by(self.model(backend)[1])
        if seen.ids is None:
            raise CheckpointError(
                f"{self.folder}: the items seen in training are unknown ({seen.reason}); "
                "`recipe-mpr run` scores the model with the status unknown"
            )
        return held_out_tasks()[split]


def kept_checkpoints(selected: Checkpoint) -> list[Checkpoint]:
    """Return the kept checkpoints that a training run did not select, sorted by step.

    Args:
        selected: the checkpoint that the training run selected.

    Raises:
        CheckpointError: the training run kept no other checkpoints, or a folder has no checkpoint of the training run.
    """
    recipe, folder = selected.manifest.recipe, selected.folder / KEPT
    if not recipe.get("keep_checkpoints") or selected.manifest.step is None:
        raise CheckpointError(
            f"{selected.folder}: its training kept no other checkpoints; train with keep_checkpoints=true, or leave "
            "out --all-checkpoints"
        )
    kept = []
    for path in folder.glob("step-*"):
        manifest = read_manifest(path)
        own, of = manifest, selected.manifest
        if own is None or not own.unselected or own.step is None or (own.system, own.split) != (of.system, of.split):
            raise CheckpointError(f"{path}: not a checkpoint of the training in {selected.folder}; remove {path}")
        kept.append(Checkpoint(path.resolve(), own))
    return sorted(kept, key=lambda one: one.manifest.step or 0)


def find_checkpoints(path: Path) -> list[Checkpoint]:
    """Return the checkpoint in the folder `path`, or the five checkpoints in its subfolders fold0 to fold4.

    Raises:
        CheckpointError: the folder does not exist, there is no valid manifest, a fold is missing, a fold's manifest
            names another fold, or the folds belong to different systems.
    """
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such folder; expected a folder made by `recipe-mpr finetune`")
    manifest = read_manifest(path)
    if manifest:
        return [Checkpoint(path.resolve(), manifest)]
    read = {fold: read_manifest(path / fold) for fold in FOLDS if (path / fold).is_dir()}
    folds = {fold: manifest for fold, manifest in read.items() if manifest}
    if not folds:
        raise CheckpointError(
            f"{path}: no training manifest in this folder, so the items seen in training are unknown; "
            "`recipe-mpr run` scores the model with the status unknown"
        )
    if missing := sorted(set(FOLDS) - set(folds)):
        raise CheckpointError(
            f"{path}: training is not finished: {', '.join(missing)}; continue with `recipe-mpr finetune ... --resume`"
        )
    if len({manifest.system for manifest in folds.values()}) > 1 or any(f != m.split for f, m in folds.items()):
        raise CheckpointError(
            f"{path}: its folds are not of one recipe, base model and seed, each on its own fold; expected the folder "
            "of one `recipe-mpr finetune` run"
        )
    return [Checkpoint((path / fold).resolve(), folds[fold]) for fold in FOLDS]
