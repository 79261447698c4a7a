"""Publish a folder of files in one atomic step: a reader gets the old site or the new one, never a mixture.

OUT/.builds/HASH/...    the files of one build; HASH is computed from the files
OUT/.current            a link to the folder of the published build; a new build is published by replacing this link
OUT/index.html, ...     links to .current/index.html, ...
"""

import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock

from leaderboard.site.write_files import SiteFile, write_files
from recipe_mpr_task.errors import RecipeMPRError

_BUILDS = ".builds"
_CURRENT = ".current"


def publish(files: Iterable[SiteFile], out: Path, jobs: int = 1) -> None:
    """Write a site's files, then publish them in one step.

    Args:
        files: relative path and text of each file.
        out: the site's folder. Other files in the folder are kept.
        jobs: number of processes that write the files; 1 for none beside this one.

    Raises:
        RecipeMPRError: the folder cannot be written to, or a user's file has the name of a site file. The old site
            is kept.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        # Only the process with the lock builds. An unfinished build was therefore interrupted and can be removed.
        with FileLock(out / ".lock"):
            before = _current(out)
            name = _write(files, out / _BUILDS, jobs)
            try:
                _publish(out, name)
            finally:
                kept = {before, _current(out)}  # a reader may still have the previous build open
                for path in (out / _BUILDS).iterdir():
                    if path.name not in kept:
                        _remove(path)
    except OSError as error:
        raise RecipeMPRError(
            f"--out {out}: cannot be written ({error.strerror or error}); choose a writable folder"
        ) from None


def _write(files: Iterable[SiteFile], builds: Path, jobs: int) -> str:
    """Write the files to a build's folder. Return the folder's name. Raise RuntimeError if two paths are equal."""
    staging = builds / ".staging"
    shutil.rmtree(staging, ignore_errors=True)
    name = write_files(files, staging, jobs)[:16]
    os.sync()  # before the link changes, write all files to disk, so that a power failure cannot break the site
    if (builds / name).is_dir():
        shutil.rmtree(staging)  # this build exists already
    else:
        staging.rename(builds / name)
    return name


def _remove(build: Path) -> None:
    """Rename a build's folder before removing it, so that a partly removed build never looks complete."""
    removed = build.with_name(f".removed.{secrets.token_hex(4)}")
    build.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)


def _publish(out: Path, name: str) -> None:
    """Link to the build `name`, and remove old links.

    Raises:
        RecipeMPRError: a user's file has the name of a site file. Nothing was changed.
    """
    links = [out / entry.name for entry in sorted((out / _BUILDS / name).iterdir())]
    for path in links:
        if (path.is_symlink() or path.exists()) and not _is_ours(path):
            raise RecipeMPRError(f"{path} was not created by this command; move it, or choose another --out")
    _link(out / _CURRENT, f"{_BUILDS}/{name}")
    for path in links:
        if not _is_ours(path):
            _link(path, f"{_CURRENT}/{path.name}")
    for path in out.iterdir():
        if _is_ours(path) and path not in links:
            path.unlink()


def _link(path: Path, target: str) -> None:
    """Create or replace a link in one atomic step."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.symlink_to(target)
    temporary.replace(path)


def _is_ours(path: Path) -> bool:
    return path.is_symlink() and str(path.readlink()) == f"{_CURRENT}/{path.name}"


def _current(out: Path) -> str:
    """Return the name of the published build; "" if no build is published."""
    link = out / _CURRENT
    return link.readlink().name if link.is_symlink() else ""
