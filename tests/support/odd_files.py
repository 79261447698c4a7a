"""Write files that are not ordinary results files."""

from pathlib import Path


def sparse(path: Path, size: int) -> None:
    """Write a file of `size` bytes that takes no disk space."""
    with path.open("wb") as stream:
        stream.truncate(size)
