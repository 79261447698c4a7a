"""List the cells of a sweep: models x tasks x shots x chat template x seeds. State why a cell cannot be run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

from leaderboard.sweep.models import BASELINE, ENCODER, Model
from leaderboard.sweep.sweep_file import Rule, SweepFile
from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.loaded_model import located
from recipe_mpr_task.models.checkpoint import Checkpoint, detect_head, refuse_causal
from recipe_mpr_task.names import slug
from recipe_mpr_task.task_specs import prompt_shows_query, task_spec, tasks_in

DEFAULT_SEEDS = (0, 1234, 1234, 1234)
"""lm-eval's default of `--seed`: seeds of random, numpy, torch and the few-shot sampler."""

_CHAT_ONLY = ("local-chat-completions", "openai-chat-completions", "azure-openai-chat-completions", "anthropic-chat",
              "anthropic-chat-completions", "litellm", "litellm-chat", "litellm-chat-completions",
              "sglang-generate")  # fmt: skip
"""Backends that give no log-probabilities of an answer, so that they can only generate text."""


@dataclass(frozen=True)
class Cell:
    """One measurement: a model on a task with one setting."""

    model: Model
    task: str
    shots: int = 0
    chat: bool = False
    seed: int | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The four values of `--seed`."""
        return DEFAULT_SEEDS if self.seed is None else (self.seed,) * len(DEFAULT_SEEDS)

    @property
    def how(self) -> str:
        """The settings in words; "" if nothing differs from the default."""
        seed = "" if self.seed is None or not self.shots else f"seed {self.seed}"
        return ", ".join(filter(None, (f"{self.shots}-shot" if self.shots else "", "chat" if self.chat else "", seed)))

    @property
    def name(self) -> str:
        """The cell in words: model, task and settings."""
        return " ".join(filter(None, (self.model.name, self.task, self.how)))

    @property
    def folder(self) -> str:
        """The cell's name as the name of a folder."""
        return slug(self.name, 150)


def cells_of(sweep: SweepFile, models: Sequence[Model]) -> list[Cell]:
    """Return the cells of a sweep, without excluded cells and with included cells. No cell appears twice."""
    crossed = (cell for model in models for cell in _cells(model, Rule()))
    kept = [cell for cell in crossed if not any(_excludes(rule, cell) for rule in sweep.exclude)]
    added = (cell for rule in sweep.include for model in models if _names(rule, model) for cell in _cells(model, rule))
    return _without_repeats([*kept, *added])


def _cells(model: Model, rule: Rule) -> Iterator[Cell]:
    tasks = [task for name in rule.tasks for task in tasks_in(name)] if rule.tasks else model.tasks
    if not model.reads_prompts:  # shots, chat template and seeds have no effect
        yield from (Cell(model, task) for task in tasks)
        return
    chats, seeds = rule.chat_template or model.chat_template, rule.seeds or model.seeds
    for shots, chat, seed, task in product(rule.shots or model.shots, chats, seeds, tasks):
        # A seed only selects the shots. Zero-shot runs that differ only in the seed repeat one measurement.
        yield Cell(model, task, shots, chat, seed if shots else seeds[0])


def _names(rule: Rule, model: Model) -> bool:
    return rule.models is None or any(fnmatchcase(model.name, pattern) for pattern in rule.models)


def _excludes(rule: Rule, cell: Cell) -> bool:
    tasks = None if rule.tasks is None else [task for name in rule.tasks for task in tasks_in(name)]
    pairs: tuple[tuple[Sequence[Any] | None, Any], ...] = (
        (tasks, cell.task), (rule.shots, cell.shots), (rule.chat_template, cell.chat), (rule.seeds, cell.seed),
    )  # fmt: skip
    return _names(rule, cell.model) and all(values is None or value in values for values, value in pairs)


def _without_repeats(cells: Iterable[Cell]) -> list[Cell]:
    """Keep the first of several equal cells. Models are compared by identity, because `args` is a dict."""
    seen: dict[tuple[Any, ...], Cell] = {}
    for cell in cells:
        seen.setdefault((id(cell.model), cell.task, cell.shots, cell.chat, cell.seed), cell)
    return list(seen.values())


def groups_of(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Group the cells that differ only in the task. One process runs a group with one load of the model."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((id(cell.model), cell.shots, cell.chat, cell.seed), []).append(cell)
    return list(groups.values())


def refusal(cell: Cell) -> str | None:
    """Return why a cell cannot be run; None if it can."""
    return next(filter(None, (test(cell) for test in _TESTS)), None)


def _generation(cell: Cell) -> str | None:
    generates = task_spec(cell.task).generates
    if generates and not cell.model.reads_prompts:
        what = "an encoder" if cell.model.backend == ENCODER else "a baseline"
        return f"the task needs generated text, but {what} only scores options"
    if not generates and cell.model.backend in _CHAT_ONLY:
        return f"the task needs log-probabilities, which {cell.model.backend} does not give; use recipe_mpr_generate"
    return None


def _query(cell: Cell) -> str | None:
    kind = str(cell.model.args.get("kind"))
    if cell.model.backend != BASELINE or kind not in BASELINES or prompt_shows_query(cell.task):
        return None
    return f"the task withholds the query, which baseline {kind} reads" if BASELINES[kind].reads_query else None


def _weights(cell: Cell) -> str | None:
    """Return the fault of a local encoder's files; None if there is none. Other weights are checked when loaded."""
    if cell.model.backend != ENCODER or cell.model.args.get("head", "auto") != "auto":
        return None
    try:
        head_of(str(cell.model.args.get("pretrained")), cell.model.args.get("revision"))
    except CheckpointError as error:
        return str(error)
    return None


def head_of(pretrained: str, revision: str | None = None) -> str | None:
    """Return the head that an encoder's files declare; None if the files are not on this machine.

    Raises:
        CheckpointError: the files declare no head, or the model is causal.
    """
    folder = located(str(Path(pretrained).expanduser()), revision).folder
    checkpoint = Checkpoint(pretrained, folder, {}) if folder else None
    config = checkpoint.read_json("config.json") if checkpoint else None
    if folder is None or not isinstance(config, dict):
        return None
    checkpoint = Checkpoint(pretrained, folder, config)
    refuse_causal(checkpoint)
    return detect_head(checkpoint)


_TESTS: tuple[Callable[[Cell], str | None], ...] = (_generation, _query, _weights)
