"""What the model in a run has seen of the dataset, found from how it was loaded.

Two ways lead here: `task.load_dataset`, to which lm-eval hands the model's arguments, and the
plugin's hook around `evaluate`, which sees the loaded model itself and has the last word. What
cannot be traced to a manifest that speaks of exactly these weights is unknown, never clean.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from recipe_mpr_task.errors import CheckpointError, one_line
from recipe_mpr_task.manifest import TrainingManifest, combined_sha256, read_manifest, setting_hashes, weight_hashes
from recipe_mpr_task.splits import TRAINING_SPLITS, parts_of

ADAPTER_ARGUMENTS = ("peft", "lora_local_path")
UNTRACEABLE_ARGUMENTS = ("delta", "gguf_file", "subfolder", "trust_remote_code")
"""Model arguments that make a model other than what the safetensors files beside a manifest hold."""

PUBLIC_WEIGHTS = {
    "sentence-transformers/all-MiniLM-L6-v2": {
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    }
}
"""Weight files of public models, which are as well known in a folder as by their hub id."""

NOT_A_FOLDER = "no training manifest: not a local folder"
_MAIN = "main"
_OFF = (None, "", False, "False", "false")


def is_off(value: Any) -> bool:
    """Say whether a model argument, as lm-eval records it, changes nothing."""
    return value in _OFF


@dataclass(frozen=True)
class Seen:
    """What is known of a model's training.

    Attributes:
        ids: items trained or validated on; None if that cannot be known.
        reason: how it is known, or why not.
        manifest: of the checkpoint or adapter, where there is a valid one.
        is_all: whether nothing but `ids` was seen; False where a base model's own training is unknown.
    """

    ids: frozenset[str] | None
    reason: str
    manifest: TrainingManifest | None = None
    is_all: bool = True

    def flag(self, item_id: str) -> int | None:
        """Return 1 if the item was seen, 0 if not, None if unknown."""
        if self.ids is None:
            return None
        return 1 if item_id in self.ids else 0 if self.is_all else None

    def summary(self) -> dict[str, Any]:
        """Return what a results file records: the reason and the manifest, without its lists of items."""
        lists = {"train_ids", "validation_ids", "test_ids", "inherited_ids"}
        return {
            "reason": self.reason,
            **(self.manifest.model_dump(mode="json", exclude=lists) if self.manifest else {}),
        }


class _UntraceableError(Exception):
    """Why nothing can be known."""


def seen_by(arguments: Mapping[str, Any]) -> Seen:
    """Find what a model has seen from its lm-eval arguments.

    Args:
        arguments: `--model_args` as a mapping; other keys are passed over.
    """
    try:
        return _traced(arguments)
    except _UntraceableError as error:
        return Seen(None, str(error))
    except (CheckpointError, OSError) as error:
        return Seen(None, one_line(error))


def seen_by_model(lm: Any, metadata: Mapping[str, Any]) -> Seen:
    """Find what a loaded lm-eval model has seen.

    Args:
        lm: the model. Only lm-eval's own `hf` and `vllm` classes and ours are traced: another class may load anything.
        metadata: the task's metadata, for arguments that the model does not keep.
    """
    lm = getattr(lm, "lm", lm)  # lm-eval's cache stands around the model
    if getattr(lm, "never_trained", False):
        return Seen(frozenset(), "never trained")
    kept = {name: metadata[name] for name in UNTRACEABLE_ARGUMENTS if name in metadata}
    module = type(lm).__module__
    if module.startswith("lm_eval.models.huggingface") or module == "recipe_mpr_task.models.encoder":
        names = ("pretrained", "peft", "delta", "revision")
        return seen_by(kept | {name: getattr(lm, name, None) for name in names})
    if module.startswith("lm_eval.models.vllm"):
        engine, lora = lm.model_args, lm.lora_request
        adapter = lora and (getattr(lora, "lora_path", None) or getattr(lora, "lora_local_path", None))
        return seen_by(
            kept | {"pretrained": engine["model"], "revision": engine.get("revision"), "lora_local_path": adapter}
        )
    return Seen(None, f"a model of class {type(lm).__name__} cannot be traced to its weights")


def _traced(arguments: Mapping[str, Any]) -> Seen:
    for name in UNTRACEABLE_ARGUMENTS:
        if not is_off(arguments.get(name)):
            raise _UntraceableError(f"{name} changes the model in a way that no manifest speaks of")
    pretrained = arguments.get("pretrained")
    adapter = next((arguments[name] for name in ADAPTER_ARGUMENTS if arguments.get(name)), None)
    if not isinstance(pretrained, str) or not pretrained:
        raise _UntraceableError("the model was not loaded from a folder or hub id, or its arguments did not arrive")
    folder = Path(str(adapter or pretrained)).expanduser()
    manifest = _valid_manifest(folder)
    ids = set(manifest.seen_ids)
    if manifest.form == "adapter":
        base = pretrained if adapter else _configured_base(folder)
        ids |= _seen_by_base(manifest, base, str(arguments.get("revision") or _MAIN))
    elif adapter:
        raise _UntraceableError(f"the manifest beside {folder.name} is not of an adapter")
    trained = f"trained by recipe {manifest.recipe_name} on split {manifest.split}"
    if not manifest.base_known:
        trained += f", from the folder {manifest.base_model}, which had no manifest that says what it had seen before"
    return Seen(frozenset(ids), trained, manifest, is_all=manifest.base_known)


def public_name(folder: Path) -> str | None:
    """Return the hub id of a public model whose weights a folder holds, or None."""
    found = _hashes(folder)
    return next((name for name, weights in PUBLIC_WEIGHTS.items() if weights == found), None)


def _valid_manifest(folder: Path) -> TrainingManifest:
    if not folder.is_dir():
        raise _UntraceableError(NOT_A_FOLDER)
    manifest = read_manifest(folder)
    if manifest is None:
        raise _UntraceableError("no training manifest beside the weights")
    if not manifest.is_of_pinned_data:
        raise _UntraceableError("its manifest speaks of another dataset file")
    if _hashes(folder) != manifest.weights:
        raise _UntraceableError("its manifest speaks of other weights")
    if setting_hashes(folder) != manifest.settings:
        raise _UntraceableError("its manifest speaks of other settings: a config beside the weights was changed")
    _check_ids(manifest)
    return manifest


def _check_ids(manifest: TrainingManifest) -> None:
    """Check that the manifest's items are those of the split that it names."""
    if manifest.split not in TRAINING_SPLITS:
        raise _UntraceableError("its manifest names no split of ours")
    parts = parts_of(manifest.split)
    listed = (sorted(manifest.train_ids), sorted(manifest.validation_ids))
    refit: tuple[list[str], list[str]] = (sorted(parts.train + parts.validation), [])
    if listed not in ((list(parts.train), list(parts.validation)), refit):
        raise _UntraceableError(f"its manifest does not list the items of its split, {manifest.split}")


def _configured_base(folder: Path) -> str:
    """The base model that an adapter folder itself names, which transformers then loads."""
    try:
        return str(json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        raise _UntraceableError("the adapter names no base model") from None


def _seen_by_base(manifest: TrainingManifest, base: str, revision: str) -> frozenset[str]:
    """Check that an adapter stands on the base it was trained on; return what that base has seen."""
    folder = Path(base).expanduser()
    if folder.is_dir():
        if manifest.base_sha256 is None or combined_sha256(_hashes(folder)) != manifest.base_sha256:
            raise _UntraceableError("the base model is not the one that the adapter was trained on")
        below = read_manifest(folder)
        return below.seen_ids if below else frozenset()
    if base != manifest.base_model or revision != (manifest.base_revision or _MAIN):
        raise _UntraceableError("the base model is not the one that the adapter was trained on")
    return frozenset()


def _hashes(folder: Path) -> dict[str, str]:
    # By size and time as well: every task of a run asks, and a folder may be trained into in between.
    files = tuple((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(folder.glob("*.safetensors")))
    return dict(_cached_hashes(folder.resolve(), files))


@lru_cache(maxsize=64)
def _cached_hashes(folder: Path, _files: tuple[tuple[str, int, int], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(weight_hashes(folder).items())
