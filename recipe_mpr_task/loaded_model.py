"""Record the parts of a loaded model and the files of each part. The results file stores the record."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recipe_mpr_task.loaded_files import combined_sha256, content_hashes
from recipe_mpr_task.model_arguments import ALIASES

ADAPTER_ARGUMENTS = ("peft", "lora_local_path")
BASE_MARK = "recipe_mpr_base.json"
"""Name of a file with the hashes of a base model's files.

`recipe-mpr finetune` writes this file into the folder of a base model with random weights.
"""

_LARGEST_MARK = 1_000_000


@dataclass(frozen=True)
class Part:
    """One part of a model: the base model or the adapter.

    Attributes:
        source: "folder" if the part was named by a local path, "hub" if it was named by a hub id.
        folder: folder of the part's files. For a hub id, the snapshot in the cache; None if no snapshot is cached.
        commit: full commit hash of the snapshot; None for a local path, or if no snapshot is cached.
    """

    source: Literal["folder", "hub"]
    folder: Path | None
    commit: str | None = None


def located(name: str, revision: str | None = None) -> Part:
    """Return the part of a model that a path or hub id names. Send no request to the hub.

    Args:
        name: path of a local folder, or a hub id. "~" is not expanded, because transformers does not expand "~".
        revision: branch, tag or commit of a hub id; None for "main".
    """
    folder = Path(name)
    if folder.is_dir():
        return Part("folder", folder)
    snapshot = _snapshot(name, revision)
    return Part("hub", snapshot, snapshot.name if snapshot else None)


def _snapshot(model_id: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for name in ("config.json", "adapter_config.json"):
        with suppress(HFValidationError):  # raised if `model_id` is a path to a missing folder
            if isinstance(cached := try_to_load_from_cache(model_id, name, revision=revision), str):
                return Path(cached).parent
    return None


def configured_base(folder: Path) -> str:
    """Return the name of the base model in an adapter's config; "" if no config or no name exists.

    transformers loads this base model together with the adapter.
    """
    with suppress(OSError, ValueError, RecursionError):
        config = json.loads((folder / "adapter_config.json").read_text())
        return str(config.get("base_model_name_or_path") or "") if isinstance(config, dict) else ""
    return ""


def arguments_of(lm: Any) -> dict[str, Any] | None:
    """Return the model arguments that name the files of a loaded lm-eval model.

    Args:
        lm: the loaded model.

    Returns:
        The arguments, keyed by name, such as "pretrained" and "revision". None for a model that is not `hf`, `vllm` or
        an encoder of this package, because other classes may load any file.
    """
    module = type(lm).__module__
    if module.startswith("lm_eval.models.huggingface"):
        return {name: getattr(lm, name, None) for name in ("pretrained", "peft", "delta", "revision")}
    if module == "recipe_mpr_task.models.encoder":  # the encoder expands "~" before loading
        return {"pretrained": str(Path(lm.pretrained).expanduser()), "revision": lm.revision}
    if module.startswith("lm_eval.models.vllm"):
        engine, lora = lm.model_args, lm.lora_request
        adapter = lora and (getattr(lora, "lora_path", None) or getattr(lora, "lora_local_path", None))
        return {"pretrained": engine["model"], "revision": engine.get("revision"), "lora_local_path": adapter}
    return None


def named_arguments(backend: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what `arguments_of` will return for a model that is not loaded yet.

    Args:
        backend: the value of `--model`.
        given: `--model_args` as a mapping.
    """
    backend, revision = ALIASES.get(backend, backend), given.get("revision")
    if backend == "hf":
        return {name: given.get(name) for name in ("pretrained", "peft", "delta")} | {"revision": revision or "main"}
    if backend == "recipe-mpr-encoder":
        return {"pretrained": str(Path(str(given.get("pretrained"))).expanduser()), "revision": revision}
    if backend == "vllm":
        return {name: given.get(name) for name in ("pretrained", "revision", "lora_local_path")}
    return None


def parts_of_model(arguments: Mapping[str, Any]) -> dict[str, Part]:
    """Return the parts of a model.

    Args:
        arguments: the result of `arguments_of`.

    Returns:
        The parts, keyed by role. "pretrained" is the base model, or the whole model if there is no adapter. "peft" is
        the adapter, if there is one. Empty if `arguments` do not name a base model.
    """
    pretrained, revision = arguments.get("pretrained"), str(arguments.get("revision") or "main")
    if not isinstance(pretrained, str) or not pretrained:
        return {}
    adapter = next((str(arguments[name]) for name in ADAPTER_ARGUMENTS if arguments.get(name)), None)
    whole = located(pretrained, revision)
    if adapter:
        return {"pretrained": whole, "peft": located(adapter, revision)}
    base = configured_base(whole.folder) if whole.folder else ""
    return {"pretrained": located(base), "peft": whole} if base else {"pretrained": whole}


def model_record(arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the record of a model's files for a results file.

    Args:
        arguments: the result of `arguments_of`.

    Returns:
        A dictionary with these keys:
        `files`: the hash of each file, keyed by part and file name, such as "pretrained/config.json".
        `sha256`: one hash of the whole model; None if the model has no parts, or if a part has no readable files.
        `sources`: "folder" or "hub", keyed by part.
        `commits`: the commit of each part from the hub, keyed by part.
        `random_weights`: whether a part is an unchanged base model with random weights.
    """
    parts = parts_of_model(arguments or {})
    hashes = {role: _hashes_of(part) for role, part in parts.items()}
    files = {f"{role}/{name}": value for role, known in hashes.items() for name, value in (known or {}).items()}
    # The cache may lack some small files of a commit. So the commit is hashed instead of the small files.
    telling = {name: value for name, value in files.items() if not _is_of_commit(parts[name.split("/")[0]], name)}
    telling |= {f"{role}/commit": part.commit for role, part in parts.items() if part.commit}
    return {
        "files": files,
        "sha256": combined_sha256(telling) if all(hashes.values()) else None,
        "sources": {role: part.source for role, part in parts.items()},
        "commits": {role: part.commit for role, part in parts.items() if part.commit},
        "random_weights": any(part.folder and is_random_base(part.folder) for part in parts.values()),
    }


def _is_of_commit(part: Part, name: str) -> bool:
    return bool(part.commit) and not name.endswith((".safetensors", ".bin"))


def _hashes_of(part: Part) -> dict[str, str] | None:
    """Return the hashes of a part's files; None if the part has no folder, or if a file cannot be read."""
    with suppress(OSError):
        return content_hashes(part.folder, trust_blob_names=part.source == "hub") if part.folder else None
    return None


def is_random_base(folder: Path) -> bool:
    """Return whether a folder holds an unchanged base model that `recipe-mpr finetune` made with random weights."""
    with suppress(OSError):
        return (marked := base_mark(folder)) is not None and marked == content_hashes(folder)
    return False


def base_mark(folder: Path) -> dict[str, str] | None:
    """Return the hashes in a folder's BASE_MARK file, keyed by file name; None if there is no valid file."""
    path = folder / BASE_MARK
    with suppress(OSError, ValueError, RecursionError):
        if path.is_file() and path.stat().st_size <= _LARGEST_MARK:
            hashes = json.loads(path.read_text()).get("files")
            return hashes if isinstance(hashes, dict) else None
    return None
