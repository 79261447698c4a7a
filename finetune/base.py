"""Check the base model of a run before anything is written, or build one from a config with random weights."""

import json
import logging
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task import public_models
from recipe_mpr_task.errors import CheckpointError, RecipeMPRError, one_line
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.loaded_files import combined_sha256, content_hashes, loaded_files
from recipe_mpr_task.loaded_model import BASE_MARK, base_mark, is_random_base
from recipe_mpr_task.manifest import read_manifest
from recipe_mpr_task.models.checkpoint import open_checkpoint, refuse_causal, refuse_encoder
from recipe_mpr_task.models.heads import HEADS
from recipe_mpr_task.provenance import public_name, seen_by

logger = logging.getLogger(__name__)

RANDOM = "random:"
_LONGEST_DOUBT = 400


@dataclass(frozen=True)
class Base:
    """A base model that can be loaded.

    Attributes:
        name: a hub id, a folder's name or random:NAME, for display and manifests.
        location: the folder or hub id that transformers loads.
        revision: revision of a hub id.
        files: the model's files and their hashes, see `loaded_files.content_hashes`; empty if they could not be read.
        seen: items that the model's own manifest names as seen.
        doubt: why the model may have seen other items; "" if `seen` is known to be complete.
        is_random: whether the weights are random, or were trained from random ones.
    """

    name: str
    location: str
    revision: str | None
    files: dict[str, str]
    seen: frozenset[str] = frozenset()
    doubt: str = ""
    is_random: bool = False

    @property
    def identity(self) -> str:
        """One hash of the files; the hub id and revision if the files could not be read."""
        return combined_sha256(self.files) or f"{self.name}@{self.revision}"


def architecture(name: str) -> dict[str, Any]:
    """Return a model's shape, as keys of its transformers config.

    Args:
        name: name of a file in `harness_configs/architectures`, or path of a YAML or JSON file.

    Raises:
        RecipeError: the file does not exist or is no config.
    """
    folder = files("harness_configs") / "architectures"
    shipped = folder / f"{name}.yaml"
    try:
        source = shipped if "/" not in name and shipped.is_file() else Path(name).expanduser()
        shape = yaml.safe_load(source.read_text())
    except (OSError, yaml.YAMLError):
        shape = None
    if not isinstance(shape, dict) or "model_type" not in shape:
        known = ", ".join(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))
        raise RecipeError(f"architecture {name!r}: no such config; allowed: a YAML or JSON file, or one of {known}")
    return shape


def config_of(recipe: Recipe, *, offline: bool = False) -> Any:
    """Return the base model's transformers config, without loading weights.

    Args:
        recipe: the run.
        offline: whether to take a hub model's shape from the recipe's `architecture`.

    Raises:
        RecipeError, CheckpointError: the model does not exist, or is of the wrong kind.
    """
    config = _plain_config(recipe, offline=offline)
    if n_labels := HEADS[recipe.head].num_labels:
        config.num_labels = n_labels
    return config


def _plain_config(recipe: Recipe, *, offline: bool) -> Any:
    from transformers import AutoConfig

    if recipe.model.startswith(RANDOM):
        return _as_config(architecture(recipe.model.removeprefix(RANDOM)))
    local = Path(recipe.model).expanduser()
    if local.is_dir():
        if (local / "adapter_config.json").is_file():
            raise CheckpointError(f"model={recipe.model} is an adapter; merge it first (merge=true), or name its base")
        checkpoint = open_checkpoint(recipe.model)
        if HEADS[recipe.head].is_causal:
            refuse_encoder(checkpoint)
        else:
            refuse_causal(checkpoint)
    elif offline and recipe.architecture:
        return _as_config(architecture(recipe.architecture))
    try:
        return AutoConfig.from_pretrained(str(local) if local.is_dir() else recipe.model, revision=recipe.revision)
    except (OSError, ValueError):
        raise RecipeError(
            f"model={recipe.model}: no such folder, and not to be had from the hub (revision {recipe.revision}); "
            "allowed: a hub id, a checkpoint folder, or random:ARCHITECTURE"
        ) from None


