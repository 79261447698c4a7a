"""Prepare a run's base model: check an existing model, or build one with random weights from a config."""

import json
import logging
import shutil
from dataclasses import dataclass, field
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
    """A base model that is ready to load.

    Attributes:
        name: a hub id, a folder's name or random:NAME. Manifests and messages show this name.
        location: the folder or hub id that is passed to transformers.
        revision: the revision of a hub model; None for a local folder.
        files: SHA-256 of each of the model's files, from `loaded_files.content_hashes`. Empty if no file could be read.
        seen: ids of the items that the model has seen, according to the model's manifest.
        doubt: why the model may have seen more items than `seen`; "" if `seen` is known to be complete.
        is_random: whether the weights are random, or come from training that started with random weights.
        model: the model itself, if it is in memory. Then only the tokenizer is loaded from `location`.
    """

    name: str
    location: str
    revision: str | None
    files: dict[str, str]
    seen: frozenset[str] = frozenset()
    doubt: str = ""
    is_random: bool = False
    model: Any = field(default=None, repr=False, compare=False)

    @property
    def identity(self) -> str:
        """One hash of all files, or NAME@REVISION if no file could be read."""
        return combined_sha256(self.files) or f"{self.name}@{self.revision}"


def architecture(name: str) -> dict[str, Any]:
    """Return the settings of an architecture, as keyword arguments for `AutoConfig.for_model`.

    Args:
        name: name of a file in `harness_configs/architectures` without ".yaml", or path of a YAML or JSON file.

    Raises:
        RecipeError: the file cannot be read, or holds no mapping with the key `model_type`.
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
        raise RecipeError(
            f"architecture {name!r}: no readable config with the key model_type; allowed: the path of a YAML or JSON "
            f"file, or one of {known}"
        )
    return shape


def config_of(recipe: Recipe, *, offline: bool = False) -> Any:
    """Return the base model's transformers config, without loading weights.

    Args:
        recipe: the run's settings.
        offline: True reads a hub model's config from the recipe's `architecture`. If the recipe has no `architecture`,
            the config still comes from the hub.

    Raises:
        RecipeError, CheckpointError: the model does not exist, is an adapter, or does not fit the recipe's head.
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
            remedy = "set model= to the adapter's base model, or to the folder merged/ of a run with merge=true"
            raise CheckpointError(f"model={recipe.model} is an adapter; {remedy}")
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
            f"model={recipe.model}: no such folder, and not available from the hub (revision {recipe.revision}); "
            "allowed: a hub id, a checkpoint folder, or random:ARCHITECTURE"
        ) from None


def _as_config(shape: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(**shape)


def prepare_base(recipe: Recipe, folder: Path) -> Base:
    """Return the base model, ready to load. If the recipe asks for a random base model, build it first.

    Args:
        recipe: the run's settings.
        folder: folder of the random base model. If the folder already holds a model, use this model. For other base
            models, `folder` is not used.

    Raises:
        RecipeError: the architecture of a random model does not exist, or the model in `folder` was changed.
        CheckpointError: the manifest of a local model is broken.
    """
    if recipe.model.startswith(RANDOM):
        return _random(recipe, folder)
    local = Path(recipe.model).expanduser()
    base = _local(local.resolve()) if local.is_dir() else _hub(recipe)
    if base.doubt:
        logger.warning(
            "model=%s, %s. The training data of this model are unknown, so the trained model gets the status unknown",
            base.name, base.doubt,
        )  # fmt: skip
    return base


def _random(recipe: Recipe, folder: Path) -> Base:
    if not (folder / "config.json").is_file():
        _build(recipe, folder)
    files = content_hashes(folder)
    if base_mark(folder) != files:
        raise RecipeError(
            f"{folder}: its files differ from the random base model that was built there; "
            "remove the folder, and train from the beginning"
        )
    # Keep only the file's name, because a manifest must not contain local folders.
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
    partial.replace(folder)  # the rename is atomic, so `folder` never holds an incomplete model


def _local(folder: Path) -> Base:
    # Raise now if the manifest is broken. Otherwise the run would train a model that gets the status unknown.
    manifest = read_manifest(folder)
    files = content_hashes(folder)
    if public := public_name(folder):
        return Base(public, str(folder), None, files)
    if is_random_base(folder):
        return Base(folder.name, str(folder), None, files, is_random=True)
    seen = seen_by({"pretrained": str(folder)})
    is_random = bool(manifest and manifest.random_weights)
    doubt = ""
    if seen.ids is None or not seen.is_all:
        doubt = f"whose training data are not recorded ({seen.reason})"
    return Base(folder.name, str(folder), None, files, seen.ids or frozenset(), doubt[:_LONGEST_DOUBT], is_random)


def _hub(recipe: Recipe) -> Base:
    """Download a hub model, and return it as a `Base` whose revision is the downloaded commit.

    If the download fails, the `Base` has the recipe's revision and no files. `Base.doubt` is empty only if the
    downloaded files match a pinned public model.
    """
    folder = _downloaded(recipe.model, recipe.revision)
    if folder is None:
        return Base(recipe.model, recipe.model, recipe.revision, {}, doubt="which could not be downloaded")
    commit, doubt = folder.name, ""
    if public_models.find(recipe.model, commit) is None:
        doubt = f"whose commit {commit[:12]} is not a pinned public model"
    else:
        try:
            public_models.verify(recipe.model, commit, loaded_files(folder))
        except RecipeMPRError as error:
            doubt = f"whose files are not verified as the public model's: {one_line(error)}"
    return Base(recipe.model, recipe.model, commit, content_hashes(folder), doubt=doubt[:_LONGEST_DOUBT])


def _downloaded(model_id: str, revision: str) -> Path | None:
    """Download a hub model's configs, tokenizer files and safetensors weights.

    Returns:
        The model's folder in the hub's cache, or None if the download fails.
    """
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.model", "*.jinja", "*.safetensors"]
    skipped = ["onnx/*", "openvino/*", "original/*"]
    try:
        return Path(snapshot_download(model_id, revision=revision, allow_patterns=patterns, ignore_patterns=skipped))
    except (OSError, ValueError):
        return None


def base_folder_of(checkpoint: Path) -> str:
    """Return the folder or hub id of an adapter's base model. `checkpoint` is the adapter's folder."""
    return str(json.loads((checkpoint / "adapter_config.json").read_text())["base_model_name_or_path"])
