"""Files written whole or not at all, and their hashes."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write `content` to `path` so that a kill at any moment leaves the old file or the new one.

    Args:
        path: the file; its parent folder is made.
        content: the whole content; text is encoded as UTF-8.
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        _write_whole(temporary, data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_whole(path: Path, data: bytes) -> None:
    """Make a file appear under its name only when it is complete, where the system can do that."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            # Nameless until linked: a kill in between leaves nothing behind, not even a temporary file.
            with os.fdopen(os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o644), "wb") as stream:
                _write_synced(stream, data)
                # dst_dir_fd, so that Python calls linkat, which follows the link to the open file.
                os.link(f"/proc/self/fd/{stream.fileno()}", path.name, dst_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)
    except (AttributeError, OSError):
        with path.open("wb") as stream:
            _write_synced(stream, data)


def _write_synced(stream: BinaryIO, data: bytes) -> None:
    stream.write(data)
    stream.flush()
    os.fsync(stream.fileno())


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of `content` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file of any size, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
