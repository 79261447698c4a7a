"""Find and hash the files that loading a checkpoint reads: they identify a model, whatever its name.

Weights, tokenizer, chat templates, configs and unknown files count. Cards, curves, optimizer states and weights in
formats that are not read do not count. A large file is read once, see `file_hashes`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from recipe_mpr_task.file_hashes import remembered_sha256
from recipe_mpr_task.files import sha256_of

_NOT_READ = frozenset(
    (".md", ".py", ".png", ".jpg", ".jpeg", ".svg", ".gif", ".pdf", ".html", ".yaml", ".yml", ".csv", ".log", ".lock",
     ".ini", ".h5", ".msgpack", ".ot", ".onnx", ".gguf", ".zip", ".tmp", ".incomplete")
)  # fmt: skip
"""Endings of files that no loader opens with the accounted arguments; code and other formats need other ones."""

_INERT = frozenset(
    ("recipe_mpr_training.json", "recipe_mpr_base.json", "curves.json", "comparison.json", "trainer_state.json",
     "all_results.json", "train_results.json", "eval_results.json", "data_config.json", "training_args.bin",
     "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt")
)  # fmt: skip
"""Files about a model's training or results; no loader opens them."""

_INERT_TEXTS = re.compile(r"(?i)(licen[cs]e|notice|readme|requirements|rng_state)[^/.]*(\.txt|\.pth)?$")
_MODEL_BIN, _ADAPTER_BIN = re.compile(r"pytorch_model.*\.bin$"), "adapter_model.bin"
_TEMPLATE_FOLDERS = ("additional_chat_templates", "chat_templates")

_MAY_CHANGE = ("base_model_name_or_path", "_name_or_path", "revision", "transformers_version", "peft_version")
"""Keys of configs that do not change a model's answers: the base model's path, versions of libraries."""

_TOKENIZER = "tokenizer.json"


def loaded_files(folder: Path) -> dict[str, Path]:
    """Return the files of a checkpoint folder that loading it may read, by their path relative to the folder."""
    paths = {path.name: path for path in _files_in(folder)}
    for sub in _subfolders(folder):
        paths |= {f"{sub}/{path.name}": path for path in _files_in(folder / sub)}
    for name in _indexed(folder):
        if (folder / name).is_file():
            paths[name] = folder / name
    return dict(sorted(paths.items()))


def _indexed(folder: Path) -> set[str]:
    """Return the files that the indexes of sharded weights list, with any name and in any folder."""
    names: set[str] = set()
    for index in folder.glob("*.index.json"):
        with suppress(OSError, ValueError, RecursionError, AttributeError):
            named = json.loads(index.read_text()).get("weight_map", {}).values()
            names |= set(map(str, named))
    return names


def _files_in(folder: Path) -> Iterator[Path]:
    names = {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()
    yield from (folder / name for name in names if _is_read(name, names))


def _is_read(name: str, names: set[str]) -> bool:
    """Return whether a loader may open a file, given the names of all files beside it."""
    if name in _INERT or name.startswith(".") or _INERT_TEXTS.match(name):
        return False
    if _MODEL_BIN.match(name):  # loaders prefer safetensors
        return not {"model.safetensors", "model.safetensors.index.json"} & names
    if name == _ADAPTER_BIN:
        return "adapter_model.safetensors" not in names
    return Path(name).suffix.lower() not in _NOT_READ


def _subfolders(folder: Path) -> list[str]:
    """Return the subfolders that loading reads: sentence-transformers' modules and further chat templates."""
    modules = None
    with suppress(OSError, ValueError, RecursionError):
        modules = json.loads((folder / "modules.json").read_text())
    named = [str(m.get("path") or "") for m in modules if isinstance(m, dict)] if isinstance(modules, list) else []
    return sorted({*filter(None, named), *(name for name in _TEMPLATE_FOLDERS if (folder / name).is_dir())})


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the bytes of each of `loaded_files`."""
    return {name: sha256_of_loaded(path) for name, path in loaded_files(folder).items()}


def content_hashes(folder: Path, *, trust_blob_names: bool = False) -> dict[str, str]:
    """Return a SHA-256 of each of `loaded_files`; for a config, of its settings, so that the JSON layout is ignored.

    Args:
        folder: a checkpoint, or a snapshot in the hub's cache.
        trust_blob_names: take a large file's hash from its name in the hub's cache.
    """
    return {name: _content_hash(path, trust=trust_blob_names) for name, path in loaded_files(folder).items()}


def combined_sha256(hashes: Mapping[str, str]) -> str | None:
    """Return one hash for several files; None if there are none."""
    return sha256_of(json.dumps(sorted(hashes.items())).encode()) if hashes else None


def _content_hash(path: Path, *, trust: bool) -> str:
    if path.suffix != ".json" or path.name == _TOKENIZER:
        return sha256_of_loaded(path, trust_blob_name=trust)
    content = path.read_bytes()
    try:
        settings = json.loads(content)
    except (ValueError, RecursionError):
        return sha256_of(content)
    if isinstance(settings, dict):
        settings = {key: value for key, value in settings.items() if key not in _MAY_CHANGE}
    return sha256_of(json.dumps(settings, sort_keys=True).encode())


def sha256_of_loaded(path: Path, *, trust_blob_name: bool = False) -> str:
    """Return a file's SHA-256, see `file_hashes.remembered_sha256`.

    Args:
        path: the file.
        trust_blob_name: if the file is a link to a blob of the hub's cache that is named by its hash, return that name.
    """
    target = path.resolve()
    if trust_blob_name and target.parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", target.name):
        return target.name
    return remembered_sha256(target)
