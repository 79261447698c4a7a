"""Reads and checks many runs side by side, and remembers what it found.

What a file's runs come to depends on the file, its samples and this package alone. So it is kept, in the user's cache
folder, under the hash of all three: a rebuild reads only what is new.
"""

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

from leaderboard.load.files import Run, Skipped, UnusableError, find_files, runs_of, samples_file
from leaderboard.load.recorded import kept_of
from leaderboard.load.specs import task_names
from leaderboard.validate.items import READ_METRICS, ItemResult
from leaderboard.validate.run import CheckedRun, check
from recipe_mpr_task.data import cache_path
from recipe_mpr_task.files import sha256_of_file, write_atomic
from recipe_mpr_task.orders import pinned_items

_FEW = 24
"""Files below which starting further processes costs more than it saves."""

_WORKERS = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)

_KEPT_SECONDS = 30 * 24 * 3600


def checked_runs(paths: Iterable[Path]) -> tuple[list[CheckedRun], list[Skipped]]:
    """Read and check every run under `paths`; see `load.load_runs`, whose order it keeps.

    Returns:
        The runs, without their samples, and what was skipped.
    """
    found, skipped = find_files(paths)
    runs: list[CheckedRun] = []
    for (_, source), digest in zip(found, _digests([file for file, _ in found]), strict=True):
        content = json.loads(digest)
        if content["unusable"] is not None:
            skipped.append(Skipped(source, content["unusable"]))
        runs += [_restored(run, source) for run in content["runs"]]
    _forget_unused()
    runs.sort(key=lambda run: (run.run.source, run.run.task))
    return runs, sorted(skipped, key=lambda s: (s.source, s.reason))


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
    """Return where it is kept what one file's runs come to, or None."""
    with suppress(OSError):
        cached = _cache_file(path)
        os.utime(cached)
        return cached
    return None


def _digest(path: Path) -> str:
    """Return what one file's runs come to, as JSON, and remember it."""
    text = json.dumps(_content(path)) + "\n"
    with suppress(OSError):  # a cache that cannot be written to costs time, no more
        write_atomic(_cache_file(path), text)
    return text


def _content(path: Path) -> dict[str, Any]:
    try:
        runs = runs_of(path, "")
    except UnusableError as error:
        return {"unusable": str(error), "runs": []}
    return {"unusable": None, "runs": [_plain(_checked(run)) for run in runs]}


def _checked(run: Run) -> CheckedRun:
    try:
        return check(run)
    except Exception as error:  # noqa: BLE001 (one run of junk must not stop the build for the others)
        reason = f"it cannot be judged: {type(error).__name__}"
        return CheckedRun(replace(run, results=kept_of({}, run.task)), (), "excluded", reason)


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


def _plain(run: CheckedRun) -> dict[str, Any]:
    items = [
        [item.item_id, item.accuracy, {k: v for k, v in item.metrics.items() if k in READ_METRICS}, item.chosen,
         item.probabilities]
        for item in run.items
    ]  # fmt: skip
    return {
        "task": run.run.task,
        "results": run.run.results,
        "is_record": run.run.is_record,
        "has_samples": run.run.samples is not None,
        "items": items,
        "status": run.status,
        "reason": run.reason,
        "flags": run.flags,
    }


def _restored(plain: dict[str, Any], source: str) -> CheckedRun:
    run = Run(source, plain["task"], plain["results"], None, is_record=plain["is_record"])
    items = tuple(_restored_item(*fields) for fields in plain["items"])
    return CheckedRun(run, items, plain["status"], plain["reason"], tuple(plain["flags"]))


def _restored_item(
    item_id: str, accuracy: float, metrics: dict[str, Any], chosen: list[str], probabilities: list[float] | None
) -> ItemResult:
    return ItemResult(
        item_id=sys.intern(item_id),
        accuracy=accuracy,
        types=pinned_items()[item_id].types,
        metrics=metrics,
        chosen=tuple(map(sys.intern, chosen)),  # one string for all runs
        probabilities=None if probabilities is None else tuple(probabilities),
    )
