"""Create the texts and curves of a finished run, and move the run's files into its folder."""

import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from finetune.recipe import Recipe
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.manifest import TrainingManifest

CURVES = "curves"
_PACKAGES = ("lm-eval-recipe-mpr", "torch", "transformers", "peft", "accelerate", "datasets", "lm-eval")


def versions() -> dict[str, str]:
    """Return the versions of the packages that a run uses, by name; "not installed" for a missing package."""
    installed = {}
    for name in _PACKAGES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed[name] = "not installed"
    return installed


def recipe_text(recipe: Recipe) -> str:
    """Return the recipe as YAML, with the values of all settings."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def move_into_place(staged: Path, folder: Path) -> None:
    """Move finished files from a staging folder into `folder`, and remove the staging folder."""
    for path in sorted(p for p in staged.rglob("*") if p.is_file()):
        path.chmod(0o644)  # safetensors writes files that only their owner can read
        target = folder / path.relative_to(staged)
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
    shutil.rmtree(staged)


def write_curves(folder: Path, manifest: TrainingManifest) -> None:
    """Write the loss, accuracy and learning rate by step: numbers to `curves.json`, and plots to `curves.png`."""
    history = [dict(entry) for entry in manifest.history]
    write_atomic(folder / f"{CURVES}.json", json.dumps(history, indent=1) + "\n")
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    panels = (
        ("loss (nats)", ("loss", "eval_cross_entropy")),
        ("validation accuracy", ("eval_accuracy",)),
        ("learning rate", ("learning_rate",)),
    )
    for axis, (title, keys) in zip(axes, panels, strict=True):
        for key in keys:
            points = [(e["step"], e[key]) for e in history if e.get(key) is not None]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", markersize=3, label=key.replace("_", " "))
        axis.set(title=title, xlabel="optimizer step")
        if len(axis.lines) > 1:
            axis.legend()
    figure.suptitle(f"{manifest.recipe_name} on {manifest.split}")
    figure.savefig(folder / f"{CURVES}.png", dpi=120)
    plt.close(figure)


def cost_text(manifest: TrainingManifest) -> str:
    """Return the cost of training as one line: time, speed, peak memory and hardware."""
    parts = [f"{manifest.wall_time_s:.0f} s", f"{manifest.samples_per_second:.2f} samples/s"]
    if manifest.tokens_per_second is not None:
        parts.append(f"{manifest.tokens_per_second:,.0f} tokens/s")
    parts.append(f"peak memory {manifest.peak_memory_bytes / 2**30:.1f} GiB")
    return ", ".join(parts) + (f" on {manifest.hardware}" if manifest.hardware else "")


def card_text(manifest: TrainingManifest, command: str) -> str:
    """Return the checkpoint's model card: base model, seen items, training cost, and how to score the checkpoint.

    Args:
        manifest: the run's manifest.
        command: the command that trained the model.
    """
    from huggingface_hub import ModelCardData

    is_hub_id = not manifest.base_model.startswith("random:") and "/" in manifest.base_model
    library = "peft" if manifest.form == "adapter" else "transformers"
    data: dict[str, Any] = {"library_name": library, "tags": ["recipe-mpr", "lm-eval"]}
    if is_hub_id:
        data["base_model"] = manifest.base_model
    front = ModelCardData(**data).to_yaml()
    share = manifest.trainable_parameters / manifest.total_parameters
    validation = [acc for e in manifest.history if (acc := e.get("eval_accuracy")) is not None]
    how = f"options in {manifest.order} order, prompt {manifest.prompt}" if manifest.prompt else f"head {manifest.head}"
    lines = [
        f"# {manifest.recipe_name}, split {manifest.split}",
        f"Trained by `{command}` on Recipe-MPR (dataset SHA-256 `{manifest.dataset_sha256[:12]}`) from "
        f"`{manifest.base_model}`: {manifest.trainable_parameters:,} of {manifest.total_parameters:,} parameters "
        f"({100 * share:.2f}%) trained, {how}, seed {manifest.seed}.",
        f"**The model was trained on {len(manifest.train_ids)} items and selected on {len(manifest.validation_ids)} "
        f"items** (ids in `recipe_mpr_training.json`). Only its accuracy on the split's {len(manifest.test_ids)} "
        "held-out items is valid; `recipe-mpr add` scores these items only.",
        f"Training took {cost_text(manifest)}."
        + (f" Best accuracy on the validation items: {max(validation):.3f}." if validation else ""),
        "Dataset: D3M Lab, Apache-2.0.",
    ]
    return f"---\n{front}\n---\n\n" + "\n\n".join(lines) + "\n"
