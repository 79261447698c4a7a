"""Check files one after the other, in processes of this machine, or on a Ray cluster, with equal results."""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path

FEW_FILES = 24  # for fewer files, worker processes take longer to start than they save
WORKERS = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)

KILLED = "the process that checked the file was killed, perhaps for lack of memory; free memory, or use fewer --jobs"

Keyed = tuple[Path, str | None]
"""A results file or record, and its cache key. The key is None if the file is unreadable, too large or a pipe."""

Checked = tuple[bytes, list[str]]
"""The rows of a file (a `cache.FileRows` as JSON), and the traceback of each internal error."""

Check = Callable[[Keyed], Checked]


@dataclass(frozen=True)
class Where:
    """Where files are checked.

    Attributes:
        jobs: number of processes on this machine; 1 for only the main process; None to choose by the number of files.
        ray: "auto" or the address of a Ray cluster; None for this machine.
    """

    jobs: int | None = None
    ray: str | None = None

    @property
    def processes(self) -> int:
        """Number of processes on this machine."""
        return WORKERS if self.jobs is None else self.jobs


HERE = Where()
"""Check files on this machine. For many files, use one process per CPU, at most 8."""


def check_all(files: Iterable[Keyed], check: Check, killed: Checked, where: Where) -> Iterator[Checked]:
    """Yield `check` of each file, in the order of the files.

    `check` must be a module-level function, and must not raise. If the process of a check is killed, yield `killed`.
    """
    files, least = iter(files), FEW_FILES if where.jobs is None else 2
    first = list(islice(files, 1 if where.ray else least))
    if where.ray and first:
        from leaderboard.ray_workers import check_on_cluster

        yield from check_on_cluster([*first, *files], check, where.ray)
    elif len(first) < least or where.processes < 2:
        yield from map(check, chain(first, files))
    else:
        yield from _check_in_processes(chain(first, files), check, killed, where.processes)


def _check_in_processes(files: Iterator[Keyed], check: Check, killed: Checked, processes: int) -> Iterator[Checked]:
    unchecked: deque[Keyed] = deque()

    def noted() -> Iterator[Keyed]:
        for keyed in files:
            unchecked.append(keyed)
            yield keyed

    try:
        with worker_pool(processes) as pool:
            for checked in pool.map(check, noted(), chunksize=4):
                unchecked.popleft()
                yield checked
    except BrokenProcessPool:  # a worker was killed; check each remaining file in a separate process
        for keyed in chain(unchecked, files):
            yield _alone(keyed, check, killed)


def _alone(keyed: Keyed, check: Check, killed: Checked) -> Checked:
    try:
        with worker_pool(1) as pool:
            return pool.submit(check, keyed).result()
    except BrokenProcessPool:
        return killed


def worker_pool(jobs: int) -> ProcessPoolExecutor:
    """Return a pool of processes without garbage collection, because their many objects have no cycles."""
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=gc.disable)
