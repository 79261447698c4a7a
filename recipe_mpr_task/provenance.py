"""Find the items that a model has seen in training, from the model's arguments and its training manifest.

`task.load_dataset` calls `seen_by` with the user's arguments. Later, `checks` calls `seen_by` again for the loaded
model, and the second result replaces the first.
If no manifest lists exactly the loaded files, the seen items are unknown.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recipe_mpr_task.errors import CheckpointError, one_line
from recipe_mpr_task.loaded_files import content_hashes, file_hashes
from recipe_mpr_task.loaded_model import ADAPTER_ARGUMENTS, configured_base, located
from recipe_mpr_task.manifest import TrainingManifest, read_manifest
from recipe_mpr_task.model_arguments import unaccounted
from recipe_mpr_task.splits import TRAINING_SPLITS, parts_of

NOT_A_FOLDER = "no training manifest: not a local folder"


@dataclass(frozen=True)
class Seen:
    """The known facts about a model's training.

    Attributes:
        ids: ids of the items used for training or validation; None if unknown.
        reason: how `ids` is known, or why it is unknown.
        manifest: the valid manifest of the checkpoint or adapter; None if there is no valid manifest.
        is_all: whether `ids` is complete. False if the base model may have seen more items.
        unselected: the mark of a checkpoint that training did not select, see `TrainingManifest`; else "". The mark is
            also given if the manifest does not fit the files.
    """

    ids: frozenset[str] | None
    reason: str
    manifest: TrainingManifest | None = None
    is_all: bool = True
    unselected: str = ""

    def flag(self, item_id: str) -> int | None:
        """Return 1 if the model has seen the item, 0 if not, None if unknown."""
        if self.ids is None:
            return None
        return 1 if item_id in self.ids else 0 if self.is_all else None

    def summary(self) -> dict[str, Any]:
        """Return the fields for a results file: `reason`, `unselected` if set, and the manifest without item ids."""
        lists = {"train_ids", "validation_ids", "test_ids", "inherited_ids"}
        return {
            "reason": self.reason,
            **(self.manifest.model_dump(mode="json", exclude=lists) if self.manifest else {}),
            **({"unselected": self.unselected} if self.unselected else {}),
        }


_TELLING = ("delta", "gguf_file", "subfolder", "trust_remote_code", "tokenizer", "use_safetensors")
"""Arguments that may load files or code that a manifest does not list. `seen_by` checks these arguments."""

_UNSAID = "whose earlier training data are unknown"


class _UntraceableError(Exception):
    """The model's training items are unknown. The message gives the reason."""


def seen_by(arguments: Mapping[str, Any]) -> Seen:
    """Return the items that a model has seen, from its lm-eval arguments.

    If the seen items are unknown, `ids` of the result is None, and `reason` says why.

    Args:
        arguments: `--model_args` as a mapping. Other keys in the mapping are ignored.
    """
    try:
        seen = _traced(arguments)
    except _UntraceableError as error:
        seen = Seen(None, str(error))
    except (CheckpointError, OSError) as error:
        seen = Seen(None, one_line(error))
    return replace(seen, unselected=_mark_beside(arguments))


def _mark_beside(arguments: Mapping[str, Any]) -> str:
    """Return the first mark of an unselected checkpoint in the manifests of the loaded folders; "" if there is none."""
    for name in filter(arguments.get, ("pretrained", *ADAPTER_ARGUMENTS)):
        with suppress(CheckpointError, OSError, ValueError):
            if (manifest := read_manifest(Path(str(arguments[name])))) and manifest.unselected:
                return manifest.unselected
    return ""


