"""Write files atomically, read regular files up to a maximum size, and hash files."""

import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_KINDS = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"),
          (stat.S_ISBLK, "a device"), (stat.S_ISDIR, "a folder"))  # fmt: skip


class NotAFileError(OSError):
    """The path is not a regular file, or the file is too large. The message says what was found."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message


def regular_stat(path: Path, largest: int) -> os.stat_result:
    """Return the result of `stat` for a regular file. For a link, return the result for the target.

    Args:
        path: the file.
        largest: maximum size of the file in bytes.

    Raises:
        NotAFileError: the path is a pipe, a device, a folder, a broken link, or a file that is too large.
        OSError: the file does not exist, or `stat` fails.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise NotAFileError("a broken link; restore the link's target, or remove the link") from None
        raise
    return _checked(state, largest)


def _checked(state: os.stat_result, largest: int) -> os.stat_result:
    if not stat.S_ISREG(state.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(state.st_mode)), "a special file")
        raise NotAFileError(f"{kind}, not a regular file")
    if state.st_size > largest:
        raise NotAFileError(f"{state.st_size:,} bytes; at most {largest:,} bytes are allowed")
    return state


@contextmanager
def open_regular(path: Path, largest: int) -> Iterator[BinaryIO]:
    """Open a regular file of at most `largest` bytes for reading. The call never waits for a pipe or a device.

    Raises:
        NotAFileError: the path is not a regular file, or the file is too large.
        OSError: the file does not exist or cannot be opened.
    """
    regular_stat(path, largest)  # check before opening, because opening a device can have side effects
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as stream:
        _checked(os.fstat(descriptor), largest)
        yield stream


def read_regular(path: Path, largest: int) -> bytes:
    """Return the content of a regular file of at most `largest` bytes.

    Raises:
        NotAFileError: the path is not a regular file, or the file is too large.
        OSError: the file does not exist or cannot be read.
    """
    with open_regular(path, largest) as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:  # check again, because `stat` gives size 0 for every file in /proc
        raise NotAFileError(f"more than the allowed {largest:,} bytes")
    return content


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write a file in one atomic step. If the process is killed, the old or the new content remains.

    The new file has mode 0644, restricted by the umask. A killed process can leave a folder ".tmp-..." behind.

    Args:
        path: the file. Missing parent folders are created.
        content: the whole content. A `str` is encoded as UTF-8.
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    # Create a temporary folder instead of a temporary file, because `tempfile` makes files with mode 0600.
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=path.parent) as folder:
        temporary = Path(folder, "content")
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)


def write_replaceable(path: Path, content: bytes) -> None:
    """Write a file that can be made again, such as a cache entry with a checksum. Do not wait for the disk.

    After a power failure, the file can be empty or partly written. Otherwise, a reader gets the old or the new content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{path.name}-{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of `content` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 lower-case hexadecimal digits. Read the file in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
