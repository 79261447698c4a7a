"""Reads lm-eval's output, and compact records of it: one `Run` for each Recipe-MPR task in a file. Judges nothing."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from leaderboard.load.recorded import CHOSEN, kept_of
from leaderboard.load.records import SUFFIX, RecordError, read_record
from leaderboard.load.specs import is_task, task_names

_PREFIX = "recipe_mpr"
_LONGEST_TASK = 60
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T")


@dataclass(frozen=True)
class Run:
    """One task of one lm-eval results file.

    Attributes:
        source: the results file by a name for people, see `find.find_files`.
        task: the task's name.
        results: what is kept of the results file, see `recorded.kept_of`.
        samples: the per-item records that belong to it; None if none were logged.
        is_record: read from a compact record: its documents are the pinned ones, without their texts.
    """

    source: str
    task: str
    results: dict[str, Any]
    samples: list[dict[str, Any]] | None
    is_record: bool = False

    @cached_property
    def config(self) -> dict[str, Any]:
        """What lm-eval recorded of the model and the run."""
        return _mapping(self.results.get("config"))

    @cached_property
    def task_config(self) -> dict[str, Any]:
        """The task's configuration as lm-eval recorded it."""
        return _mapping(_mapping(self.results.get("configs")).get(self.task))

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The task's metadata, with the model's arguments and `--metadata` merged in."""
        return _mapping(self.task_config.get("metadata"))

    @cached_property
    def version(self) -> int | None:
        """The task's version; None if none was recorded."""
        version = self.metadata.get("version")
        return version if isinstance(version, int) and not isinstance(version, bool) else None

    @cached_property
    def n_shot(self) -> int:
        """Number of few-shot examples."""
        shots = _mapping(self.results.get("n-shot")).get(self.task)
        return shots if isinstance(shots, int) and shots > 0 else 0

    @cached_property
    def has_chat_template(self) -> bool:
        """Whether the prompts went through the model's chat template."""
        return bool(self.results.get("chat_template_sha"))

    @cached_property
    def has_system_text(self) -> bool:
        """Whether the run had a system text of its own."""
        return bool(self.results.get("system_instruction_sha"))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The task's metrics as lm-eval recorded them, keyed like "acc,none"."""
        return _mapping(_mapping(self.results.get("results")).get(self.task))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class UnusableError(Exception):
    """A results file that holds no run."""


def samples_files(file: Path) -> list[Path]:
    """Return the samples that lie beside a results file, whatever task of this release they are of."""
    return [path for task in sorted(task_names()) if (path := _samples_file(file, task)).is_file()]


def _samples_file(file: Path, task: str) -> Path:
    """Where lm-eval puts the samples of a task of a results file."""
    return file.with_name(f"samples_{task}_{_stamp(file.stem)}.jsonl")


def _stamp(stem: str) -> str:
    # results_DATE.json in an output folder, NAME_DATE.json for `--output_path NAME.json`; samples end in the same date.
    return stem[m.start() :] if (m := _DATE.search(stem)) else stem.removeprefix("results_")


def runs_of(file: Path, source: str) -> list[Run]:
    """Read the runs of one file.

    Raises:
        UnusableError: it holds none.
    """
    if file.name.endswith(SUFFIX):
        try:
            task, recorded, samples = read_record(file)
        except RecordError as error:
            raise UnusableError(str(error)) from None
        return [Run(source, task, kept_of(recorded, task), samples, is_record=True)]
    results = _read_json(file)
    if not isinstance(results, dict) or not isinstance(results.get("results"), dict):
        raise UnusableError("not lm-eval's: no `results` object in it")
    # A group's own line (recipe_mpr_folds) has no items: its tasks are the runs.
    groups = _mapping(results.get("group_subtasks"))
    tasks = [name for name in results["results"] if name.startswith(_PREFIX) and not groups.get(name)]
    if not tasks:
        raise UnusableError("no recipe_mpr task in it")
    return [_run(file, source, task, results) for task in tasks]


def _run(file: Path, source: str, task: str, results: dict[str, Any]) -> Run:
    if not is_task(task):  # nothing of it will be looked at, and its name may be anything
        return Run(source, re.sub(r"[^A-Za-z0-9_]", "?", task)[:_LONGEST_TASK], {}, None)
    return Run(source, task, kept_of(results, task), _samples(_samples_file(file, task)))


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnusableError(f"unreadable: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        wanted = "expected lm-eval's results_*.json or a *.record.json; predictions: recipe-mpr import"
        raise UnusableError(f"not valid JSON: {error}; {wanted}") from None


def _samples(file: Path) -> list[dict[str, Any]] | None:
    if not file.is_file():
        return None
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (ValueError, OSError) as error:
        raise UnusableError(f"{file.name} cannot be read: {error}") from None
    rows = [_row(line, f"{file.name}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    for row in rows:
        row.pop(CHOSEN, None)  # records alone have choices without scores
    return rows


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        try:
            row = from_json(line, cache_strings="keys")  # half of json's time, but it takes no half characters
        except ValueError:
            row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"{where} is no JSON, so the file is broken: {error}") from None
    if not isinstance(row, dict):
        raise UnusableError(f"{where} is no JSON object, so the file is broken")
    return row
