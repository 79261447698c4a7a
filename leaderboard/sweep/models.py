"""Turn each entry of a sweep file into models with lm-eval's arguments."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from leaderboard.sweep.faults import entry_name, missing_folders
from leaderboard.sweep.sweep_file import SOURCES, Entry, SweepFile
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.model_arguments import ALIASES
from recipe_mpr_task.task_specs import tasks_in
from recipe_mpr_task.trained_checkpoints import find_checkpoints

BASELINE, ENCODER = "recipe-mpr-baseline", "recipe-mpr-encoder"
_SWEPT = ("model", "model_args", "tasks", "num_fewshot", "apply_chat_template", "seed", "batch_size", "output_path",
          "log_samples", "device", "metadata")  # fmt: skip
"""Keys of an lm-eval config that the sweep sets itself. The other keys are passed on unchanged."""

_PARTIAL = ("limit", "samples", "predict_only")
"""Keys of an lm-eval config that make a run incomplete."""

_UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}


@dataclass(frozen=True)
class Model:
    """One model of a sweep.

    Attributes:
        name: the model's name in the plan.
        backend: the value of `--model`.
        args: `--model_args` as a mapping.
        batch_size: as in `--batch_size`.
        device: as in `--device`; None if lm-eval chooses.
        settings: other settings of an `lm_eval run --config` file, such as `gen_kwargs`.
        metadata: `--metadata` as a mapping, such as {"recipe_mpr_system": the display name}.
        gpus: number of GPUs; None for the default of `Executor.needs`.
        memory: bytes of main memory that the model needs; 0 if unknown.
        tasks, shots, chat_template, seeds: the values to combine for this model.
    """

    name: str
    backend: str
    args: Mapping[str, Any]
    batch_size: str
    device: str | None
    settings: Mapping[str, Any]
    metadata: Mapping[str, Any]
    gpus: int | None
    memory: int
    tasks: tuple[str, ...]
    shots: tuple[int, ...]
    chat_template: tuple[bool, ...]
    seeds: tuple[int | None, ...]

    @property
    def reads_prompts(self) -> bool:
        """Whether shots, chat template and seeds can change the model's answers."""
        return self.backend not in (BASELINE, ENCODER)

    @property
    def uses_gpu(self) -> bool:
        """Whether lm-eval loads the model's weights in its own process."""
        return ALIASES.get(self.backend, self.backend) in ("hf", "vllm", "sglang", ENCODER)


@dataclass(frozen=True)
class _Source:
    """The values from an entry's source: the model, and default settings that the entry or the sweep can replace."""

    backend: str
    args: Mapping[str, Any]
    config: Mapping[str, Any] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    label: str = ""


def models_of(sweep: SweepFile) -> list[Model]:
    """Return the models of a sweep. A checkpoint of five folds gives five models.

    Raises:
        RecipeMPRError: models have faults, such as a checkpoint without a manifest. The message lists all faults.
    """
    models, faults = [], []
    for k, entry in enumerate(sweep.models):
        try:
            of_entry = [_model(sweep, entry, source) for source in _sources(entry)]
            faults += [f"models.{k}.{fault}" for model in of_entry for fault in missing_folders(model.args)]
            models += of_entry
        except RecipeMPRError as error:
            faults.append(f"models.{k}: {error}")
    if faults:
        raise RecipeMPRError("; ".join(faults))
    return models


def _sources(entry: Entry) -> list[_Source]:
    if entry.config:
        config = _lm_eval_config(entry.config)
        return [_Source(str(config.get("model", "hf")), config.get("model_args") or {}, config)]
    if entry.baseline:
        return [_Source(BASELINE, {"kind": entry.baseline})]
    if entry.encoder:
        return [_Source(ENCODER, {"pretrained": entry.encoder})]
    if entry.checkpoint:
        checkpoints = find_checkpoints(Path(entry.checkpoint).expanduser())
        return [
            _Source(*one.model(entry.backend), tasks=(one.held_out_task(entry.backend),),
                    label=f" {one.manifest.split}" if len(checkpoints) > 1 else "")
            for one in checkpoints
        ]  # fmt: skip
    return [_Source(str(entry.model), {})]


def _lm_eval_config(path: str) -> Mapping[str, Any]:
    try:
        config = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeMPRError(f"config {path} cannot be read: {error}") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_args") or {}, dict):
        raise RecipeMPRError(f"config {path}: expected a YAML mapping, with model_args as a mapping")
    if partial := [key for key in _PARTIAL if config.get(key)]:
        raise RecipeMPRError(
            f"config {path} sets {', '.join(partial)}, so results would be incomplete; remove these keys"
        )
    return config


def _model(sweep: SweepFile, entry: Entry, source: _Source) -> Model:
    config, name = source.config, entry_name(entry.model_dump(), SOURCES) + source.label
    settings = {key: value for key, value in config.items() if key not in _SWEPT}
    given = {"gen_kwargs": entry.gen_kwargs or None, "system_instruction": entry.system_instruction}
    settings |= {key: value for key, value in given.items() if value is not None}
    shown = {"recipe_mpr_system": entry.name} if entry.name else {}
    args = {**source.args, **entry.model_args}
    seed = config.get("seed")
    tasks = entry.tasks or source.tasks or sweep.tasks or _listed(config)
    return Model(
        name=name,
        backend=source.backend,
        args={**_parallel(source.backend, entry.gpus or 1), **args},
        batch_size=str(entry.batch_size or config.get("batch_size") or sweep.batch_size or 8),
        device=entry.device or config.get("device"),
        settings=settings,
        metadata={**(config.get("metadata") or {}), **shown},
        gpus=entry.gpus,
        memory=_bytes(entry.memory),
        tasks=_unique(task for name in tasks for task in tasks_in(name)),
        shots=_unique(_first(entry.shots, config.get("num_fewshot"), sweep.shots, 0)),
        chat_template=_unique(map(bool, _first(entry.chat_template, config.get("apply_chat_template"),
                                               sweep.chat_template, False))),
        seeds=_unique(_first(entry.seeds, seed if isinstance(seed, int) else None, sweep.seeds, (None,))),
    )  # fmt: skip


def _listed(config: Mapping[str, Any]) -> Sequence[str]:
    tasks = config.get("tasks") or ["recipe_mpr"]
    return tasks.split(",") if isinstance(tasks, str) else [str(task) for task in tasks]


def _first(*values: Any) -> Sequence[Any]:
    """Return the first value that is not None, as a list."""
    value = next(value for value in values if value is not None)
    return value if isinstance(value, (list, tuple)) else [value]


def _unique(values: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _parallel(backend: str, gpus: int) -> dict[str, Any]:
    """Return the arguments that spread a model over several GPUs. These arguments change no score."""
    if gpus < 2:
        return {}
    spread: dict[str, dict[str, Any]] = {"hf": {"parallelize": True}, "vllm": {"tensor_parallel_size": gpus}}
    return spread.get(ALIASES.get(backend, backend), {})


def _bytes(text: str | None) -> int:
    match = re.match(r"([\d.]+) ?([KMGT])", text or "", re.IGNORECASE)
    return int(float(match[1]) * 2 ** _UNITS[match[2].upper()]) if match else 0
