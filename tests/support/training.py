"""Train on the embedded sample, without the dataset, and check the results of training runs."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from finetune import run as training_run
from finetune.recipe import load_recipe
from recipe_mpr_task.manifest import TrainingManifest

FILES = {
    "README.md", "adapter_config.json", "adapter_model.safetensors", "curves.json", "curves.png", "recipe.yaml",
    "recipe_mpr_training.json", "tokenizer.json", "tokenizer_config.json", "base/config.json",
    "base/generation_config.json", "base/model.safetensors", "base/recipe_mpr_base.json", "base/tokenizer.json",
    "base/tokenizer_config.json",
}  # fmt: skip


def files_in(folder: Path | str) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file()}


def sample_run(out: Path, micro: str, *more: str, resume: bool = False) -> TrainingManifest:
    """Train on the embedded sample, and return the manifest."""
    recipe = load_recipe("tiny_lora", [f"model={micro}", f"out={out}", "split=sample", "epochs=3", *more])
    training_run.check(recipe, resume=resume)
    ((_, manifest),) = training_run.train_all(recipe, resume=resume)
    return manifest


def weights(out: Path | str) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = load_file(Path(out) / "adapter_model.safetensors")
    return loaded


def assert_same(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor], tolerance: float = 0.0) -> None:
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=tolerance, atol=tolerance)
