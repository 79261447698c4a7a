"""Reads, checks and scores many runs side by side, and remembers the rows.

What a file's rows are depends on the file, its samples and this package alone. So they are kept, in the user's cache
folder, under the hash of all three: a rebuild reads only what is new. A digest is a line of JSON, and a line more for
each row's items, which most builds pass on unread.
"""

import dataclasses
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from leaderboard.compute.packed import PackedItems
from leaderboard.compute.row import Row, Score
from leaderboard.compute.rows import row_of
from leaderboard.load.files import Run, Skipped, UnusableError, find_files, runs_of, samples_file
from leaderboard.load.recorded import kept_of
from leaderboard.load.specs import task_names
from leaderboard.validate.run import CheckedRun, check
from recipe_mpr_task.data import cache_path
from recipe_mpr_task.files import sha256_of_file, write_atomic

_FEW = 24
"""Files below which starting further processes costs more than it saves."""

_WORKERS = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)

_KEPT_SECONDS = 30 * 24 * 3600


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
    _forget_unused()
    rows.sort(key=lambda row: (row.source, row.task))
    return rows, sorted(skipped, key=lambda s: (s.source, s.reason))


def _digests(paths: Sequence[Path]) -> Iterator[str]:
    """Digest every file, in the order given: from the cache, or anew, on all processors if there is much to do."""
    _code_hash()  # once, before the threads ask for it
    with ThreadPoolExecutor(_WORKERS) as pool:  # hashing lets other threads run
        found = pool.map(_remembered, paths)
        remembered = list(tqdm(found, desc="looking for runs", unit="file", delay=2, total=len(paths)))
    made = _made([path for path, there in zip(paths, remembered, strict=True) if there is None])
    with tqdm(total=len(paths), desc="checking runs", unit="file", delay=2) as progress:
        for there in remembered:
            yield next(made) if there is None else there.read_text(encoding="utf-8")
            progress.update()


def _made(paths: Sequence[Path]) -> Iterator[str]:
    if len(paths) < _FEW or _WORKERS < 2:
        yield from map(_digest, paths)
        return
    with ProcessPoolExecutor(_WORKERS, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_digest, paths, chunksize=4)


def _remembered(path: Path) -> Path | None:
    """Return where one file's digest is kept, or None."""
    with suppress(OSError):
        cached = _cache_file(path)
        os.utime(cached)
        return cached
    return None


def _digest(path: Path) -> str:
    """Return the rows of one file's runs as text, and remember it."""
    try:
        unusable, rows = None, [_row(run) for run in runs_of(path, "")]
    except UnusableError as error:
        unusable, rows = str(error), []
    head = json.dumps({"unusable": unusable, "rows": [_plain(row) for row in rows]})
    text = "".join(f"{line}\n" for line in (head, *(row.items.text for row in rows)))
    with suppress(OSError):  # a cache that cannot be written to costs time, no more
        write_atomic(_cache_file(path), text)
    return text


def _row(run: Run) -> Row:
    try:
        return row_of(check(run))
    except Exception as error:  # noqa: BLE001 (one run of junk must not stop the build for the others)
        reason = f"it cannot be judged: {type(error).__name__}"
        return row_of(CheckedRun(replace(run, results=kept_of({}, run.task)), (), "excluded", reason))


def _cache_file(path: Path) -> Path:
    """Name it by the hash of a results file's bytes, of the samples beside it, and of the code that judges them."""
    digest = hashlib.sha256(_code_hash().encode())
    samples = (samples_file(path, task) for task in sorted(task_names()))
    for file in (path, *(file for file in samples if file.is_file())):
        digest.update(f"{file.name}\0{sha256_of_file(file)}\0".encode())
    return _cache_folder() / f"{digest.hexdigest()}.json"


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of every file of the packages that a verdict rests on, and of the Python that runs them."""
    digest = hashlib.sha256(sys.version.encode())
    for package in ("recipe_mpr_task", "leaderboard"):
        root = Path(str(files(package)))
        for file in sorted(root.rglob("*")):
            if file.suffix in (".py", ".json", ".yaml", ".jinja") and file.is_file():
                digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _cache_folder() -> Path:
    return cache_path().parent.parent / "runs"


def _forget_unused() -> None:
    """Remove what no build has asked for in a month."""
    with suppress(OSError):
        for cached in _cache_folder().glob("*.json"):
            if time.time() - cached.stat().st_mtime > _KEPT_SECONDS:
                cached.unlink(missing_ok=True)


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
        "source": source,
    }
    return Row(**(plain | changed))
