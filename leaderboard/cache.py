"""Keep the rows of each results file in the user's cache folder. A rebuild then parses only new or changed files.

Rows depend only on the results file, its samples files, the code, and whether the dataset is on this machine. The key
of a cache entry is a hash of these four. Each entry is one file: a line with a SHA-256, then the `FileRows` as JSON.
`leaderboard.sweep.finished` also keeps its summaries of results files in this cache.
"""

import hashlib
import os
import sys
import time
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from leaderboard.load.record import SUFFIX
from leaderboard.load.results import LARGEST_RESULTS, LARGEST_SAMPLES, samples_files
from leaderboard.rank.row import Row
from recipe_mpr_task.data import cache_path, items_at_hand
from recipe_mpr_task.file_hashes import notes_folder, remembered_sha256
from recipe_mpr_task.files import regular_stat, sha256_of, write_replaceable

_KEPT_SECONDS = 30 * 24 * 3600
_COMPUTING = ("numpy", "scipy", "statsmodels", "pydantic", "pydantic_core", "lm_eval", "jinja2", "pyyaml")
"""Third-party packages that can change rows: they read files, render prompts or compute numbers."""


class FileRows(BaseModel):
    """The rows of one results file, one for each task. Each row's `source` is empty until `read_rows` sets it.

    `unusable` says why the file has no rows; None if the file was read.
    """

    version: Literal[1]
    unusable: str | None
    rows: list[Row]


def key_of(file: Path) -> str | None:
    """Return the cache key of a results file and its samples; None if a file is unreadable, too large or a pipe."""
    digest = hashlib.sha256(setting().encode())
    with suppress(OSError):
        samples = () if file.name.endswith(SUFFIX) else samples_files(file)
        for path, largest in ((file, LARGEST_RESULTS), *((path, LARGEST_SAMPLES) for path in samples)):
            regular_stat(path, largest)  # raises for a pipe, because hashing a pipe would never end
            digest.update(f"{path.name}\0{remembered_sha256(path)}\0".encode())
        return digest.hexdigest()
    return None


def setting() -> str:
    """Return the part of a key that all files share: the code's hash, and whether the dataset is on this machine."""
    return f"{code_hash()} {bool(items_at_hand())}"


def recall(key: str) -> bytes | None:
    """Return the value stored under a key; None if the key has no entry, or if the entry is damaged."""
    with suppress(OSError, ValueError):
        content = (entry := _folder() / key).read_bytes()
        os.utime(entry)
        checksum, _, value = content.partition(b"\n")
        return value if checksum.decode() == sha256_of(value) else None
    return None


def rows_of(key: str) -> FileRows | None:
    """Return the rows stored under a key; None if there are none, or if they cannot be read."""
    with suppress(ValueError):
        return FileRows.model_validate_json(value) if (value := recall(key)) else None
    return None


def keep(key: str, value: bytes) -> None:
    """Store a value under a key. Do nothing if the cache cannot be written."""
    with suppress(OSError):
        write_replaceable(_folder() / key, f"{sha256_of(value)}\n".encode() + value)


def forget_unused() -> None:
    """Remove cache entries and remembered file hashes that were not used for 30 days."""
    for folder in (_folder(), notes_folder()):
        with suppress(OSError):
            for kept in folder.iterdir():
                if time.time() - kept.stat().st_mtime > _KEPT_SECONDS:
                    kept.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Return a hash of all code that computes rows: this project's files, Python, and the versions of `_COMPUTING`."""
    digest = hashlib.sha256(repr((sys.version, *map(version, _COMPUTING))).encode())
    for package in ("recipe_mpr_task", "leaderboard"):
        root = Path(str(files(package)))
        for file in sorted(root.rglob("*")):
            if file.suffix in (".py", ".json", ".yaml", ".jinja") and file.is_file():
                digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _folder() -> Path:
    return cache_path().parent.parent / "runs"
