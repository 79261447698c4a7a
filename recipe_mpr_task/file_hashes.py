"""Hash a file once, and remember the hash as long as the file does not change.

The key of a hash is the file's state: device, inode, size, mtime and ctime; users cannot set ctime. Hashes are kept in
memory for this process. Those of large files are also kept in the user's cache folder, for later processes.
"""

import hashlib
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from recipe_mpr_task.files import sha256_of, sha256_of_file, write_atomic

_LARGE = 256 * 2**10
"""File size in bytes from which on reading a remembered hash is faster than hashing."""

_SETTLED_SECONDS = 3
"""Age of a file from which on a new change shows in its times, whose steps are up to 2 s."""

FileState = tuple[int, int, int, int, int]
_hashes: dict[FileState, str] = {}


def remembered_sha256(path: Path) -> str:
    """Return a file's SHA-256; read the file only if no hash is remembered for its state.

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
            with suppress(OSError):  # without a writable cache only time is lost
                write_atomic(_note(state), sha256)
    return sha256


def file_state(path: Path) -> FileState:
    """Return device, inode, size, mtime and ctime (nanoseconds) of a file, or of a link's target.

    Raises:
        OSError: there is no such file.
    """
    s = path.stat()
    return s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns


def git_blob_id(path: Path) -> str:
    """Return git's blob id of a file's content, read in pieces.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: digest).hexdigest()


def notes_folder() -> Path:
    """Return the folder of remembered hashes: one file per hash, its mtime is the time of the last use."""
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
