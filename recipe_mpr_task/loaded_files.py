"""Find and hash the files that are read when a checkpoint is loaded. The hashes identify a model under any name.

Weights, tokenizers, chat templates, configs and unknown files are hashed. Model cards, training curves, optimizer
states and unused weight formats are not hashed. The module `file_hashes` remembers hashes, so a large file is read
only once.
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
"""Name endings of files that loaders normally do not read.

Only model arguments outside `model_arguments.ACCOUNTED` can make a loader read these files. Runs with these arguments
have the status "unknown".
"""

_INERT = frozenset(
    ("recipe_mpr_training.json", "recipe_mpr_base.json", "curves.json", "comparison.json", "trainer_state.json",
     "all_results.json", "train_results.json", "eval_results.json", "data_config.json", "training_args.bin",
     "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt")
)  # fmt: skip
"""Names of files about a model's training or results. No loader opens these files."""

_INERT_TEXTS = re.compile(r"(?i)(licen[cs]e|notice|readme|requirements|rng_state)[^/.]*(\.txt|\.pth)?$")
_MODEL_BIN, _ADAPTER_BIN = re.compile(r"pytorch_model.*\.bin$"), "adapter_model.bin"
_TEMPLATE_FOLDERS = ("additional_chat_templates", "chat_templates")

_MAY_CHANGE = ("base_model_name_or_path", "_name_or_path", "revision", "transformers_version", "peft_version")
"""Config keys that do not change a model's answers: the base model's path and revision, and library versions."""

_TOKENIZER = "tokenizer.json"


def loaded_files(folder: Path) -> dict[str, Path]:
    """Return the files that may be read when a checkpoint folder is loaded, keyed by their path in the folder."""
    paths = {path.name: path for path in _files_in(folder)}
    for sub in _subfolders(folder):
        paths |= {f"{sub}/{path.name}": path for path in _files_in(folder / sub)}
    for name in _indexed(folder):
        if (folder / name).is_file():
            paths[name] = folder / name
    return dict(sorted(paths.items()))


def _indexed(folder: Path) -> set[str]:
    """Return the paths of all files that the index files of sharded weights list."""
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
    """Return whether a loader may open a file.

    Args:
        name: the file's name.
        names: names of all files in the same folder.
    """
    if name in _INERT or name.startswith(".") or _INERT_TEXTS.match(name):
        return False
    if _MODEL_BIN.match(name):  # loaders prefer the safetensors format
        return not {"model.safetensors", "model.safetensors.index.json"} & names
    if name == _ADAPTER_BIN:
        return "adapter_model.safetensors" not in names
    return Path(name).suffix.lower() not in _NOT_READ


def _subfolders(folder: Path) -> list[str]:
    """Return the subfolders that loaders read: modules of sentence-transformers, and additional chat templates."""
    modules = None
    with suppress(OSError, ValueError, RecursionError):
        modules = json.loads((folder / "modules.json").read_text())
    named = [str(m.get("path") or "") for m in modules if isinstance(m, dict)] if isinstance(modules, list) else []
    return sorted({*filter(None, named), *(name for name in _TEMPLATE_FOLDERS if (folder / name).is_dir())})


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each loaded file's bytes, keyed by the file's path in the folder."""
    return {name: sha256_of_loaded(path) for name, path in loaded_files(folder).items()}


def content_hashes(folder: Path, *, trust_blob_names: bool = False) -> dict[str, str]:
    """Return a SHA-256 of each loaded file's content, keyed by the file's path in the folder.

    For a JSON file other than `tokenizer.json`, hash the parsed content without the keys in _MAY_CHANGE. So spaces and
    the order of keys do not change the hash.

    Args:
        folder: a checkpoint, or a snapshot in the hub's cache.
        trust_blob_names: whether to take a large file's hash from the file's name in the hub's cache.
    """
    return {name: _content_hash(path, trust=trust_blob_names) for name, path in loaded_files(folder).items()}


def combined_sha256(hashes: Mapping[str, str]) -> str | None:
    """Return one SHA-256 of all names and hashes in `hashes`; None if `hashes` is empty."""
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
    """Return a file's SHA-256. Do not read the file if its hash is remembered.

    Args:
        path: the file.
        trust_blob_name: whether to return the target's name if `path` links to a large file in the hub's cache. The
            cache names large files by their SHA-256.
    """
    target = path.resolve()
    if trust_blob_name and target.parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", target.name):
        return target.name
    return remembered_sha256(target)