def _as_config(shape: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(**shape)


def prepare_base(recipe: Recipe, folder: Path) -> Base:
    """Return the base model; build a random one in `folder` if the recipe asks for one and the folder has none.

    Raises:
        RecipeError, CheckpointError: the model does not exist, its manifest is broken, or a random base was changed.
    """
    if recipe.model.startswith(RANDOM):
        return _random(recipe, folder)
    local = Path(recipe.model).expanduser()
    base = _local(local.resolve()) if local.is_dir() else _hub(recipe)
    if base.doubt:
        logger.warning(
            "model=%s, %s. What it has seen before is unknown, so the trained model will have the status unknown",
            base.name, base.doubt,
        )  # fmt: skip
    return base


def _random(recipe: Recipe, folder: Path) -> Base:
    if not (folder / "config.json").is_file():
        _build(recipe, folder)
    files = content_hashes(folder)
    if base_mark(folder) != files:
        raise RecipeError(
            f"{folder}: it is not the random base that was made there (its files have other hashes); "
            "remove the folder, and train from the beginning"
        )
    # Only the file's name: a manifest must not hold local folders.
    name = f"{RANDOM}{Path(recipe.model.removeprefix(RANDOM)).stem}"
    return Base(name, str(folder), None, files, is_random=True)


def _build(recipe: Recipe, folder: Path) -> None:
    from finetune.random_base import save_random_base

    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    config = _plain_config(recipe, offline=True)
    save_random_base(config, partial, causal=HEADS[recipe.head].is_causal, seed=recipe.seed, dtype=recipe.dtype)
    made = {"made": "with random weights", "seed": recipe.seed, "files": content_hashes(partial)}
    write_atomic(partial / BASE_MARK, json.dumps(made, indent=1) + "\n")
    partial.replace(folder)  # atomic: a run that is killed before this line builds the base again


def _local(folder: Path) -> Base:
    manifest = read_manifest(folder)  # a broken manifest is an error here; in evaluation the status is unknown
    files = content_hashes(folder)
    if public := public_name(folder):
        return Base(public, str(folder), None, files)
    if is_random_base(folder):
        return Base(folder.name, str(folder), None, files, is_random=True)
    seen = seen_by({"pretrained": str(folder)})
    is_random = bool(manifest and manifest.random_weights)
    doubt = ""
    if seen.ids is None or not seen.is_all:
        doubt = f"which had no manifest that says what it had seen before ({seen.reason})"
    return Base(folder.name, str(folder), None, files, seen.ids or frozenset(), doubt[:_LONGEST_DOUBT], is_random)


def _hub(recipe: Recipe) -> Base:
    """Return a downloaded hub model, pinned to its commit, its files compared with the hub's hashes."""
    folder = _downloaded(recipe.model, recipe.revision)
    if folder is None:
        return Base(recipe.model, recipe.model, recipe.revision, {}, doubt="which could not be downloaded")
    commit, doubt = folder.name, ""
    if public_models.find(recipe.model, commit) is None:
        doubt = f"of which commit {commit[:12]} is not among the pinned public models"
    else:
        try:
            public_models.verify(recipe.model, commit, loaded_files(folder))
        except RecipeMPRError as error:
            doubt = f"which is not shown to be the public model: {one_line(error)}"
    return Base(recipe.model, recipe.model, commit, content_hashes(folder), doubt=doubt[:_LONGEST_DOUBT])


def _downloaded(model_id: str, revision: str) -> Path | None:
    """Return the cached snapshot of a hub model with all files that loading reads; None if the download fails."""
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.model", "*.jinja", "*.safetensors"]
    skipped = ["onnx/*", "openvino/*", "original/*"]
    try:
        return Path(snapshot_download(model_id, revision=revision, allow_patterns=patterns, ignore_patterns=skipped))
    except (OSError, ValueError):
        return None


def base_folder_of(checkpoint: Path) -> str:
    """Return the folder or hub id of an adapter's base model, from the adapter's config."""
    return str(json.loads((checkpoint / "adapter_config.json").read_text())["base_model_name_or_path"])
