"""The base model of a run: found and checked before anything is written, or built from a config with random weights."""

import json
import logging
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from finetune.recipe import Recipe, RecipeError
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.manifest import combined_sha256, read_manifest, weight_hashes
from recipe_mpr_task.models.checkpoint import open_checkpoint, refuse_causal, refuse_encoder
from recipe_mpr_task.provenance import public_name, seen_by

logger = logging.getLogger(__name__)

RANDOM = "random:"


@dataclass(frozen=True)
class Base:
    """A base model that is there to be loaded.

    Attributes:
        name: for people and manifests: a hub id, a folder's name or random:NAME.
        location: what transformers loads: a folder or hub id.
        revision: of a hub id.
        sha256: hash of its weight files; None for a hub id.
        seen: items that its own manifest names as seen.
        is_known: whether that is all it can have seen: see `TrainingManifest.base_known`.
    """

    name: str
    location: str
    revision: str | None
    sha256: str | None
    seen: frozenset[str]
    is_known: bool

    @property
    def identity(self) -> str:
        """What makes two bases the same: their weights, or hub id and revision."""
        return self.sha256 or f"{self.name}@{self.revision}"


def architecture(name: str) -> dict[str, Any]:
    """Return a model's shape, as keys of its transformers config.

    Args:
        name: a file in `harness_configs/architectures`, or the path of a YAML or JSON file.

    Raises:
        RecipeError: there is none.
    """
    folder = files("harness_configs") / "architectures"
    shipped = folder / f"{name}.yaml"
    try:
        source = shipped if "/" not in name and shipped.is_file() else Path(name).expanduser()
        found = yaml.safe_load(source.read_text())
    except (OSError, yaml.YAMLError):
        found = None
    if not isinstance(found, dict) or "model_type" not in found:
        known = ", ".join(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))
        raise RecipeError(f"architecture {name!r}: no such config; allowed: a YAML or JSON file, or one of {known}")
    return found


def config_of(recipe: Recipe, *, offline: bool = False) -> Any:
    """Return the base's transformers config, without any weight.

    Args:
        recipe: names the model.
        offline: take a hub model's shape from the recipe's `architecture`.

    Raises:
        RecipeError: it cannot be had.
    """
    config = _plain_config(recipe, offline=offline)
    if recipe.head == "cross_encoder":
        config.num_labels = 1
    return config


def auto_class(head: str) -> Any:
    """Return the transformers class that a head is trained in."""
    import transformers

    names = {
        "causal": "AutoModelForCausalLM",
        "multiple_choice": "AutoModelForMultipleChoice",
        "cross_encoder": "AutoModelForSequenceClassification",
        "bi_encoder": "AutoModel",
    }
    return getattr(transformers, names[head])


def _plain_config(recipe: Recipe, *, offline: bool) -> Any:
    from transformers import AutoConfig

    if recipe.model.startswith(RANDOM):
        return _as_config(architecture(recipe.model.removeprefix(RANDOM)))
    local = Path(recipe.model).expanduser()
    if local.is_dir():
        if (local / "adapter_config.json").is_file():
            raise CheckpointError(f"model={recipe.model} is an adapter; merge it first (merge=true), or name its base")
        checkpoint = open_checkpoint(recipe.model)
        if recipe.head == "causal":
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
    """Return the base model, building a random one in `folder` if the recipe asks for it and it is not there.

    Raises:
        RecipeError, CheckpointError: it cannot be had, or a manifest beside it is broken.
    """
    if recipe.model.startswith(RANDOM):
        if not (folder / "config.json").is_file():
            _build(recipe, folder)
        # Of a config file only its name: a manifest is read elsewhere.
        name = f"{RANDOM}{Path(recipe.model.removeprefix(RANDOM)).stem}"
        return Base(name, str(folder), None, combined_sha256(weight_hashes(folder)), frozenset(), is_known=True)
    local = Path(recipe.model).expanduser()
    if local.is_dir():
        return _local(local.resolve())
    return Base(recipe.model, recipe.model, recipe.revision, None, frozenset(), is_known=True)


def _build(recipe: Recipe, folder: Path) -> None:
    from finetune.random_base import save_random_base

    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    config = _plain_config(recipe, offline=True)
    save_random_base(config, partial, causal=recipe.head == "causal", seed=recipe.seed, dtype=recipe.dtype)
    partial.replace(folder)  # whole or not at all: a run that was killed here builds it again


def _local(folder: Path) -> Base:
    read_manifest(folder)  # a broken one is an error here, not merely unknown
    seen = seen_by({"pretrained": str(folder)})
    public = public_name(folder)
    is_known = bool(public) or (seen.ids is not None and seen.is_all)
    if not is_known:
        logger.warning(
            "model=%s: %s. What it has seen before is unknown, and so will be the status of what is trained from it",
            folder.name, seen.reason,
        )  # fmt: skip
    sha256 = combined_sha256(weight_hashes(folder))
    return Base(public or folder.name, str(folder), None, sha256, seen.ids or frozenset(), is_known=is_known)


def base_folder_of(checkpoint: Path) -> str:
    """Return where an adapter's base model lies, from its own config."""
    return str(json.loads((checkpoint / "adapter_config.json").read_text())["base_model_name_or_path"])
