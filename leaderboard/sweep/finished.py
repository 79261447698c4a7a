"""Find the complete runs of a folder. The cache has the results of unchanged files, without samples."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ValidationError
from tqdm import tqdm

from leaderboard import cache
from leaderboard.load.find import find_files
from leaderboard.load.record import SUFFIX
from leaderboard.load.results import UnusableError, runs_of
from leaderboard.load.run import Run
from leaderboard.load.schema import Results
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task_specs import is_task, task_spec


class FinishedRuns(NamedTuple):
    """The runs of a folder. Runs in `complete` have no items. `incomplete` has one line for each other run or file."""

    complete: list[Run]
    incomplete: list[str]


class _FileSummary(BaseModel):
    """The summary of a results file that the cache keeps.

    Attributes:
        unusable: why no run can be read from the file; None if it was read.
        complete: results of each complete task, in the layout of lm-eval's results file.
        incomplete: names of the tasks whose run is not complete, see `is_complete`.
    """

    version: Literal[1] = 1
    unusable: str | None = None
    complete: dict[str, dict[str, Any]] = {}
    incomplete: list[str] = []


def finished_runs(folder: Path) -> FinishedRuns:
    """Return the complete and the incomplete runs of lm-eval's results files in a folder. Skip compact records."""
    complete: list[Run] = []
    incomplete: list[str] = []
    files = [(file, source) for file, source in find_files([folder])[0] if not file.name.endswith(SUFFIX)]
    for file, source in tqdm(files, desc="reading results", unit="file", delay=2, disable=None):
        summary = _summary_of(file)
        if summary.unusable is not None:
            incomplete.append(f"{source}: {summary.unusable}")
        complete += [Run(source, task, Results.of(raw, task)) for task, raw in summary.complete.items()]
        incomplete += [f"{source}, {task}: incomplete, or from another release" for task in summary.incomplete]
    return FinishedRuns(complete, incomplete)


def is_complete(run: Run) -> bool:
    """Return whether a run of this release's task has a result for each item that the task scores, and only these."""
    if not is_task(run.task) or run.version != TASK_VERSION or run.config.limit is not None:
        return False
    ids = [sample.item_id for sample in run.items]
    return len(ids) == len(set(ids)) and set(ids) == scored_ids(task_spec(run.task).split)


def _summary_of(file: Path) -> _FileSummary:
    key = cache.key_of(file)
    if key and (known := cache.recall(f"{key}-summary")):
        try:
            return _FileSummary.model_validate_json(known)
        except ValidationError:
            pass  # written by another version
    summary = _read(file)
    if key and cache.key_of(file) == key:
        cache.keep(f"{key}-summary", summary.model_dump_json().encode())
    return summary


def _read(file: Path) -> _FileSummary:
    try:
        runs = runs_of(file, "")
    except UnusableError as error:
        return _FileSummary(unusable=str(error))
    complete = {run.task: run.results.as_raw(run.task) for run in runs if is_complete(run)}
    return _FileSummary(complete=complete, incomplete=[run.task for run in runs if run.task not in complete])
