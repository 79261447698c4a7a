"""Reads, checks and scores many runs side by side, and remembers the rows.

What a file's rows are depends on the file, its samples and this package alone, so a rebuild reads only what is new. A
digest is a line of JSON, and a line more for each row's items, which most builds pass on unread.
"""

import dataclasses
import gc
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from leaderboard.compute.packed import PackedItems
from leaderboard.compute.row import Row, Score
from leaderboard.compute.rows import row_of
from leaderboard.load.files import Run, UnusableError, runs_of
from leaderboard.load.find import Skipped, find_files
from leaderboard.load.recorded import kept_of
from leaderboard.remembered import code_hash, forget_unused, recalled, remember, remembered
from leaderboard.validate.run import CheckedRun, check

_FEW = 24
"""Files below which starting further processes costs more than it saves."""

_WORKERS = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)


def read_rows(paths: Iterable[Path]) -> tuple[list[Row], list[Skipped]]:
    """Read and check every run under `paths` and make its row.

    Returns:
        The rows and what was skipped, each sorted by source: the order of `paths` does not matter.
    """
    found, skipped = find_files(paths)
    rows: list[Row] = []
    for (_, source), digest in zip(found, _digests([file for file, _ in found]), strict=True):
        head, *items = digest.rstrip("\n").split("\n")
        content = json.loads(head)
        if content["unusable"] is not None:
            skipped.append(Skipped(source, content["unusable"]))
        rows += [_restored(row, text, source) for row, text in zip(content["rows"], items, strict=True)]
    forget_unused()
    rows.sort(key=lambda row: (row.source, row.task))
    return rows, sorted(skipped, key=lambda s: (s.source, s.reason))


def _digests(paths: Sequence[Path]) -> Iterator[str]:
    """Digest every file, in the order given: from the cache, or anew, on all processors if there is much to do."""
    code_hash()  # once, before the threads ask for it
    with ThreadPoolExecutor(_WORKERS) as pool:  # hashing lets other threads run
        found = pool.map(remembered, paths)
        kept = list(tqdm(found, desc="looking for runs", unit="file", delay=2, total=len(paths)))
    made = _made([path for path, there in zip(paths, kept, strict=True) if there is None])
    with tqdm(total=len(paths), desc="checking runs", unit="file", delay=2) as progress:
        for path, there in zip(paths, kept, strict=True):
            yield next(made) if there is None else recalled(there) or _digest(path)
            progress.update()


def _made(paths: Sequence[Path]) -> Iterator[str]:
    if len(paths) < _FEW or _WORKERS < 2:
        yield from map(_digest, paths)
        return
    # Without the garbage collector: parsed samples hold no cycles, and there are many of them to go through.
    with ProcessPoolExecutor(_WORKERS, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        yield from pool.map(_digest, paths, chunksize=4)


def _digest(path: Path) -> str:
    return remember(path, lambda: _made_of(path))


def _made_of(path: Path) -> str:
    """Return the rows of one file's runs as text."""
    try:
        unusable, rows = None, [_row(run) for run in runs_of(path, "")]
    except UnusableError as error:
        unusable, rows = str(error), []
    head = json.dumps({"unusable": unusable, "rows": [_plain(row) for row in rows]})
    return "".join(f"{line}\n" for line in (head, *(row.items.text for row in rows)))


def _row(run: Run) -> Row:
    try:
        return row_of(check(run))
    except Exception as error:  # noqa: BLE001 (one run of junk must not stop the build for the others)
        reason = f"it cannot be judged: {type(error).__name__}"
        return row_of(CheckedRun(replace(run, results=kept_of({}, run.task)), (), "excluded", reason))


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
