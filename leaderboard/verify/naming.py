"""What a run's system is called, and where its model came from: a folder can have the name of a hub's model."""

from typing import Any

from leaderboard.load.names import folder_name, is_path, shown_text
from leaderboard.load.results import Run
from leaderboard.verify.identity import IMPORTED, kind, model_args
from leaderboard.verify.training import training_record
from recipe_mpr_task.manifest import MODEL_KEY

ADAPTER_ARGUMENTS = ("peft", "lora_local_path", "delta")
MODEL_ARGUMENTS = ("pretrained", "model", "path", "engine")

FOLDER, HUB = "folder", "hub"
_BACKENDS_WITH_HUB_HASH = ("hf", "hf-auto", "huggingface", "vllm")
"""Backends of lm-eval whose `model_sha` is a hub's commit, and empty for a folder."""

_BESIDE_WEIGHTS = "no training manifest beside the weights"
_NAMELESS = "a system without a name"


def system_name(run: Run) -> str:
    """Return a name for people, as it is shown: what the run's config calls the system, else the model's own name."""
    return shown_text(_name(run)) or _NAMELESS


def _name(run: Run) -> Any:
    if named := run.metadata.get("recipe_mpr_system"):
        return named
    arguments = model_args(run)
    if kind(run) in ("baseline", IMPORTED):
        return arguments.get("kind") or arguments.get("name")
    trained = training_record(run)
    if "recipe_name" in trained:
        what = ", merged" if trained.get("form") == "merged" else ""
        return (
            f"{trained['recipe_name']} ({_shown(trained.get('base_model', 'base unknown'), _base_source(run))}{what})"
        )
    loaded = _loaded(run, ADAPTER_ARGUMENTS) or _loaded(run, MODEL_ARGUMENTS)
    head = run.config.get("recipe_mpr_head")
    name = _shown(loaded[1], _source(run, *loaded)) if loaded else str(run.config.get("model"))
    return name + (f" ({head})" if head else "")


def model_ids(run: Run) -> dict[str, str | None]:
    """Return what was loaded: base model, adapter, revision, baseline, lm-eval's backend; of folders the last name.

    `base_from` and `adapter_from` are "hub" or "folder"; None where the run does not tell. A trained base counts as
    from a hub where its manifest knows it.
    """
    adapter, base = _loaded(run, ADAPTER_ARGUMENTS), _loaded(run, MODEL_ARGUMENTS)
    trained, revision = training_record(run), model_args(run).get("revision")
    base_name = base and base[1]
    base_from = _source(run, *base) if base else None
    if adapter and "base_model" in trained:
        base_name, base_from = str(trained["base_model"]), _base_source(run)
    adapter_from = _source(run, *adapter) if adapter else None
    return {
        "base": _shown(base_name, base_from) if base_name else None,
        "base_from": base_from,
        "adapter": _shown(adapter[1], adapter_from) if adapter else None,
        "adapter_from": adapter_from,
        "revision": shown_text(revision) if revision else None,
        "baseline": shown_text(model_args(run).get("kind")) if kind(run) == "baseline" else None,
        "backend": shown_text(run.config.get("model")),
    }


def _loaded(run: Run, names: tuple[str, ...]) -> tuple[str, str] | None:
    """The first of some model arguments that is set: (argument, value)."""
    arguments = model_args(run)
    return next(((name, str(arguments[name])) for name in names if arguments.get(name)), None)


def _source(run: Run, argument: str, value: str) -> str | None:
    """FOLDER or HUB; None where a name of two parts may be either."""
    if is_path(value):
        return FOLDER
    record = run.results.get(MODEL_KEY)
    sources = record.get("sources") if isinstance(record, dict) else None
    told = sources.get("peft" if argument in ADAPTER_ARGUMENTS else "pretrained") if isinstance(sources, dict) else None
    if told in (FOLDER, HUB):
        return str(told)
    trained = training_record(run)
    is_traced = argument in ADAPTER_ARGUMENTS or not _loaded(run, ADAPTER_ARGUMENTS)
    if is_traced and ("system" in trained or trained.get("reason") == _BESIDE_WEIGHTS):
        return FOLDER  # a manifest is read, or missed, in a folder only
    committed = run.config.get("peft_sha" if argument in ADAPTER_ARGUMENTS else "model_sha")
    is_hub = bool(committed) and run.config.get("model") in _BACKENDS_WITH_HUB_HASH
    return HUB if is_hub and isinstance(committed, str) else None


def _base_source(run: Run) -> str | None:
    """Where the base of a trained model came from: its manifest knows hub models; an adapter's base is loaded too."""
    trained = training_record(run)
    if trained.get("base_known") is True and "/" in str(trained.get("base_model")):
        return HUB
    base = _loaded(run, MODEL_ARGUMENTS) if _loaded(run, ADAPTER_ARGUMENTS) else None
    return _source(run, *base) if base else None


def _shown(name: Any, source: str | None) -> str:
    """A hub id stays whole; of a path the folder's name is shown, with "./" if it looks like a hub id."""
    text = str(name)
    if is_path(text):
        return folder_name(text)
    return f"./{text}" if source == FOLDER and "/" in text else text
