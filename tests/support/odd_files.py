"""Files that are no ordinary results files."""


def sparse(path, size):
    """Write a file of `size` bytes that takes no room on the disk."""
    with path.open("wb") as stream:
        stream.truncate(size)
