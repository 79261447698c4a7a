"""Find results files and records below the user's paths, and give each file a short unique name."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from leaderboard.load.record import LARGEST, SUFFIX
from leaderboard.load.results import LARGEST_RESULTS
from recipe_mpr_task.files import regular_stat, sha256_of


@dataclass(frozen=True)
class Skipped:
    """A path from which no run was read. `source` is the path as shown to the user. `reason` says why."""

    source: str
    reason: str


def find_files(paths: Iterable[Path]) -> tuple[list[tuple[Path, str]], list[Skipped]]:
    """Find the results files and records under `paths`. The order of `paths` does not matter.

    Links to files are followed. Links to folders are not followed.

    Returns:
        (files, skipped). `files` has one (path, unique name) for each file, sorted by name. `skipped` has the
        paths without results files or records, the unreadable files, and the folders that cannot be listed.
    """
    files: dict[Path, tuple[int, Path]] = {}
    skipped = []
    for path in paths:
        root = Path(os.path.abspath(path))  # noqa: PTH100 (keeps links: samples files are in the link's folder)
        for place, fault in _under(path):
            below = place.relative_to(path)
            if fault:
                source = _printable(path) if place == path else _source(root.name / below)
                skipped.append(Skipped(source, fault))
            else:
                named = (len(below.parts) + 1, root / below)
                target = place.resolve()
                files[target] = max(named, files.get(target, named))
    names = _unique_names({place: depth for depth, place in files.values()})
    return sorted(names.items(), key=lambda entry: entry[1]), list(dict.fromkeys(skipped))


def _under(path: Path) -> list[tuple[Path, str]]:
    """Return (path, fault) for each results file or record below a path, and for each unreadable folder.

    The fault is "" for a readable file. If `path` is a file, or nothing is found below `path`, return only `path`.
    """
    if not os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for an unreadable parent)
        return [(path, _fault(path))]
    folders, links = [path], []
    places: list[tuple[Path, str]] = []
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            reason = f"cannot be listed: {error.strerror or error}; run chmod u+rX on it, or omit it"
            places.append((folder, reason))
            continue
        for entry in entries:
            place = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(place)
            elif os.path.isdir(entry.path):  # noqa: PTH112 (Path.is_dir raises for an unreadable parent)
                links.append(entry.name)
            if entry.name.endswith(SUFFIX) or (entry.name.startswith("results_") and entry.name.endswith(".json")):
                places.append((place, _fault(place)))
    empty = f"contains no results_*.json or *{SUFFIX}"
    if links:
        empty = f"contains only links to folders, such as {links[0]}; pass their targets"
    return places or [(path, empty)]


def _fault(place: Path) -> str:
    """Return the reason why a file cannot be read, such as its size; "" if the file can be read."""
    try:
        str(place).encode()
        regular_stat(place, LARGEST if place.name.endswith(SUFFIX) else LARGEST_RESULTS)
    except UnicodeEncodeError:
        return "the path is not UTF-8; rename the file or folder"
    except FileNotFoundError:
        return "no such file or folder"
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _unique_names(depths: dict[Path, int]) -> dict[Path, str]:
    """Return each file's shortest unique path suffix of at least `depths[file]` parts. Add hashes to equal names."""
    while True:
        names = {place: _source(Path(*place.parts[-depth:])) for place, depth in depths.items()}
        times = Counter(names.values())
        alike = [place for place, name in names.items() if times[name] > 1]
        longer = {place: depths[place] + 1 for place in alike if depths[place] < len(place.parts) - 1}
        if not longer:  # files with equal names differ only in folders that `_source` omits
            return names | {place: f"{names[place]} ({sha256_of(os.fsencode(place))[:6]})" for place in alike}
        depths = depths | longer


def _source(path: Path) -> str:
    # For a local model, lm-eval names the folder after the model's path, with "__" for "/". Show only the last part.
    parts = (f"__{part.rpartition('__')[2]}" if part.startswith("__") else part for part in path.parts)
    return _printable(Path(*parts))


def _printable(path: Path) -> str:
    """Return a path as text that can be encoded. Bytes that are not UTF-8 become escape sequences."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")
