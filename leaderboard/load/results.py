"""Read lm-eval's results files and compact records. Each Recipe-MPR task in a file becomes one `Run`."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from leaderboard.load.record import SUFFIX, RecordError, read_record
from leaderboard.load.run import Run
from leaderboard.load.samples import Sample
from leaderboard.load.schema import Results
from recipe_mpr_task.files import open_regular, read_regular
from recipe_mpr_task.lines import line
from recipe_mpr_task.task_specs import is_task, task_names

LARGEST_RESULTS = 64 * 2**20  # bytes; a results file with all of lm-eval's tasks has about 10 MB
LARGEST_SAMPLES = 2**30  # bytes; 500 items in five rotations, with 20 shots per prompt, have about 250 MB
_LONGEST_SAMPLE = 32 * 2**20  # bytes per line; 25 prompts with 20 shots have 0.5 MB
_MOST_SAMPLES = 10_000  # lines; a task has at most 500 items
MOST_VALUES = 20_000_000  # limit of commas, "[" and "{" in a file; each can start a value, which needs up to 60 bytes


class UnusableError(Exception):
    """Raised for a file from which no run can be read. The message says why."""


def samples_files(file: Path) -> list[Path]:
    """Return the existing samples files of a results file. A returned path may also be a link, folder or pipe."""
    before, after = _samples_file(file, "\0").split("\0")  # build the path once, not for each of twenty tasks
    return [Path(path) for task in sorted(task_names()) if os.path.lexists(path := f"{before}{task}{after}")]


def complete_results(folder: Path) -> list[Path]:
    """Return the results files below a folder that have samples. lm-eval writes samples last."""
    return sorted(file for file in folder.rglob("results_*.json") if samples_files(file))


def _samples_file(file: Path, task: str) -> str:
    """Return the path at which lm-eval writes a task's samples for a results file."""
    # The file is named results_DATE.json, or NAME_DATE.json for `--output_path NAME.json`. Samples have the same date.
    date = re.search(r"\d{4}-\d{2}-\d{2}T.*", file.stem, re.DOTALL)
    return str(file.with_name(f"samples_{task}_{date[0] if date else file.stem.removeprefix('results_')}.jsonl"))


def runs_of(file: Path, source: str) -> list[Run]:
    """Read one results file or compact record. Return one run for each Recipe-MPR task in the file.

    `source` is the file's name as shown to the user.

    Raises:
        UnusableError: the file cannot be read, is neither a results file nor a record, or has no Recipe-MPR task.
    """
    if file.name.endswith(SUFFIX):
        try:
            return [read_record(file, source)]
        except RecordError as error:
            raise UnusableError(str(error)) from None
    results = _read_json(file)
    if not isinstance(results, dict) or not isinstance(results.get("results"), dict):
        raise UnusableError("not an lm-eval results file: it has no `results` object")
    # A group such as recipe_mpr_folds has no items. Each task in the group is a run.
    groups = results.get("group_subtasks")
    groups = groups if isinstance(groups, dict) else {}
    tasks = [name for name in results["results"] if name.startswith("recipe_mpr") and not groups.get(name)]
    if not tasks:
        raise UnusableError("not a run of this benchmark: the file has no recipe_mpr task")
    ours = [task for task in tasks if is_task(task)]
    return [
        *(Run(source, task, Results.of(results, task), _samples(Path(_samples_file(file, task)))) for task in ours),
        # An unknown task gets empty results, because no check reads the results of unknown tasks.
        *(Run(source, name, Results()) for name in _unknown_names([task for task in tasks if task not in ours])),
    ]


def _unknown_names(tasks: list[str]) -> list[str]:
    """Return the first 50 names of unknown tasks as printable text. The last name says how many names are omitted."""
    names = [re.sub(r"[^A-Za-z0-9_]", "?", task[:60]) for task in tasks[:50]]
    if len(tasks) > len(names):
        names[-1] += f" and {len(tasks) - len(names)} more"
    return names


def _read_json(file: Path) -> Any:
    try:
        return json.loads(read_regular(file, LARGEST_RESULTS).decode("utf-8"))
    except OSError as error:
        raise UnusableError(f"unreadable: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        wanted = (
            "expected lm-eval's results_*.json or a *.record.json; to import a prediction file, use `recipe-mpr import`"
        )
        raise UnusableError(f"not valid JSON: {error}; {wanted}") from None


def _samples(file: Path) -> tuple[Sample, ...] | None:
    if not os.path.lexists(file):
        return None
    return tuple(Sample.of(_parsed(text, f"{file.name}, line {number}")) for number, text in _lines(file))


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line) for each non-empty line of a file. Raise UnusableError if it is unreadable or too large."""
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


def _parsed(text: bytes, where: str) -> dict[str, Any]:
    try:
        try:
            sample = from_json(text, cache_strings="keys")  # twice as fast as json.loads, but rejects lone surrogates
        except ValueError:
            sample = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"{where} is not JSON, so the file is broken: {line(error)}") from None
    if not isinstance(sample, dict):
        raise UnusableError(f"{where} is not a JSON object, so the file is broken")
    return sample
