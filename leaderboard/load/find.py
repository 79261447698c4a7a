"""Finds results files and records below what the user named, and gives each a name for people."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from leaderboard.load.record import LARGEST, SUFFIX
from leaderboard.load.results import LARGEST_RESULTS
from recipe_mpr_task.files import regular_stat, sha256_of


@dataclass(frozen=True)
class Skipped:
    """A path or file that is no run, and why."""

    source: str
    reason: str


@dataclass
class _Under:
    """What lies under one path: files that may be runs, what has their names or cannot be looked into, linked folders.

    Attributes:
        skipped: place and reason.
    """

    files: list[Path] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)


def find_files(paths: Iterable[Path]) -> tuple[list[tuple[Path, str]], list[Skipped]]:
    """Find the results files and records under `paths`.

    Links to files are followed, links to folders are not.

    Returns:
        Each file once with its name for people, which no other has, sorted; and the paths that hold none, the files
        that are not to be read, the folders that cannot be listed. The order of `paths` does not matter.
    """
    found: dict[Path, tuple[int, Path]] = {}
    skipped = []
    for path in paths:
        under = _under(path)
        root = Path(os.path.abspath(path))  # noqa: PTH100 (links stay, as samples lie beside them)
        skipped += [Skipped(_shown(root, path, place), reason) for place, reason in under.skipped]
        if not under.files and not under.skipped:
            skipped.append(Skipped(_printable(path), _why_empty(under)))
        for file in under.files:
            place = root / file.relative_to(path)
            named = (len(place.parts) - len(root.parts) + 1, place)
            found[file.resolve()] = max(named, found.get(file.resolve(), named))
    names = _distinct_names({place: depth for depth, place in found.values()})
    return sorted(names.items(), key=lambda entry: entry[1]), list(dict.fromkeys(skipped))


def _under(path: Path) -> _Under:
    """Look for runs under one path."""
    found = _Under()
    if not os.path.isdir(path):  # noqa: PTH112 (of a folder that is not to be looked into it raises nothing)
        _sort(path, found)
        return found
    folders = [path]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            reason = f"cannot be listed: {error.strerror or error}; make it readable (chmod u+rX), or leave it out"
            found.skipped.append((folder, reason))
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(folder / entry.name)
            elif os.path.isdir(entry.path):  # noqa: PTH112 (likewise)
                found.links.append(folder / entry.name)
            if entry.name.endswith(SUFFIX) or (entry.name.startswith("results_") and entry.name.endswith(".json")):
                _sort(folder / entry.name, found)
    return found


def _sort(place: Path, found: _Under) -> None:
    """Put a place that has the name of a run, or that the user named, where it belongs."""
    try:
        str(place).encode()
        regular_stat(place, LARGEST if place.name.endswith(SUFFIX) else LARGEST_RESULTS)
    except UnicodeEncodeError:
        found.skipped.append((place, "its path is not UTF-8; rename it"))
    except FileNotFoundError:
        found.skipped.append((place, "no such file or folder"))
    except OSError as error:
        found.skipped.append((place, error.strerror or str(error)))
    else:
        found.files.append(place)


def _why_empty(under: _Under) -> str:
    if under.links:
        return f"nothing but links to folders in it, such as {under.links[0].name}: name what they lead to"
    return f"no results_*.json or *{SUFFIX} in it"


def _distinct_names(depths: dict[Path, int]) -> dict[Path, str]:
    """Name files by their last so many folders, and by as many more as tell one from the others."""
    while True:
        names = {place: _source(Path(*place.parts[-depth:])) for place, depth in depths.items()}
        times = Counter(names.values())
        alike = [place for place, name in names.items() if times[name] > 1]
        longer = {place: depths[place] + 1 for place in alike if depths[place] < len(place.parts) - 1}
        if not longer:  # what is still alike differs in what `_source` leaves out
            return names | {place: f"{names[place]} ({sha256_of(os.fsencode(place))[:6]})" for place in alike}
        depths = depths | longer


def _shown(root: Path, path: Path, place: Path) -> str:
    """Name what is skipped: as the user did, or by its place below the folder that the user named."""
    return _printable(path) if place == path else _source(Path(root.name) / place.relative_to(path))


def _source(path: Path) -> str:
    # lm-eval names a folder after the model's whole path, with "__" for "/": where it lay is nobody's business.
    parts = (f"__{part.rpartition('__')[2]}" if part.startswith("__") else part for part in path.parts)
    return _printable(Path(*parts))


def _printable(path: Path) -> str:
    """A path as text that can be encoded: bytes of a name that are no UTF-8 are spelt out."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")
