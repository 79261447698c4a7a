"""Recognise the cells whose results exist. Compare identities of runs, not names, as the leaderboard does.

For each cell, `expected` builds the `Run` that lm-eval would log. `identity` hashes this run like a logged run. Facts
that are known only after loading, such as the number type of the weights, come from the logged run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leaderboard.load.run import Run
from leaderboard.load.schema import Results
from leaderboard.sweep.cells import Cell, head_of
from leaderboard.sweep.finished import finished_runs
from leaderboard.sweep.models import BASELINE, ENCODER, Model
from leaderboard.verify.identity import identity
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.loaded_model import model_record, named_arguments, parts_of_model
from recipe_mpr_task.manifest import MODEL_KEY, TRAINING_KEY
from recipe_mpr_task.model_arguments import is_traced
from recipe_mpr_task.provenance import Seen, seen_by
from recipe_mpr_task.task_specs import generation_settings, task_spec

_UNSAID = (None, "auto")
_HUB = "hub"


class Recognition:
    """The complete runs of a folder. `find` looks up a cell's run.

    Attributes:
        incomplete: one line of text for each run that is not complete, and for each unreadable file.
    """

    def __init__(self, runs: Path | None) -> None:
        self._runs: dict[str, list[Run]] = {}
        self.incomplete: list[str] = []
        if runs is not None and runs.is_dir():
            complete, self.incomplete = finished_runs(runs)
            for run in complete:
                self._runs.setdefault(run.task, []).append(run)

    def find(self, cell: Cell) -> Run | None:
        """Return a complete run of the cell; None if there is none."""
        return next((run for run in self._runs.get(cell.task, ()) if matches(cell, run)), None)


def matches(cell: Cell, run: Run) -> bool:
    """Return whether a logged run is a run of the cell, that is, has the same task and identity."""
    return run.task == cell.task and identity(expected(cell, run)) == identity(run)


def key_of(cell: Cell) -> str:
    """Return the cell's task and a hash. Two cells of a sweep with the same key repeat one measurement."""
    return f"{cell.task} {identity(expected(cell))}"


def expected(cell: Cell, like: Run | None = None) -> Run:
    """Return the run that lm-eval would log for a cell. It has only the fields that `identity` reads, and no items.

    Args:
        cell: the cell.
        like: a logged run, or None. Facts that are known only after loading are taken from this run, if it fits.
    """
    model, settings = cell.model, cell.model.settings
    config = {
        "model": model.backend,
        "model_args": dict(model.args),
        "fewshot_seed": cell.seeds[3],
        "model_dtype": _dtype(model, like),
        "model_sha": like.config.model_sha if like else None,
        "recipe_mpr_head": _head(model, like),
    }
    task = {"metadata": {"version": TASK_VERSION, **model.metadata}, **_generation(cell, like)}
    raw: dict[str, Any] = {
        **_loaded(model, like),
        "config": config,
        "configs": {cell.task: task},
        "n-shot": {cell.task: cell.shots},
        "results": {cell.task: {}},
        "fewshot_as_multiturn": settings.get("fewshot_as_multiturn", True if cell.chat else None),
        "chat_template_sha": _chat(cell, like),
        "system_instruction_sha": _text_sha(settings.get("system_instruction")),
    }
    return Run("", cell.task, Results.of(raw, cell.task))


def _text_sha(text: str | None) -> str | None:
    from lm_eval.utils import hash_string

    return hash_string(text) if text else None


def _chat(cell: Cell, like: Run | None) -> Any:
    """Return a value that equals the template's logged hash if cell and run both use a chat template; None without one.

    The hash itself is not compared, because the tokenizer's files are hashed with the model.
    """
    if not cell.chat:
        return None
    if like and (like.results.chat_template_sha or not is_traced(cell.model.backend)):
        return like.results.chat_template_sha  # a chat server applies its own template, and lm-eval logs no hash
    return "applied"


def _dtype(model: Model, like: Run | None) -> str | None:
    """Return the number type of the weights as lm-eval logs it; None if unknown."""
    if like is None or like.config.model_dtype is None:
        return None
    asked, logged = model.args.get("dtype"), like.config.model_dtype
    if asked in _UNSAID:
        same = like.args.given.get("dtype") in _UNSAID or _declared_dtype(model) == logged.removeprefix("torch.")
        return logged if same else "unknown"
    return logged if str(asked).removeprefix("torch.") == logged.removeprefix("torch.") else str(asked)


def _declared_dtype(model: Model) -> str | None:
    """Return the number type that transformers uses by default for a local model, from its config."""
    if model.backend == ENCODER:
        return "float32"
    part = parts_of_model(named_arguments(model.backend, model.args) or {}).get("pretrained")
    config = head_config(part.folder) if part and part.folder else {}
    return config.get("dtype") or config.get("torch_dtype")


def head_config(folder: Path) -> Mapping[str, Any]:
    """Return the content of a model folder's config.json; empty if the file is missing or unreadable."""
    import json
    from contextlib import suppress

    with suppress(OSError, ValueError, RecursionError):
        config = json.loads((folder / "config.json").read_text())
        return config if isinstance(config, dict) else {}
    return {}


def _head(model: Model, like: Run | None) -> str | None:
    if model.backend != ENCODER:
        return None
    head = str(model.args.get("head", "auto"))
    if head != "auto":
        return head
    try:
        declared = head_of(str(model.args.get("pretrained")), model.args.get("revision"))
    except CheckpointError:
        return None
    return declared or (like.config.recipe_mpr_head if like else None)


def _generation(cell: Cell, like: Run | None) -> dict[str, Any]:
    spec = task_spec(cell.task)
    if not spec.generates:
        return {"output_type": "multiple_choice"}
    settings = {**generation_settings(cell.task), **(cell.model.settings.get("gen_kwargs") or {})}
    logged = (like.results.task.generation_kwargs if like else None) or {}
    least = logged.get("max_gen_toks")
    if isinstance(least, int) and least <= settings.get("max_gen_toks", 0):
        settings["max_gen_toks"] = least  # lowered to the model's context, which is known only after loading
    return {"output_type": "generate_until", "generation_kwargs": settings}


def _loaded(model: Model, like: Run | None) -> dict[str, Any]:
    """Return the records of the model's files and of its training, as the plugin writes them."""
    loaded, training = _records(model)
    if loaded["sha256"] is None and like is not None and _same_hub_model(model, like):
        known = like.results.as_raw(like.task)
        return {key: known[key] for key in (MODEL_KEY, TRAINING_KEY) if key in known}
    return {MODEL_KEY: loaded, TRAINING_KEY: training}


def _same_hub_model(model: Model, like: Run) -> bool:
    """Return whether a run loaded the same names from the hub. Use this if the weights are not on this machine."""
    mine, given = named_arguments(model.backend, model.args), named_arguments(like.config.backend, like.args.given)
    return bool(mine) and mine == given and like.loaded.sources.get("pretrained") == _HUB


_RECORDS: dict[int, tuple[Model, tuple[dict[str, Any], dict[str, Any]]]] = {}


def _records(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two records of a model. They are kept per model, because hashing large weights is slow."""
    if id(model) not in _RECORDS:
        _RECORDS[id(model)] = (model, _compute_records(model))
    return _RECORDS[id(model)][1]


def _compute_records(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    if model.backend == BASELINE:
        return model_record(None), Seen(frozenset(), "never trained").summary()
    arguments = named_arguments(model.backend, model.args)
    if arguments is None:
        return model_record(None), {"reason": None}
    return model_record(arguments), seen_by({**model.metadata, **model.args, **arguments}).summary()
