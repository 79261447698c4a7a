"""Read the settings of this release's tasks from the task YAML files."""

import copy
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from recipe_mpr_task import prompts
from recipe_mpr_task.document import Document
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.splits import TRAINING_SPLITS
from recipe_mpr_task.tasks import TASKS_PATH

_ASKED_AS = ("doc_to_choice", "doc_to_target", "target_delimiter", "fewshot_delimiter", "output_type", "gen_prefix")


@dataclass(frozen=True)
class TaskSpec:
    """The settings of a task that are needed to check its results.

    Attributes:
        split: the split that the task scores, one of `splits.SPLITS`.
        order: the order of the options, one of `orders.ORDERS`.
        prompt: name of the prompt template.
        description: text that lm-eval puts before the prompt, or sends as the system message of a chat.
        process_results: the task's function from (document, responses) to metrics.
        generates: True if a response is a generated text, False if it is a log-likelihood.
        n_responses: number of responses for one item.
        asked_as: other settings that change the request to the model, keyed by name, such as `doc_to_choice`.
    """

    split: str
    order: str
    prompt: str
    description: str
    process_results: Callable[[dict[str, Any], Any], dict[str, Any]]
    generates: bool
    n_responses: int
    asked_as: dict[str, Any]


@lru_cache(maxsize=1)
def task_names() -> frozenset[str]:
    """Return the names of all tasks and groups of this release."""
    return frozenset(path.stem for path in TASKS_PATH.glob("recipe_mpr*.yaml"))


def is_task(name: str) -> bool:
    """Return whether a name is a task of this release. The result is False for a group of tasks."""
    return name in _tasks()


@lru_cache(maxsize=1)
def _tasks() -> frozenset[str]:
    return frozenset(name for name in task_names() if "group" not in _read(f"{name}.yaml"))


@lru_cache(maxsize=64)
def tasks_in(name: str) -> tuple[str, ...]:
    """Return a group's tasks: the listed tasks, then the tasks with a listed tag, by name. A task returns itself."""
    if is_task(name):
        return (name,)
    members = [
        member if isinstance(member, str) else str(member.get("task")) for member in _read(f"{name}.yaml")["task"]
    ]
    tagged = (task for task in sorted(_tasks()) if _read(f"{task}.yaml").get("tag") in members)
    return tuple(dict.fromkeys((*(member for member in members if is_task(member)), *tagged)))


@lru_cache(maxsize=64)
def task_spec(task: str) -> TaskSpec:
    """Return a task's settings, read from the task's file and the included files.

    Of the functions that the files name, only `process_results` is imported.
    """
    config = task_config(task)
    kwargs = config["dataset_kwargs"]
    module, _, function = config["process_results"].rpartition(".")
    generates = config["output_type"] == "generate_until"
    return TaskSpec(
        split=kwargs["recipe_mpr_split"],
        order=kwargs["recipe_mpr_order"],
        prompt=config["doc_to_text"].rpartition(".")[2],
        description=config.get("description", ""),
        process_results=getattr(importlib.import_module(module), function),
        generates=generates,
        n_responses=1 if generates else N_OPTIONS**2 if "class" in config else N_OPTIONS,
        asked_as={key: config.get(key) for key in _ASKED_AS},
    )


def generation_settings(task: str) -> dict[str, Any]:
    """Return a copy of the `generation_kwargs` of a task that generates text."""
    return dict(_read(f"{task}.yaml").get("generation_kwargs") or {})


def prompt_shows_query(task: str) -> bool:
    """Return whether a task shows the query to the model."""
    return bool(_read(f"{task}.yaml")["dataset_kwargs"].get("recipe_mpr_query_shown", True))


def rotated(values: Sequence[str], rotation: int) -> list[str]:
    """Return a copy of the values, with the first `rotation` values moved to the end."""
    return [*values[rotation:], *values[:rotation]]


@lru_cache(maxsize=1)
def held_out_tasks() -> dict[str, str]:
    """Return the name of the task that scores a split's held-out items, keyed by training split.

    Each task shows shuffled options with the default prompt, and asks for a letter once per item. The task for
    `sample` scores all items of the sample.
    """
    specs = {name: task_spec(name) for name in sorted(_tasks())}
    plain = {spec.split: name for name, spec in specs.items() if _is_plain(spec)}
    return {split: plain[split] for split in TRAINING_SPLITS}


def _is_plain(spec: TaskSpec) -> bool:
    asked = (spec.order, spec.prompt, spec.description, spec.process_results.__name__)
    return asked == ("shuffled", "default", "", "letter_metrics")


RENDERED: dict[tuple[str, str, str, int], str] = {}


def prompt_of(document: Document, spec: TaskSpec, rotation: int = 0) -> str:
    """Return an item's prompt. The prompt is rendered once and then cached.

    Args:
        document: the item's document. The caller must check the document first: the cache compares only the item's id,
            not the item's texts.
        spec: the task's settings.
        rotation: number of options to move to the end, 0 to 4.
    """
    key = (spec.prompt, spec.order, document.item_id, rotation)
    if key not in RENDERED:
        record = document.as_record()
        turned = {name: rotated(record[name], rotation) for name in ("options", "option_ids")}
        RENDERED[key] = prompts.render(spec.prompt, record | turned)
    return RENDERED[key]


def task_config(task: str) -> dict[str, Any]:
    """Return a task's settings from its file and the included files. A function is given by its name."""
    return copy.deepcopy(_read(f"{task}.yaml"))


@lru_cache(maxsize=64)
def _read(name: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.load((TASKS_PATH / name).read_text(), Loader=_YamlLoader)  # noqa: S506 (a SafeLoader)
    return {**(_read(config["include"]) if "include" in config else {}), **config}


class _YamlLoader(yaml.SafeLoader):
    """A safe YAML loader that reads lm-eval's `!function NAME` as the text NAME."""


_YamlLoader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))  # type: ignore[arg-type]
