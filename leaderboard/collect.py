"""Reads, checks and scores many runs side by side, and remembers the rows.

What a file's rows are depends on the file, its samples and this package alone, so a rebuild reads only what is new. A
digest is a line of JSON, and a line more for each row's items, which most builds pass on unread.
"""

import dataclasses
import gc
import json
import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from leaderboard.cache import code_hash, forget_unused, recalled, remember, remembered
from leaderboard.load.find import Skipped, find_files
from leaderboard.load.results import Run, UnusableError, runs_of
from leaderboard.load.schema import kept_of
from leaderboard.load.task_specs import is_task
from leaderboard.rank.row import Row, Score
from leaderboard.rank.row_from_run import row_of
from leaderboard.rank.row_items import PackedItems
from leaderboard.verify.checks import CheckedRun, check
from recipe_mpr_task.faults import OwnFaultError

OUR_FAULT = "a fault of ours while it was judged, see the log that the build names"
"""Why a run is excluded that brought up an exception. Such a run is not remembered, so the next build tries again."""

FEW_FILES = 24
"""Files below which starting further processes costs more than it saves."""

WORKERS = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)


OnFault = Callable[[str, str], None]
"""Takes a fault of ours: what was done when it came up, and its traceback."""


def raise_fault(what: str, trace: str) -> None:
    """Raise a fault of ours where nothing collects faults."""
    raise OwnFaultError(f"{what}\n{trace}")


def read_rows(paths: Iterable[Path], on_fault: OnFault = raise_fault) -> tuple[list[Row], list[Skipped]]:
    """Read and check every run under `paths` and make its row.

    Args:
        paths: lm-eval output folders, results files and compact records.
        on_fault: told of each fault of ours while a run was read or judged; the other rows are kept.

    Returns:
        The rows and what was skipped, each sorted by source: the order of `paths` does not matter.

    Raises:
        OwnFaultError: there was a fault of ours, and no `on_fault` to take it.
    """
    found, skipped = find_files(paths)
    rows: list[Row] = []
    for (_, source), (digest, faults) in zip(found, _digests([file for file, _ in found]), strict=True):
        for trace in faults:
            on_fault(f"while {source} was judged", trace)
        head, *items = digest.rstrip("\n").split("\n")
        content = json.loads(head)
        if content["unusable"] is not None:
            skipped.append(Skipped(source, content["unusable"]))
        rows += [_restored(row, text, source) for row, text in zip(content["rows"], items, strict=True)]
    forget_unused()
    rows.sort(key=lambda row: (row.source, row.task))
    return rows, sorted(skipped, key=lambda s: (s.source, s.reason))


class Digest(NamedTuple):
    """The rows of one results file as text, and tracebacks of our own faults while they were made."""

    text: str
    faults: list[str]


def _digests(paths: Sequence[Path]) -> Iterator[Digest]:
    """Digest every file, in the order given: from the cache, or anew, on all processors if there is much to do."""
    code_hash()  # once, before the threads ask for it
    with ThreadPoolExecutor(WORKERS) as pool:  # hashing lets other threads run
        found = pool.map(remembered, paths)
        kept = list(tqdm(found, desc="looking for runs", unit="file", delay=2, total=len(paths), disable=None))
    made = _made([path for path, there in zip(paths, kept, strict=True) if there is None])
    with tqdm(total=len(paths), desc="checking runs", unit="file", delay=2, disable=None) as progress:
        for path, there in zip(paths, kept, strict=True):
            text = None if there is None else recalled(there)
            yield next(made) if there is None else digest_of(path) if text is None else Digest(text, [])
            progress.update()


def _made(paths: Sequence[Path]) -> Iterator[Digest]:
    if len(paths) < FEW_FILES or WORKERS < 2:
        yield from map(digest_of, paths)
        return
    # Without the garbage collector: parsed samples hold no cycles, and there are many of them to go through.
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        yield from pool.map(digest_of, paths, chunksize=4)


def digest_of(path: Path) -> Digest:
    """Return the digest of one file: from the cache, or made and kept there."""
    return Digest(*remember(path, lambda: _made_of(path)))


def _made_of(path: Path) -> Digest:
    """Return the rows of one file's runs as text."""
    faults: list[str] = []
    unusable, rows = None, []
    try:
        rows = [_row(run, faults) for run in runs_of(path, "")]
    except UnusableError as error:
        unusable = str(error)
    except Exception:  # noqa: BLE001 (a fault of ours with one file must not stop the build for the others)
        faults.append(traceback.format_exc())
        unusable = OUR_FAULT
    head = json.dumps({"unusable": unusable, "rows": [_plain(row) for row in rows]})
    return Digest("".join(f"{line}\n" for line in (head, *(row.items.text for row in rows))), faults)


def _row(run: Run, faults: list[str]) -> Row:
    try:
        row = row_of(check(run))
    except Exception:  # noqa: BLE001 (a fault of ours with one run must not stop the build for the others)
        faults.append(traceback.format_exc())
        return row_of(CheckedRun(replace(run, results=kept_of({}, run.task)), (), "excluded", OUR_FAULT))
    is_unsampled = run.samples is None and is_task(run.task)
    return replace(row, extra=row.extra | {"unsampled": True}) if is_unsampled else row


def _plain(row: Row) -> dict[str, Any]:
    fields = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    types = {name: dataclasses.astuple(score) for name, score in row.types.items()}
    return fields | {"score": dataclasses.astuple(row.score), "types": types, "items": row.items.columns()}


def _restored(plain: dict[str, Any], text: str, source: str) -> Row:
    changed = {
        "score": Score(*plain["score"]),
        "types": {name: Score(*score) for name, score in plain["types"].items()},
        "items": PackedItems.restored(text, plain["items"]),
        "flags": tuple(plain["flags"]),
        "history": tuple(plain["history"]),
        "around": tuple(plain["around"]),
        "source": source,
    }
    return Row(**(plain | changed))
