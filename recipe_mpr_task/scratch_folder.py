"""Make temporary folders, and remove the temporary folders that killed processes left."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

_LOCK = "lock"
"""Name of the lock file in a temporary folder. The folder's process locks this file.

If the process dies, the operating system releases the lock.
"""

_EARLIER = "requirements.txt"
"""Name of a file in the temporary folders of earlier versions, which made no lock file."""


class Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP stopped this process. `signum` is the signal's number."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` if SIGTERM or SIGHUP arrives, so that the process cleans up as after Ctrl-C."""

    def stop(signum: int, _frame: FrameType | None) -> None:
        raise Stopped(signum)

    with _handled(stop, "SIGTERM", "SIGHUP"):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], Any] | signal.Handlers, *names: str) -> Iterator[None]:
    """Handle signals until the end of the block. Ignored signals stay ignored, as under `nohup`."""
    previous: dict[int, Any] = {}
    try:
        with suppress(ValueError):  # Python handles signals in the main thread only
            for signum in (getattr(signal, name) for name in names if hasattr(signal, name)):
                if signal.getsignal(signum) not in (signal.SIG_IGN, None):
                    previous[signum] = signal.signal(signum, handler)
        yield
    finally:
        for signum, earlier in previous.items():
            signal.signal(signum, earlier)


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a temporary folder in `parent`, and remove the folder and its content at the end of the block.

    Missing parent folders are created. At the end, created parent folders are removed if they are empty.

    Args:
        parent: the folder in which the temporary folder is made.
        prefix: start of the temporary folder's name.
    """
    created = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    lock: BaseFileLock | None = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder, lock = _locked_folder(parent, prefix)
        yield folder
    finally:
        with _handled(signal.SIG_IGN, "SIGINT", "SIGTERM", "SIGHUP"):
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()
            with suppress(OSError):  # a folder with content stays
                for empty in created:
                    empty.rmdir()


def _locked_folder(parent: Path, prefix: str) -> tuple[Path, BaseFileLock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = FileLock(folder / _LOCK)
        lock.acquire()
        if (folder / _LOCK).exists():
            return folder, lock
        lock.release()  # another process removed the new folder as a leftover before the lock


def remove_leftovers(parent: Path, prefix: str) -> tuple[list[Path], list[Path]]:
    """Remove the temporary folders whose processes died.

    Args:
        parent: the folder in which the temporary folders were made.
        prefix: start of the temporary folders' names, as for `scratch_folder`.

    Returns:
        The removed folders, and the folders that cannot be removed. Folders in use are in neither list.
    """
    removed, kept = [], []
    for folder in sorted(parent.glob(f"{prefix}*")):
        try:
            if _is_ours(folder) and _remove_unused(folder):
                removed.append(folder)
        except (OSError, NotImplementedError):  # no permission, or a file system without locks
            kept.append(folder)
    return removed, kept


def _is_ours(folder: Path) -> bool:
    """Return whether `scratch_folder` made a folder. A user's own folder can have the same prefix."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    return not names or _LOCK in names or _EARLIER in names


def _remove_unused(folder: Path) -> bool:
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    try:
        shutil.rmtree(folder)
    finally:
        lock.release()
    return True
