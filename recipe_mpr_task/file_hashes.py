"""Hash a file once, and remember the hash until the file changes.

The key of a hash is the file's state: device, inode, size, mtime and ctime. The state includes ctime, because a
program can reset the mtime of a changed file, but not the ctime. Hashes are kept in memory for this process. Hashes of
large files are also kept in the user's cache folder for later processes.
"""

import hashlib
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from recipe_mpr_task.files import sha256_of, sha256_of_file, write_atomic

_LARGE = 256 * 2**10
"""Minimum size in bytes of a large file. Hashing a smaller file is faster than reading a hash from the cache."""

_SETTLED_SECONDS = 3
"""Remember a file's hash only if the last change of the file is more than this number of seconds ago.

Some file systems store times in steps of 2 s. So a file that changes twice within 2 s can keep the same state.
"""

FileState = tuple[int, int, int, int, int]
_hashes: dict[FileState, str] = {}


def remembered_sha256(path: Path) -> str:
    """Return a file's SHA-256. Read the file only if no hash is remembered for the file's state.

    Raises:
        OSError: the file cannot be read.
    """
    asked, state = time.time(), file_state(path)
    if (known := _hashes.get(state)) or (known := _noted(state)):
        return known
    sha256 = sha256_of_file(path)
    if asked - max(state[-2:]) / 1e9 > _SETTLED_SECONDS and file_state(path) == state:
        _hashes[state] = sha256
        if state[2] >= _LARGE:
            with suppress(OSError):  # without a cached hash, later processes hash the file again
                write_atomic(_note(state), sha256)
    return sha256


def file_state(path: Path) -> FileState:
    """Return a file's device, inode, size, mtime and ctime. For a link, return the state of the target.

    Times are in nanoseconds.

    Raises:
        OSError: the file does not exist.
    """
    s = path.stat()
    return s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns


def git_blob_id(path: Path) -> str:
    """Return git's blob id of a file's content. Read the file in pieces.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: digest).hexdigest()


def notes_folder() -> Path:
    """Return the folder of remembered hashes. Each file in the folder holds one hash.

    The mtime of a file in the folder is the time when its hash was last used.
    """
    from recipe_mpr_task.data import cache_path

    return cache_path().parent.parent / "hashes"


def _noted(state: FileState) -> str | None:
    if state[2] >= _LARGE:
        with suppress(OSError, ValueError):
            note = _note(state)
            text = note.read_text(encoding="ascii")
            os.utime(note)
            return text if re.fullmatch("[0-9a-f]{64}", text) else None
    return None


def _note(state: FileState) -> Path:
    return notes_folder() / sha256_of(repr(state).encode())
