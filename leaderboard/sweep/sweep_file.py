"""Read and check a sweep file. All faults are reported at once, with the allowed keys."""

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from leaderboard.sweep.faults import cross_faults, describe
from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.commands.run import config_path
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.field_faults import field_faults
from recipe_mpr_task.models import MODELS
from recipe_mpr_task.suggest import did_you_mean
from recipe_mpr_task.task_specs import task_names

SOURCES = ("config", "baseline", "encoder", "checkpoint", "model")
"""Keys that name an entry's model. Each entry has exactly one."""


def _list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) or value is None else [value]


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are not allowed here")
    return value


def _one_of(allowed: Iterable[str]) -> AfterValidator:
    def check(name: str) -> str:
        names = sorted(allowed)
        if name not in names:
            raise ValueError(f"unknown{did_you_mean(name, names)}; allowed: {', '.join(names)}")
        return name

    return AfterValidator(check)


def _like(pattern: str, allowed: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.IGNORECASE):
            raise ValueError(f"allowed: {allowed}")
        return text

    return AfterValidator(check)


def _backend(name: str) -> str:
    from lm_eval.models import MODEL_MAPPING

    known = {*MODEL_MAPPING, *MODELS}
    if name not in known:
        raise ValueError(f"unknown{did_you_mean(name, known)}; allowed: {', '.join(sorted(known))}")
    return name


def _config(name: str) -> str:
    try:
        return config_path(name)
    except RecipeMPRError as error:
        raise ValueError(str(error).removeprefix("--config ")) from None


Number = Annotated[int, BeforeValidator(_no_bool)]
Task = Annotated[str, _one_of(task_names())]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Shots = Annotated[Number, Field(ge=0, le=100)]
Seed = Annotated[Number, Field(ge=0, lt=2**32)]
Batch = Annotated[
    str,
    BeforeValidator(str),
    BeforeValidator(_no_bool),
    _like(r"auto(:\d+)?|[1-9]\d*", "a positive number, auto or auto:N"),
]
Memory = Annotated[str, _like(r"\d+(\.\d+)? ?[KMGT]i?B", "a size such as 24GB")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Axes(_Strict):
    """The settings that vary for a model. Each key takes one value or a list. None means that the key is not set.

    Attributes:
        tasks: names of tasks or groups of tasks.
        shots: numbers of few-shot examples.
        chat_template: whether prompts go through the model's chat template.
        seeds: seeds for `--seed`. Without seeds, lm-eval's default seeds are used.
    """

    tasks: Annotated[list[Task], Field(min_length=1), BeforeValidator(_list)] | None = None
    shots: Annotated[list[Shots], Field(min_length=1), BeforeValidator(_list)] | None = None
    chat_template: Annotated[list[bool], Field(min_length=1), BeforeValidator(_list)] | None = None
    seeds: Annotated[list[Seed], Field(min_length=1), BeforeValidator(_list)] | None = None


class Entry(Axes):
    """One model of a sweep. Exactly one key of SOURCES names the model. An entry's axes replace the sweep's axes.

    Attributes:
        config: name of a file in harness_configs, or the path of an `lm_eval run --config` file.
        baseline: name of a baseline.
        encoder: folder or hub id of an encoder.
        checkpoint: folder of `recipe-mpr finetune`, with one checkpoint or five folds; scored on held-out items.
        model: any value of lm-eval's `--model`.
        name: the model's name in the plan and on the leaderboard. The default name is made from the model.
        model_args: more `--model_args`.
        gpus: number of GPUs; by default one if the machine has GPUs and the model can use one.
        memory: main memory that the model needs, such as 24GB. A model waits until this memory is free.
    """

    config: Annotated[str, AfterValidator(_config)] | None = None
    baseline: Annotated[str, _one_of(BASELINES)] | None = None
    encoder: Name | None = None
    checkpoint: Name | None = None
    model: Annotated[str, AfterValidator(_backend)] | None = None
    name: Name | None = None
    model_args: dict[str, Any] = {}
    backend: Literal["hf", "vllm"] = "hf"
    batch_size: Batch | None = None
    device: Name | None = None
    gen_kwargs: dict[str, Any] = {}
    system_instruction: str | None = None
    gpus: Annotated[Number, Field(ge=0, le=64)] | None = None
    memory: Memory | None = None


class Rule(Axes):
    """Cells to leave out (`exclude`) or to add (`include`).

    A missing key means any value in `exclude`, and the model's own values in `include`.

    Attributes:
        models: names of models; `*` matches any text, and `?` matches any character. None: all models.
    """

    models: Annotated[list[Name], Field(min_length=1), BeforeValidator(_list)] | None = None


class SweepFile(Axes):
    """A sweep: models x tasks x shots x chat template x seeds, without the cells of `exclude`, with those of `include`.

    Attributes:
        out: folder or URL for the results.
        batch_size: default of `--batch_size` for all models.
    """

    out: Name | None = None
    batch_size: Batch | None = None
    models: Annotated[list[Entry], Field(min_length=1)]
    include: list[Rule] = []
    exclude: list[Rule] = []


KEYS: Mapping[str, type[BaseModel]] = {"": SweepFile, "models": Entry, "include": Rule, "exclude": Rule}
"""The allowed keys of each part of the file."""


def shipped_sweeps() -> list[str]:
    """Return the names of the sweep files in harness_configs."""
    folder = files("harness_configs") / "sweeps"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def read_sweep(name: str) -> SweepFile:
    """Read a sweep file.

    Args:
        name: the path of a YAML file, or the name of a file in `harness_configs/sweeps`.

    Raises:
        RecipeMPRError: the file cannot be read or has faults. The message lists all faults.
    """
    raw = _read(name)
    faults = cross_faults(raw, SOURCES)
    try:
        sweep = SweepFile.model_validate(raw)
    except ValidationError as error:
        faults = [*(describe(fault, KEYS) for fault in field_faults(error)), *faults]
    if faults:
        faults = list(dict.fromkeys(faults))
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise RecipeMPRError(f"sweep {name}: {count}: {'; '.join(faults)}")
    return sweep


def _read(name: str) -> dict[str, Any]:
    path = Path(name).expanduser()
    shipped = files("harness_configs") / "sweeps" / f"{name.removesuffix('.yaml')}.yaml"
    try:
        if path.is_file():
            raw = yaml.safe_load(path.read_text())
        elif "/" not in name and shipped.is_file():
            raw = yaml.safe_load(shipped.read_text())
        else:
            names = shipped_sweeps()
            hint = did_you_mean(name, names)
            raise RecipeMPRError(f"no sweep {name!r}; allowed: a path, or one of {', '.join(names)}{hint}")
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeMPRError(f"sweep {name} cannot be read: {error}") from None
    if not isinstance(raw, dict):
        raise RecipeMPRError(f"sweep {name} has no settings; expected a YAML mapping with the key models")
    return raw
