"""Reads lm-eval's output, and compact records of it: one `Run` for each Recipe-MPR task in a file. Judges nothing."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from leaderboard.load.record import SUFFIX, RecordError, read_record
from leaderboard.load.schema import CHOSEN, kept_of
from leaderboard.load.task_specs import is_task, task_names
from recipe_mpr_task.files import open_regular, read_regular
from recipe_mpr_task.lines import line

_PREFIX = "recipe_mpr"
_LONGEST_TASK = 60
_MOST_UNKNOWN = 50
"""Tasks of a results file that are none of this release's and are listed; the rest is counted."""

LARGEST_RESULTS = 64 * 2**20
"""Bytes: a results file of all of lm-eval's tasks has about 10 MB."""

LARGEST_SAMPLES = 2**30
"""Bytes: 500 items in five rotations with 20 shots each have about 250 MB."""

_LONGEST_SAMPLE = 32 * 2**20
"""Bytes of one line: an item with 25 prompts of 20 shots has 0.5 MB, a page of reasoning a few kB."""

_MOST_SAMPLES = 10_000
"""Lines: as many as a record may have items; a task has 500."""

MOST_VALUES = 20_000_000
"""Commas and brackets of a samples file, text included: each can become a value of 60 bytes in memory."""

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
    """Return what has the name of samples beside a results file, whatever task of this release they are of."""
    return [path for task in sorted(task_names()) if os.path.lexists(path := _samples_file(file, task))]


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
    ours = [task for task in tasks if is_task(task)]
    return [
        *(Run(source, task, kept_of(results, task), _samples(_samples_file(file, task))) for task in ours),
        # Nothing of the others will be looked at.
        *(Run(source, name, {}, None) for name in _unknown_names([task for task in tasks if task not in ours])),
    ]


def _unknown_names(tasks: list[str]) -> list[str]:
    """Names of tasks, which may be anything, fit to be shown; the last one counts those that are too many."""
    names = [re.sub(r"[^A-Za-z0-9_]", "?", task[:_LONGEST_TASK]) for task in tasks[:_MOST_UNKNOWN]]
    return [*names[:-1], f"{names[-1]} and {len(tasks) - len(names)} more"] if len(tasks) > len(names) else names


def _read_json(file: Path) -> Any:
    try:
        return json.loads(read_regular(file, LARGEST_RESULTS).decode("utf-8"))
    except OSError as error:
        raise UnusableError(f"unreadable: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        wanted = "expected lm-eval's results_*.json or a *.record.json; predictions: recipe-mpr import"
        raise UnusableError(f"not valid JSON: {error}; {wanted}") from None


def _samples(file: Path) -> list[dict[str, Any]] | None:
    if not os.path.lexists(file):
        return None
    rows = [_row(text, f"{file.name}, line {number}") for number, text in _lines(file)]
    for row in rows:
        row.pop(CHOSEN, None)  # records alone have choices without scores
    return rows


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Give a samples file's lines that are not empty, with their numbers, one at a time."""
    number = n_lines = n_values = 0
    try:
        with open_regular(file, LARGEST_SAMPLES) as stream:
            while text := stream.readline(_LONGEST_SAMPLE + 1):
                number += 1
                if len(text) > _LONGEST_SAMPLE:
                    raise UnusableError(f"{file.name}, line {number}: more than {_LONGEST_SAMPLE:,} bytes")
                if not text.strip():
                    continue
                n_lines += 1
                n_values += sum(map(text.count, (b",", b"[", b"{")))
                if n_lines > _MOST_SAMPLES or n_values > MOST_VALUES:
                    raise UnusableError(f"{file.name}: more than {_MOST_SAMPLES:,} lines or {MOST_VALUES:,} values")
                yield number, text
    except OSError as error:
        raise UnusableError(f"{file.name} cannot be read: {error.strerror or error}") from None


def _row(text: bytes, where: str) -> dict[str, Any]:
    try:
        try:
            row = from_json(text, cache_strings="keys")  # half of json's time, but it takes no half characters
        except ValueError:
            row = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"{where} is no JSON, so the file is broken: {line(error)}") from None
    if not isinstance(row, dict):
        raise UnusableError(f"{where} is no JSON object, so the file is broken")
    return row
