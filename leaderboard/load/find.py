"""Find results files and records below the paths that the user names, and name each for people."""

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
    """A path or file without a run.

    Attributes:
        source: its name for people.
        reason: why it was skipped, with a remedy.
    """

    source: str
    reason: str


@dataclass
class _Under:
    """The contents of one path.

    Attributes:
        files: that may hold runs.
        skipped: place and reason: folders that cannot be listed, entries named like runs that are not to be read.
        links: to folders.
    """

    files: list[Path] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)


def find_files(paths: Iterable[Path]) -> tuple[list[tuple[Path, str]], list[Skipped]]:
    """Find the results files and records under `paths`, whose order does not matter.

    Links to files are followed, links to folders are not.

    Returns:
        (files, skipped). `files` has each file once with its unique name, sorted by name. `skipped` has the paths that
        hold none, the files that are not to be read, and the folders that cannot be listed.
    """
    files: dict[Path, tuple[int, Path]] = {}
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
            files[file.resolve()] = max(named, files.get(file.resolve(), named))
    names = _unique_names({place: depth for depth, place in files.values()})
    return sorted(names.items(), key=lambda entry: entry[1]), list(dict.fromkeys(skipped))


def _under(path: Path) -> _Under:
    """Walk one path."""
    under = _Under()
    if not os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for an unreadable parent)
        _sort(path, under)
        return under
    folders = [path]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            reason = f"cannot be listed: {error.strerror or error}; make it readable (chmod u+rX), or leave it out"
            under.skipped.append((folder, reason))
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(folder / entry.name)
            elif os.path.isdir(entry.path):  # noqa: PTH112 (likewise)
                under.links.append(folder / entry.name)
            if entry.name.endswith(SUFFIX) or (entry.name.startswith("results_") and entry.name.endswith(".json")):
                _sort(folder / entry.name, under)
    return under


def _sort(place: Path, under: _Under) -> None:
    """Add a place that is named like a run, or that the user named, to the files or to the skipped."""
    try:
        str(place).encode()
        regular_stat(place, LARGEST if place.name.endswith(SUFFIX) else LARGEST_RESULTS)
    except UnicodeEncodeError:
        under.skipped.append((place, "its path is not UTF-8; rename it"))
    except FileNotFoundError:
        under.skipped.append((place, "no such file or folder"))
    except OSError as error:
        under.skipped.append((place, error.strerror or str(error)))
    else:
        under.files.append(place)


def _why_empty(under: _Under) -> str:
    if under.links:
        return f"nothing but links to folders in it, such as {under.links[0].name}: name what they lead to"
    return f"no results_*.json or *{SUFFIX} in it"


def _unique_names(depths: dict[Path, int]) -> dict[Path, str]:
    """Name each file by its shortest unique path suffix of at least `depths[file]` parts."""
    while True:
        names = {place: _source(Path(*place.parts[-depth:])) for place, depth in depths.items()}
        times = Counter(names.values())
        alike = [place for place, name in names.items() if times[name] > 1]
        longer = {place: depths[place] + 1 for place in alike if depths[place] < len(place.parts) - 1}
        if not longer:  # names that are still equal differ in the part that `_source` omits
            return names | {place: f"{names[place]} ({sha256_of(os.fsencode(place))[:6]})" for place in alike}
        depths = depths | longer


def _shown(root: Path, path: Path, place: Path) -> str:
    """Name a skipped place: as the user did, or by its path from the folder that the user named."""
    return _printable(path) if place == path else _source(Path(root.name) / place.relative_to(path))


def _source(path: Path) -> str:
    # lm-eval names a folder after the model's whole path, with "__" for "/": omit local directories.
    parts = (f"__{part.rpartition('__')[2]}" if part.startswith("__") else part for part in path.parts)
    return _printable(Path(*parts))


def _printable(path: Path) -> str:
    """A path as encodable text: bytes that are not UTF-8 are written as escapes."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")
