"""Write files atomically, read only regular files of bounded size, and hash files."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_KINDS = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"),
          (stat.S_ISBLK, "a device"), (stat.S_ISDIR, "a folder"))  # fmt: skip


class NotAFileError(OSError):
    """A path that exists but is not a regular file of an allowed size; the message says what is there."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message


def regular_stat(path: Path, largest: int) -> os.stat_result:
    """Return the `stat` of a regular file, or of a link's target.

    Args:
        path: the file.
        largest: maximum size in bytes.

    Raises:
        NotAFileError: the path is a pipe, a device, a folder, a broken link, or a larger file.
        OSError: there is no such file, or it cannot be read.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise NotAFileError("a link to nothing; restore what it leads to, or remove it") from None
        raise
    return _checked(state, largest)


def _checked(state: os.stat_result, largest: int) -> os.stat_result:
    if not stat.S_ISREG(state.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(state.st_mode)), "something else")
        raise NotAFileError(f"{kind}, not a regular file")
    if state.st_size > largest:
        raise NotAFileError(f"{state.st_size:,} bytes; at most {largest:,} are read")
    return state


@contextmanager
def open_regular(path: Path, largest: int) -> Iterator[BinaryIO]:
    """Open a regular file of at most `largest` bytes for reading, without blocking on a pipe or device.

    Raises:
        NotAFileError, OSError: see `regular_stat`.
    """
    regular_stat(path, largest)  # before opening, because opening a device can have effects
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as stream:
        _checked(os.fstat(descriptor), largest)
        yield stream


def read_regular(path: Path, largest: int) -> bytes:
    """Return the content of a regular file of at most `largest` bytes.

    Raises:
        NotAFileError, OSError: see `regular_stat`.
    """
    with open_regular(path, largest) as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:  # files in /proc have size 0 in `stat`
        raise NotAFileError(f"more than {largest:,} bytes; at most so many are read")
    return content


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write `content` to `path` in one atomic step: if the process is killed, the old or the new file remains.

    Args:
        path: the file, of mode 0644 less the umask; its parent folder is made. A killed process can leave a folder
            ".tmp-..." beside the file.
        content: the whole content; text is encoded as UTF-8.
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder, because tempfile's own files have mode 0600 and the umask cannot be read without changing it.
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=path.parent) as folder:
        temporary = Path(folder, "content")
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of `content` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file of any size, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
