"""Publish a folder of files in one atomic step: a reader gets the old site or the new one, never a mixture.

OUT/.builds/HASH/...    the files of a build, named by their content
OUT/.current            a link to one of these folders: replacing it is the one step that publishes
OUT/index.html, ...     links to .current/index.html, ...
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock

from recipe_mpr_task.errors import RecipeMPRError

_BUILDS = ".builds"
_CURRENT = ".current"


def publish(files: Iterable[tuple[str, str]], out: Path) -> None:
    """Write a site's files, then publish them in one step.

    Args:
        files: relative path and text of each file.
        out: the site's folder; other files in it are left alone.

    Raises:
        RecipeMPRError: the folder cannot be written to, or a file of the user has a name that the site needs; the old
            site stays.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        # Only one build writes at a time, so an unfinished one was interrupted.
        with FileLock(out / ".lock"):
            before = _current(out)
            name = _write(files, out / _BUILDS)
            try:
                _publish(out, name)
            finally:
                kept = {before, _current(out)}  # a reader may still have the build before open
                for path in (out / _BUILDS).iterdir():
                    if path.name not in kept:
                        shutil.rmtree(path, ignore_errors=True)
    except OSError as error:
        raise RecipeMPRError(f"--out {out}: cannot be written ({error.strerror or error})") from None


def _write(files: Iterable[tuple[str, str]], builds: Path) -> str:
    """Write the files into a folder of their own and return its name, the hash of their paths and contents."""
    staging = builds / ".staging"
    shutil.rmtree(staging, ignore_errors=True)
    digest = hashlib.sha256()
    for path, text in files:
        target = staging / path
        if target.exists():  # else one row's page would replace another's
            raise RuntimeError(f"two files of the site are called {path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        content = text.encode(errors="replace")  # a name may hold lone surrogates
        target.write_bytes(content)
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    os.sync()  # once for all files, so that the link never leads to missing files, even after a power failure
    name = digest.hexdigest()[:16]
    if (builds / name).is_dir():
        shutil.rmtree(staging)  # the same files again
    else:
        staging.rename(builds / name)
    return name


def _publish(out: Path, name: str) -> None:
    """Link to a build and its files, and remove other links; raise first if a file of the user is in the way."""
    links = [out / entry.name for entry in sorted((out / _BUILDS / name).iterdir())]
    for path in links:
        if (path.is_symlink() or path.exists()) and not _is_ours(path):
            raise RecipeMPRError(f"{path} is of another making: move it, or choose another --out")
    _link(out / _CURRENT, f"{_BUILDS}/{name}")
    for path in links:
        if not _is_ours(path):
            _link(path, f"{_CURRENT}/{path.name}")
    for path in out.iterdir():
        if _is_ours(path) and path not in links:
            path.unlink()


def _link(path: Path, target: str) -> None:
    """Make or replace a link, in one step."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.symlink_to(target)
    temporary.replace(path)


def _is_ours(path: Path) -> bool:
    return path.is_symlink() and str(path.readlink()) == f"{_CURRENT}/{path.name}"


def _current(out: Path) -> str:
    """Return the name of the build that is published; "" if none is."""
    link = out / _CURRENT
    return link.readlink().name if link.is_symlink() else ""
