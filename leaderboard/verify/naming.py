"""A system's name for people, and where its model came from: a folder can have the name of a hub's model."""

from collections.abc import Sequence

from leaderboard.load.schema import Run
from leaderboard.verify.identity import IMPORTED, kind
from recipe_mpr_task.names import folder_name, is_path, shown_text

ADAPTER_ARGUMENTS = ("peft", "lora_local_path", "delta")
MODEL_ARGUMENTS = ("pretrained", "model", "path", "engine")

FOLDER, HUB = "folder", "hub"
_BACKENDS_WITH_HUB_HASH = ("hf", "hf-auto", "huggingface", "vllm")
"""Backends of lm-eval whose `model_sha` is a hub's commit, and empty for a folder."""

_BESIDE_WEIGHTS = "no training manifest beside the weights"
_NAMELESS = "a system without a name"

_Loaded = tuple[str, str]
"""A model argument that names what was loaded, and its value."""


def system_name(run: Run) -> str:
    """Return the name that the run's config gives the system, else the model's own name, as it is shown."""
    return shown_text(_name(run)) or _NAMELESS


def _name(run: Run) -> str:
    if named := run.results.task.metadata.recipe_mpr_system:
        return str(named)
    if kind(run) in ("baseline", IMPORTED):
        return run.args.text("kind") or run.args.text("name") or "None"
    training = run.training
    if training.recipe_name is not None:
        base = "base unknown" if training.base_model is None else training.base_model
        merged = ", merged" if training.form == "merged" else ""
        return f"{training.recipe_name} ({_shown(base, _base_source(run))}{merged})"
    loaded = _loaded(run, ADAPTER_ARGUMENTS) or _loaded(run, MODEL_ARGUMENTS)
    name = _shown(loaded[1], _source(run, loaded)) if loaded else run.config.backend
    head = run.config.recipe_mpr_head
    return name + (f" ({head})" if head else "")


def model_ids(run: Run) -> dict[str, str | None]:
    """Return what was loaded, by name; the fields are those of `rank.row.LoadedNames`.

    A trained base counts as from a hub where its manifest knows it.
    """
    adapter, base = _loaded(run, ADAPTER_ARGUMENTS), _loaded(run, MODEL_ARGUMENTS)
    revision = run.args.text("revision")
    base_name = base and base[1]
    base_from = _source(run, base) if base else None
    if adapter and run.training.base_model is not None:
        base_name, base_from = run.training.base_model, _base_source(run)
    adapter_from = _source(run, adapter) if adapter else None
    return {
        "base": _shown(base_name, base_from) if base_name else None,
        "base_from": base_from,
        "adapter": _shown(adapter[1], adapter_from) if adapter else None,
        "adapter_from": adapter_from,
        "revision": shown_text(revision) if revision else None,
        "baseline": shown_text(run.args.text("kind") or "None") if kind(run) == "baseline" else None,
        "backend": shown_text(run.config.backend),
    }


def _loaded(run: Run, names: Sequence[str]) -> _Loaded | None:
    """Return the first of some model arguments that is set."""
    return next(((name, value) for name in names if (value := run.args.text(name))), None)


def _source(run: Run, loaded: _Loaded) -> str | None:
    """Return FOLDER or HUB; None where a name of two parts may be either."""
    argument, value = loaded
    if is_path(value):
        return FOLDER
    is_adapter = argument in ADAPTER_ARGUMENTS
    recorded = run.loaded.sources.get("peft" if is_adapter else "pretrained")
    if recorded in (FOLDER, HUB):
        return recorded
    is_traced = is_adapter or not _loaded(run, ADAPTER_ARGUMENTS)
    if is_traced and (run.training.has_manifest or run.training.reason == _BESIDE_WEIGHTS):
        return FOLDER  # a manifest is read, or missed, in a folder only
    commit = run.config.peft_sha if is_adapter else run.config.model_sha
    return HUB if commit and run.config.backend in _BACKENDS_WITH_HUB_HASH else None


def _base_source(run: Run) -> str | None:
    """Return where a trained model's base came from: its manifest knows hub models; an adapter's base is loaded too."""
    if run.training.base_known and "/" in (run.training.base_model or ""):
        return HUB
    base = _loaded(run, MODEL_ARGUMENTS) if _loaded(run, ADAPTER_ARGUMENTS) else None
    return _source(run, base) if base else None


def _shown(name: str, source: str | None) -> str:
    """Return a hub id whole; of a path the folder's name, with "./" before it if it looks like a hub id."""
    if is_path(name):
        return folder_name(name)
    return f"./{name}" if source == FOLDER and "/" in name else name
