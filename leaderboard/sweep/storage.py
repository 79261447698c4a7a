"""Store a sweep's results in a folder of this machine, or at a URL. `open_storage` chooses by the name."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from leaderboard.load.remote import is_url
from leaderboard.load.results import UnusableError, runs_of
from leaderboard.sweep.finished import is_complete
from recipe_mpr_task.errors import RecipeMPRError

RUNS, LOGS, SITE, _STAGED, _LOCK = "runs", "logs", "site", ".partial", ".sweep.lock"
ORPHANS_END_SECONDS = 20


class Storage(Protocol):
    """A place for results. Workers on any machine open a storage by its name.

    Attributes:
        name: the text that `open_storage` opens again.
        local: folder of this machine, with the results in RUNS (after `refresh`) and the logs in LOGS.
    """

    name: str
    local: Path

    def refresh(self) -> list[str]:
        """Copy the results of other machines to `local`. Return one text for each file that could not be fetched."""

    def stage(self, cell: str) -> Path:
        """Return a new, empty folder for the results of a cell that is being run. The folder is not in RUNS."""

    def publish(self, staged: Path, cell: str) -> None:
        """Move a complete result into RUNS in one step. If the process is killed, RUNS has the whole result or nothing.

        Raises:
            RecipeMPRError: the result cannot be kept. The message says why.
        """

    def log(self, cell: str) -> Path:
        """Return the file for a cell's log. Its folder exists."""

    def keep_log(self, cell: str) -> None:
        """Store a cell's log. Call this after the cell has ended."""

    def keep_site(self) -> str:
        """Store the site that was built in SITE. Return the site's folder or URL."""

    def clean(self) -> None:
        """Remove incomplete results of killed workers. Call this only while the lock is held."""


class Folder:
    """Store results in a folder of this machine."""

    def __init__(self, name: str) -> None:
        self.name, self.local = name, Path(name).expanduser().absolute()

    def refresh(self) -> list[str]:
        """Do nothing: all results are in the folder itself."""
        return []

    def stage(self, cell: str) -> Path:
        """Return a new, empty folder outside RUNS."""
        staged = self.local / _STAGED / f"{cell}-{os.getpid()}"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        return staged

    def publish(self, staged: Path, cell: str) -> None:
        """Rename the folder of a complete result."""
        runs = self.local / RUNS
        runs.mkdir(parents=True, exist_ok=True)
        for target in _free_names(runs, cell):
            try:
                staged.rename(target)  # fails if the target is a folder that is not empty
                return
            except OSError as error:
                if not target.exists():
                    raise RecipeMPRError(f"{target}: cannot be written: {error.strerror or error}") from None

    def log(self, cell: str) -> Path:
        """Return the file for a cell's log. Its folder exists."""
        (self.local / LOGS).mkdir(parents=True, exist_ok=True)
        return self.local / LOGS / f"{cell}.log"

    def keep_log(self, cell: str) -> None:
        """Do nothing: the log is in the folder itself."""

    def keep_site(self) -> str:
        """Return the folder of the site, which is in the folder itself."""
        return str(self.local / SITE)

    def clean(self) -> None:
        """Remove incomplete results of killed workers. Call this only while the lock is held."""
        shutil.rmtree(self.local / _STAGED, ignore_errors=True)


def _free_names(runs: Path, cell: str) -> Iterator[Path]:
    yield runs / cell
    yield from (runs / f"{cell}-{n}" for n in range(2, 10_000))


def open_storage(name: str) -> Storage:
    """Return the storage with this name: the path of a folder, or an fsspec URL."""
    if is_url(name):
        from leaderboard.sweep.bucket import Bucket

        return Bucket(name)
    return Folder(name)


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold a folder's lock, so that two sweeps do not run the same cells. Yield the lock's file descriptor.

    Workers inherit the descriptor. After a sweep was killed, the lock is free only when the last worker has ended.

    Raises:
        RecipeMPRError: another sweep holds the lock, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise RecipeMPRError(f"--out {folder}: cannot be written: {error.strerror or error}") from None
    try:
        deadline = time.monotonic() + ORPHANS_END_SECONDS
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise RecipeMPRError(f"--out {folder}: another sweep is using this folder; wait, or use another folder")
            time.sleep(0.1)
        yield descriptor
    finally:
        os.close(descriptor)  # the lock is free when all workers have closed the descriptor too


def _try_lock(descriptor: int) -> bool:
    """Take a file's lock, and return whether it was free."""
    # The package filelock hides the descriptor, which workers must inherit.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_complete(staged: Path, task: str) -> None:
    """Raise an error unless a folder has one complete run of a task.

    Raises:
        RecipeMPRError: a file is missing or cut. lm-eval only logs a warning if it cannot write its files.
    """
    try:
        runs = [run for file in sorted(staged.rglob("results_*.json")) for run in runs_of(file, file.name)]
    except UnusableError as error:
        raise RecipeMPRError(f"lm_eval wrote a result that cannot be read: {error}") from None
    if not any(run.task == task and is_complete(run) for run in runs):
        raise RecipeMPRError("lm_eval ended without a complete result; read the log, and check for a full disk")
