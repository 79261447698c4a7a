"""What earlier builds made of each results file, in the user's cache folder.

A digest is kept under the hash of the results file, of the samples beside it, and of this package's code. Reading
gigabytes of samples to hash them would be most of a rebuild's work. So the hash is kept too, under what the system says
of the files: place on the disk, size, and times of the last change, of which users cannot set one.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from leaderboard.load.results import LARGEST_RESULTS, LARGEST_SAMPLES, samples_files
from recipe_mpr_task.data import cache_path, items_at_hand
from recipe_mpr_task.files import regular_stat, sha256_of, sha256_of_file, write_atomic

_KEPT_SECONDS = 30 * 24 * 3600

_COMPUTING = ("numpy", "scipy", "statsmodels", "pydantic", "pydantic_core", "lm_eval", "jinja2", "pyyaml")
"""Packages that read files, render prompts or compute numbers."""

SETTLED_SECONDS = 3
"""A file that changed this shortly ago may change again without its times telling: their steps are up to 2 s."""


def remembered(path: Path) -> Path | None:
    """Return where the digest of a results file is kept, or None."""
    with suppress(OSError):
        kept = _place(path)
        os.utime(kept)
        return kept
    return None


def recalled(place: Path) -> str | None:
    """Return the digest kept at a place; None if it is gone, or is not what was written there."""
    with suppress(OSError, ValueError):
        written, _, text = place.read_text(encoding="utf-8").partition("\n")
        return text if written == sha256_of(text.encode()) else None
    return None


def remember(path: Path, make: Callable[[], tuple[str, list[str]]]) -> tuple[str, list[str]]:
    """Make the digest of a results file, and keep it unless the file or its samples change meanwhile.

    Args:
        path: the results file.
        make: reads it and returns the digest, and tracebacks of our own faults: with one it is not kept.
    """
    try:
        place = _place(path)
    except OSError:  # it will be said to be unreadable
        return make()
    text, faults = make()
    with suppress(OSError):  # a cache that cannot be written to costs time, no more
        if not faults and _place(path) == place:
            write_atomic(place, f"{sha256_of(text.encode())}\n{text}")
    return text, faults


def forget_unused() -> None:
    """Remove what no build has asked for in a month."""
    with suppress(OSError):
        for kept in _folder().iterdir():
            if time.time() - kept.stat().st_mtime > _KEPT_SECONDS:
                kept.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash of every file of the packages that a row rests on, and of the versions of what computes its numbers."""
    computing = (sys.version, *(version(name) for name in _COMPUTING))
    digest = hashlib.sha256(repr(computing).encode())
    for package in ("recipe_mpr_task", "leaderboard"):
        root = Path(str(files(package)))
        for file in sorted(root.rglob("*")):
            if file.suffix in (".py", ".json", ".yaml", ".jinja") and file.is_file():
                digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _ground() -> str:
    """Name what a row rests on beside its files: this package, and whether the dataset is at hand to check shots."""
    return f"{code_hash()} {bool(items_at_hand())}"


def _place(path: Path) -> Path:
    """Where the digest of a results file, as it is now, is kept or would be.

    Raises:
        OSError: the file or its samples cannot be read.
    """
    asked, states = time.time(), _states(path)
    note = _folder() / f"{sha256_of(repr((_ground(), states)).encode())}.hash"
    with suppress(OSError, ValueError):
        hashed = note.read_text(encoding="ascii")
        os.utime(note)
        return _folder() / f"{hashed}.digest"
    digest = hashlib.sha256(_ground().encode())
    for file in (path, *samples_files(path)):
        digest.update(f"{file.name}\0{sha256_of_file(file)}\0".encode())
    hashed = digest.hexdigest()
    is_settled = asked - max(max(state[-2:]) for state in states) / 1e9 > SETTLED_SECONDS
    if is_settled and _states(path) == states:
        with suppress(OSError):
            write_atomic(note, hashed)
    return _folder() / f"{hashed}.digest"


def _states(path: Path) -> list[tuple[str, int, int, int, int, int]]:
    """What the system says of a results file and its samples: name, place on the disk, size, times in nanoseconds.

    Raises:
        OSError: one cannot be read, is no regular file, or is too large.
    """
    found = [(path.name, regular_stat(path, LARGEST_RESULTS))]
    found += [(file.name, regular_stat(file, LARGEST_SAMPLES)) for file in samples_files(path)]
    return [(name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found]


def _folder() -> Path:
    return cache_path().parent.parent / "runs"
