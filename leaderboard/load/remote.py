"""Read results from any fsspec URL, such as s3://bucket/runs, through a copy in the user's cache folder.

Only new and changed files are fetched. Each URL has a separate copy. Files that were removed at the URL are removed
from the copy.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from leaderboard.load.record import SUFFIX
from recipe_mpr_task.data import cache_path
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import sha256_of, write_atomic
from recipe_mpr_task.lines import line
from recipe_mpr_task.names import slug

_INDEX = ".index.json"
_VERSIONS = ("ETag", "etag", "md5Hash", "blob_id", "oid", "LastModified", "last_modified", "mtime", "updated")
"""Names under which filesystems give a file's version or time."""

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


class RemoteError(RecipeMPRError):
    """Raised for a URL that cannot be read or written. The message is one line with the URL and the reason."""


def is_url(name: str) -> bool:
    """Return whether a name is a URL, not a local path."""
    return "://" in name


def copy_folder(url: str) -> Path:
    """Return the folder for the copy of a URL. The folder may not exist yet."""
    return cache_path().parent.parent / "remote" / f"{slug(url, 60)}-{sha256_of(url.encode())[:12]}"


@contextmanager
def told(url: str, what: str) -> Iterator[None]:
    """Turn each error of a filesystem into a RemoteError. `what` names the failed step."""
    try:
        yield
    except RemoteError:
        raise
    except ImportError:
        package = _PACKAGES.get(url.partition("://")[0], "its fsspec package")
        raise RemoteError(f"{url}: needs {package}; pip install {package}") from None
    except FileNotFoundError:
        raise RemoteError(f"{url}: {what}: there is no such bucket or folder; check the address") from None
    except Exception as error:  # noqa: BLE001 (each filesystem raises different errors)
        reason = line(str(error) or type(error).__name__)
        raise RemoteError(f"{url}: {what}: {reason}; check address, credentials and connection") from None


def filesystem(url: str) -> tuple[Any, str]:
    """Return (filesystem of a URL, path in this filesystem).

    Raises:
        RemoteError: the protocol is unknown, or its package is not installed.
    """
    import fsspec

    with told(url, "cannot be opened"):
        files, path = fsspec.core.url_to_fs(url)
        return files, str(path).rstrip("/")


def fetched(names: Iterable[str], wanted: Sequence[str] | None = None) -> tuple[list[Path], list[str]]:
    """Return a local path for each name, and one text for each file that could not be fetched.

    Args:
        names: paths and URLs. Paths are returned unchanged.
        wanted: endings of the files to fetch from a URL; empty for all files; None for results, samples and records.

    Raises:
        RemoteError: a URL cannot be listed, or has no files of results.
    """
    paths, unread = [], []
    for name in names:
        if not is_url(name):
            paths.append(Path(name))
            continue
        paths.append(folder := copy_folder(name))
        unread += fetch(name, folder, wanted)
        if not any(folder.rglob("[!.]*")) and not unread:
            raise RemoteError(f"{name}: no results at this address; check the address")
    return paths, unread


def fetch(url: str, folder: Path, wanted: Sequence[str] | None = None) -> list[str]:
    """Fetch the new and changed files of a URL into a folder, and remove files that the URL no longer has.

    Returns:
        One text for each file that could not be fetched. The other files are in the folder.

    Raises:
        RemoteError: the URL cannot be listed.
    """
    files, root = filesystem(url)
    with told(url, "cannot be listed"):
        files.invalidate_cache()
        listed: Mapping[str, Any] = files.find(root, detail=True)
        if not listed and not files.exists(root.lstrip("/").partition("/")[0]):
            raise FileNotFoundError
    there = {_relative(path, root): (path, _version(info)) for path, info in listed.items()}
    there = {name: found for name, found in there.items() if name and _is_wanted(name, wanted)}
    index, unread = _read_index(folder), []
    # Samples first, because a results file is used only with its samples.
    for name in sorted(there, key=lambda name: (PurePosixPath(name).name.startswith("results_"), name)):
        path, version = there[name]
        if (folder / name).is_file() and index.get(name) == version:
            continue
        if name not in index and _has_size(folder / name, listed[path].get("size")):
            index[name] = version  # this machine sent the file; names have the time of the run, so they are unique
            continue
        try:
            with told(f"{url}/{name}", "cannot be fetched"):
                _get(files, path, folder / name)
            index[name] = version
        except RemoteError as error:
            unread.append(str(error))
    for name in set(index) - set(there):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)
        del index[name]
    write_atomic(folder / _INDEX, json.dumps(index, sort_keys=True))
    return unread


def _has_size(path: Path, size: int | None) -> bool:
    return path.is_file() and path.stat().st_size == size


def _get(files: Any, path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        files.get_file(path, str(part))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _relative(path: str, root: str) -> str:
    """Return a file's path below the root, or else its name; "" if the path could leave the folder of the copy."""
    inner = str(path).removeprefix(root).strip("/") if str(path).startswith(root) else ""
    inner = inner or PurePosixPath(path).name
    return "" if ".." in PurePosixPath(inner).parts or "\0" in inner else inner


def _is_wanted(name: str, wanted: Sequence[str] | None) -> bool:
    file = PurePosixPath(name).name
    if wanted is not None:
        return not wanted or file.endswith(tuple(wanted))
    is_log = file.startswith(("results_", "samples_")) and file.endswith((".json", ".jsonl"))
    return is_log or file.endswith(SUFFIX)


def _version(info: Mapping[str, Any]) -> str:
    known = [str(info[name]) for name in _VERSIONS if info.get(name)]
    return f"{info.get('size')} {known[0] if known else ''}"


def _read_index(folder: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        index = json.loads((folder / _INDEX).read_text())
        return index if isinstance(index, dict) else {}
    return {}
