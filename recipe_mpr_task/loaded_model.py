"""Trace a loaded model to its parts and their files, and record both for a results file."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recipe_mpr_task.loaded_files import combined_sha256, content_hashes

ADAPTER_ARGUMENTS = ("peft", "lora_local_path")
BASE_MARK = "recipe_mpr_base.json"
"""File of hashes beside a base model that `recipe-mpr finetune` made with random weights."""

_LARGEST_MARK = 1_000_000


@dataclass(frozen=True)
class Part:
    """A base model or an adapter on this machine.

    Attributes:
        source: whether it was named by a local folder or a hub id.
        folder: its files; for a hub id the cached snapshot, None if nothing is cached.
        commit: the full commit of a hub id.
    """

    source: Literal["folder", "hub"]
    folder: Path | None
    commit: str | None = None


def located(name: str, revision: str | None = None) -> Part:
    """Return the part that a folder's path or hub id names, without asking the hub.

    "~" is not expanded, as transformers does not expand it.
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
        with suppress(HFValidationError):  # a path that is no folder
            if isinstance(cached := try_to_load_from_cache(model_id, name, revision=revision), str):
                return Path(cached).parent
    return None


def configured_base(folder: Path) -> str:
    """Return the base model that an adapter folder names and transformers loads, or ""."""
    with suppress(OSError, ValueError, RecursionError):
        config = json.loads((folder / "adapter_config.json").read_text())
        return str(config.get("base_model_name_or_path") or "") if isinstance(config, dict) else ""
    return ""


def arguments_of(lm: Any) -> dict[str, Any] | None:
    """Return the arguments of `hf` that name an lm-eval model's files; None for a class that is not traced.

    Args:
        lm: the model; lm-eval's own `hf` and `vllm` classes and our encoders are traced, others may load anything.
    """
    module = type(lm).__module__
    if module.startswith("lm_eval.models.huggingface"):
        return {name: getattr(lm, name, None) for name in ("pretrained", "peft", "delta", "revision")}
    if module == "recipe_mpr_task.models.encoder":  # our encoder expands "~"
        return {"pretrained": str(Path(lm.pretrained).expanduser()), "revision": lm.revision}
    if module.startswith("lm_eval.models.vllm"):
        engine, lora = lm.model_args, lm.lora_request
        adapter = lora and (getattr(lora, "lora_path", None) or getattr(lora, "lora_local_path", None))
        return {"pretrained": engine["model"], "revision": engine.get("revision"), "lora_local_path": adapter}
    return None


def parts_of_model(arguments: Mapping[str, Any]) -> dict[str, Part]:
    """Return the parts that `arguments_of` names: "pretrained", the base or whole model, and "peft", an adapter."""
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
        arguments: see `arguments_of`.

    Returns:
        `files`, a hash for each "part/name"; `sha256`, one hash of all, None if a part's files could not be read;
        `sources` and `commits` of the parts; `random_weights`.
    """
    parts = parts_of_model(arguments or {})
    hashes = {role: _hashes_of(part) for role, part in parts.items()}
    files = {f"{role}/{name}": value for role, known in hashes.items() for name, value in (known or {}).items()}
    # The downloader decides which small files of a commit are cached, so the commit is hashed in their place.
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
    """Return the hashes of a part's files; None if they cannot be read, which must not stop a run."""
    with suppress(OSError):
        return content_hashes(part.folder, trust_blob_names=part.source == "hub") if part.folder else None
    return None


def is_random_base(folder: Path) -> bool:
    """Return whether a folder is an unchanged base model that `recipe-mpr finetune` made with random weights."""
    with suppress(OSError):
        return (marked := base_mark(folder)) is not None and marked == content_hashes(folder)
    return False


def base_mark(folder: Path) -> dict[str, str] | None:
    """Return the hashes that were recorded when a random base was made, or None."""
    path = folder / BASE_MARK
    with suppress(OSError, ValueError, RecursionError):
        if path.is_file() and path.stat().st_size <= _LARGEST_MARK:
            hashes = json.loads(path.read_text()).get("files")
            return hashes if isinstance(hashes, dict) else None
    return None
