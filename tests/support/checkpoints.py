"""Write checkpoint folders with a training manifest. The files have a few bytes and are not real models."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipe_mpr_task.data import SHA256
from recipe_mpr_task.loaded_files import combined_sha256, content_hashes
from recipe_mpr_task.loaded_model import BASE_MARK, model_record
from recipe_mpr_task.manifest import FILE_NAME, MODEL_KEY, TRAINING_KEY, TrainingManifest, split_hashes
from recipe_mpr_task.provenance import seen_by
from recipe_mpr_task.splits import parts_of
from tests.support.run_edits import Json

PARTS = parts_of("published")
FIELDS: Json = {
    "dataset_sha256": SHA256, "split": "published", "train_ids": PARTS.train, "validation_ids": PARTS.validation,
    "test_ids": PARTS.test, "order": "drawn", "prompt": "default", "task_version": 1, "seed": 1, "head": "causal",
    "form": "adapter", "base_model": "org/base", "base_revision": "main", "base_known": True, "random_weights": False,
    "system": "0" * 64, "family": "9" * 64, "recipe_name": "r", "recipe": {}, "wall_time_s": 1.0,
    "peak_memory_bytes": 1, "samples_per_second": 1.0, "trainable_parameters": 1, "total_parameters": 2,
}  # fmt: skip


def base_of(folder: Path) -> Path:
    """Return the folder of the base model of `checkpoint(folder)`."""
    return folder.with_name(f"{folder.name}-base")


def save_base(folder: Path, content: bytes = b"base") -> Path:
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(content)
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen3"}))
    (folder / "tokenizer.json").write_text(json.dumps({"model": "BPE"}))
    return folder


def checkpoint(folder: Path, content: bytes = b"weights", **changes: Any) -> Path:
    """Write an adapter, its base model in `base_of(folder)`, and a manifest with the hashes of both."""
    base = base_of(folder) if base_of(folder).is_dir() else save_base(base_of(folder))
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(content)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    hashes = split_hashes(folder) | {"base_files": content_hashes(base)}
    TrainingManifest(**FIELDS | hashes | changes).write(folder)
    return folder


def as_if_on_a_public_base(trained: Path, copy: Path) -> Path:
    """Copy a run with a random base model, and change its manifests to name a known public base model."""
    shutil.copytree(trained, copy)
    (copy / "base" / BASE_MARK).unlink()
    for folder in (copy, copy / "merged"):
        manifest = json.loads((folder / FILE_NAME).read_text()) | {"random_weights": False, "base_model": "org/base"}
        (folder / FILE_NAME).write_text(json.dumps(manifest))
    config = json.loads((copy / "adapter_config.json").read_text()) | {"base_model_name_or_path": str(copy / "base")}
    (copy / "adapter_config.json").write_text(json.dumps(config))
    return copy


def arguments_for(folder: Path) -> dict[str, str]:
    """Return lm-eval's arguments that load `checkpoint(folder)`."""
    return {"pretrained": str(base_of(folder)), "peft": str(folder)}


def logged_of(arguments: Mapping[str, Any]) -> Json:
    """Return the entries that the plugin adds to a results file if lm-eval loads a model by these arguments."""
    return {
        MODEL_KEY: model_record(arguments) | {"handed_over": False, "request_cache": False, "unaccounted": []},
        TRAINING_KEY: seen_by(arguments).summary(),
    }


def clean_log(split: str = "published", **changes: Any) -> Json:
    """Return made-up entries of a fake run's results file, for a model with known training data."""
    own = {"adapter_model.safetensors": "1" * 64}
    base = {"model.safetensors": "2" * 64}
    record: Json = {
        "system": "a" * 64, "family": "b" * 64, "recipe_name": "mine", "base_model": "org/base", "form": "adapter",
        "reason": "trained by recipe mine", "split": split, "seed": 1, "base_known": True, "random_weights": False,
        "weights": own, "settings": {}, "base_files": base,
    } | changes  # fmt: skip
    files = {f"peft/{name}": value for name, value in record["weights"].items()}
    files |= {f"pretrained/{name}": value for name, value in record["base_files"].items()}
    loaded: Json = {
        "files": files, "sha256": combined_sha256(files), "sources": {"pretrained": "hub", "peft": "folder"},
        "handed_over": False, "request_cache": False, "random_weights": False,
    }  # fmt: skip
    return {MODEL_KEY: loaded, TRAINING_KEY: record}
