"""Read, verify and score many runs in parallel; take the rows of unchanged files from the cache."""

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from leaderboard import cache
from leaderboard.cache import FileRows
from leaderboard.load.find import Skipped, find_files
from leaderboard.load.results import UnusableError, runs_of
from leaderboard.load.run import Run
from leaderboard.load.schema import Results
from leaderboard.rank.row import Row
from leaderboard.rank.row_from_run import row_of
from leaderboard.verify.checks import verify
from leaderboard.verify.verified import VerifiedRun
from leaderboard.workers import HERE, KILLED, WORKERS, Checked, Keyed, Where, check_all
from recipe_mpr_task.faults import OwnFaultError

OUR_FAULT = "internal error during the check; see the log that the build names"
"""Reason to exclude a run or a file after an internal error. The next build retries the file."""

OnFault = Callable[[str, str], None]  # arguments: the step that failed, and the traceback


def raise_fault(what: str, trace: str) -> None:
    """Raise OwnFaultError. This function is the default `on_fault` of `read_rows` and `build`."""
    raise OwnFaultError(f"{what}\n{trace}")


def read_rows(
    paths: Iterable[Path], on_fault: OnFault = raise_fault, where: Where = HERE
) -> tuple[list[Row], list[Skipped]]:
    """Read and verify every run under `paths`.

    Args:
        paths: lm-eval output folders, results files and compact records, in any order.
        on_fault: called for each internal error. If `on_fault` does not raise, the other rows are still read.
        where: where the files are checked. This choice does not change the rows.

    Returns:
        (rows, skipped), both sorted by source. `skipped` has the files that could not be used, with reasons.
    """
    named, skipped = find_files(paths)
    rows: list[Row] = []
    for (_, source), (of_file, faults) in zip(named, _rows_of_files([file for file, _ in named], where), strict=True):
        for trace in faults:
            on_fault(f"while {source} was checked", trace)
        if of_file.unusable is not None:
            skipped.append(Skipped(source, of_file.unusable))
        rows += [replace(row, source=source) for row in of_file.rows]
    cache.forget_unused()
    rows.sort(key=lambda row: (row.source, row.task))
    return rows, sorted(skipped, key=lambda s: (s.source, s.reason))


def _rows_of_files(files: Sequence[Path], where: Where) -> Iterator[tuple[FileRows, list[str]]]:
    """Yield (rows, tracebacks) for each file, in the given order. Rows of unchanged files come from the cache."""
    cache.code_hash()  # cache the hash before the threads start, or each thread would compute it
    known: list[FileRows | None] = []
    with ThreadPoolExecutor(WORKERS) as pool:  # threads are enough, because hashing releases the interpreter lock
        new = _new_files(files, pool.map(cache.key_of, files), known)
        made = check_all(new, make_rows, (_as_json(KILLED, []), []), where)
        checked: deque[Checked] = deque()
        for place in tqdm(range(len(files)), desc="checking runs", unit="file", delay=2, disable=None):
            while place >= len(known):
                checked.extend(islice(made, 1))
            rows = known[place]
            if rows is not None:
                yield rows, []
            else:
                content, faults = checked.popleft() if checked else next(made)
                yield FileRows.model_validate_json(content), faults


def _new_files(
    files: Sequence[Path], keys: Iterable[str | None], known: list[FileRows | None]
) -> Iterator[tuple[Path, str | None]]:
    """Yield (file, key) of each file without rows in the cache. Add each file's rows, or None, to `known`."""
    for file, key in zip(files, keys, strict=True):
        known.append(cache.rows_of(key) if key else None)
        if known[-1] is None:
            yield file, key


def make_rows(keyed: Keyed) -> Checked:
    """Return the rows of a file (a `FileRows` as JSON), and the traceback of each internal error.

    `keyed` is (file, cache key or None). Cache the rows if the key has not changed and no internal error occurred.
    """
    file, key = keyed
    unusable, rows = None, []
    faults: list[str] = []
    try:
        rows = [_row(run, faults) for run in runs_of(file, "")]
    except UnusableError as error:
        unusable = str(error)
    except Exception:  # noqa: BLE001 (an exception for one file must not stop the build for the others)
        faults.append(traceback.format_exc())
        unusable = OUR_FAULT
    content = _as_json(unusable, rows)
    if key and not faults and cache.key_of(file) == key:
        cache.keep(key, content)
    return content, faults


def _as_json(unusable: str | None, rows: list[Row]) -> bytes:
    return FileRows(version=1, unusable=unusable, rows=rows).model_dump_json(exclude_unset=True).encode()


def _row(run: Run, faults: list[str]) -> Row:
    try:
        return row_of(verify(run))
    except Exception:  # noqa: BLE001 (an exception for one run must not stop the build for the others)
        faults.append(traceback.format_exc())
        return row_of(VerifiedRun(replace(run, results=Results()), (), "excluded", OUR_FAULT))