def _traced(arguments: Mapping[str, Any]) -> Seen:
    if strange := unaccounted("hf", {name: arguments[name] for name in _TELLING if name in arguments}):
        raise _UntraceableError(f"{strange[0]} changes the model in a way that no manifest records")
    pretrained = arguments.get("pretrained")
    adapter = next((arguments[name] for name in ADAPTER_ARGUMENTS if arguments.get(name)), None)
    if not isinstance(pretrained, str) or not pretrained:
        raise _UntraceableError(
            "the model was not loaded from a folder or hub id, or lm-eval did not pass `pretrained` to the task"
        )
    folder = Path(str(adapter or pretrained))
    manifest = _valid_manifest(folder)
    ids, doubt = set(manifest.seen_ids), "" if manifest.base_known else manifest.base_reason or _UNSAID
    if manifest.form == "adapter":
        below, unread = _seen_by_base(manifest, pretrained if adapter else configured_base(folder), arguments)
        ids, doubt = ids | below, doubt or unread
    elif adapter:
        raise _UntraceableError(
            f"{folder.name} is loaded as an adapter, but its manifest describes a full model; pass it as pretrained"
        )
    trained = f"trained by recipe {manifest.recipe_name} on split {manifest.split}"
    if doubt:
        trained += f", from {manifest.base_model}, {doubt}"
    return Seen(frozenset(ids), trained, manifest, is_all=not doubt)


def public_name(folder: Path) -> str | None:
    """Return the hub id of the public model that a folder is a copy of, or None if no listed model matches."""
    from recipe_mpr_task import public_models

    model = public_models.by_files(file_hashes(folder))
    return model.name if model else None


def _valid_manifest(folder: Path) -> TrainingManifest:
    if not folder.is_dir():
        raise _UntraceableError(NOT_A_FOLDER)
    manifest = read_manifest(folder)
    if manifest is None:
        raise _UntraceableError("no training manifest beside the weights")
    if not manifest.is_of_pinned_data:
        raise _UntraceableError("its manifest is for another dataset file")
    if other := _first_other(content_hashes(folder), manifest.weights | manifest.settings):
        raise _UntraceableError(f"its manifest lists other weights, tokenizer or settings: {other} differs")
    _check_ids(manifest)
    return manifest


def _check_ids(manifest: TrainingManifest) -> None:
    """Raise an error unless the manifest lists the training and validation ids of its split.

    After a run with `refit`, the manifest may instead list all these ids as training ids, without validation ids.
    """
    if manifest.split not in TRAINING_SPLITS:
        raise _UntraceableError(f"its manifest names an unknown split; allowed: {', '.join(TRAINING_SPLITS)}")
    parts = parts_of(manifest.split)
    listed = (sorted(manifest.train_ids), sorted(manifest.validation_ids))
    refit: tuple[list[str], list[str]] = (sorted(parts.train + parts.validation), [])
    if listed not in ((list(parts.train), list(parts.validation)), refit):
        raise _UntraceableError(f"its manifest does not list the items of its split, {manifest.split}")


def _first_other(loaded: Mapping[str, str], recorded: Mapping[str, str]) -> str | None:
    """Return the first file name whose hashes differ in the two mappings, or None if the mappings are equal."""
    return min((name for name in {*loaded, *recorded} if loaded.get(name) != recorded.get(name)), default=None)


def _seen_by_base(manifest: TrainingManifest, base: str, arguments: Mapping[str, Any]) -> tuple[frozenset[str], str]:
    """Return what an adapter's base model has seen. Raise an error if the adapter was trained on another base model.

    Args:
        manifest: the adapter's manifest.
        base: folder or hub id of the base model that is loaded.
        arguments: `--model_args`; only `revision` is read.

    Returns:
        The ids of the seen items, and the reason why the base model may have seen more items. The reason is "" if the
        ids are complete.
    """
    if not base:
        raise _UntraceableError("the adapter names no base model")
    part = located(base, str(arguments.get("revision") or manifest.base_revision or "main"))
    if part.folder is None or not manifest.base_files:
        return frozenset(), "whose loaded files cannot be compared with recorded hashes"
    if other := _first_other(content_hashes(part.folder), manifest.base_files):
        raise _UntraceableError(f"the base model is not the one that the adapter was trained on: {other} differs")
    below = read_manifest(part.folder) if part.source == "folder" else None
    return (below.seen_ids if below else frozenset()), ""
