"""Finds results files and records below what the user named, and gives each a name for people."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from leaderboard.load.records import SUFFIX
from recipe_mpr_task.files import sha256_of


@dataclass(frozen=True)
class Skipped:
    """A path or file that is no run, and why."""

    source: str
    reason: str


def find_files(paths: Iterable[Path]) -> tuple[list[tuple[Path, str]], list[Skipped]]:
    """Find the results files and records under `paths`.

    Returns:
        Each file once with its name for people, which no other has, sorted; and the paths that hold none. The order
        of `paths` does not matter.
    """
    found: dict[Path, tuple[int, Path]] = {}
    skipped = []
    for path in paths:
        files = _files_in(path) if path.is_dir() else [path] * path.is_file()
        if not files:
            reason = f"no results_*.json or *{SUFFIX} in it" if path.is_dir() else "no such file or folder"
            skipped.append(Skipped(str(path), reason))
        root = Path(os.path.abspath(path))  # noqa: PTH100 (links stay, as samples lie beside them)
        for file in files:
            place = root / file.relative_to(path)
            named = (len(place.parts) - len(root.parts) + 1, place)
            found[file.resolve()] = max(named, found.get(file.resolve(), named))
    names = _distinct_names({place: depth for depth, place in found.values()})
    return sorted(names.items(), key=lambda entry: entry[1]), skipped


def _distinct_names(depths: dict[Path, int]) -> dict[Path, str]:
    """Name files by their last so many folders, and by as many more as tell one from the others."""
    while True:
        names = {place: _source(Path(*place.parts[-depth:])) for place, depth in depths.items()}
        times = Counter(names.values())
        alike = [place for place, name in names.items() if times[name] > 1]
        longer = {place: depths[place] + 1 for place in alike if depths[place] < len(place.parts) - 1}
        if not longer:  # what is still alike differs in what `_source` leaves out
            return names | {place: f"{names[place]} ({sha256_of(str(place).encode())[:6]})" for place in alike}
        depths = depths | longer


def _files_in(folder: Path) -> list[Path]:
    return sorted({*folder.rglob("results_*.json"), *folder.rglob(f"*{SUFFIX}")})


def _source(path: Path) -> str:
    # lm-eval names a folder after the model's whole path, with "__" for "/": where it lay is nobody's business.
    return Path(*(f"__{part.rpartition('__')[2]}" if part.startswith("__") else part for part in path.parts)).as_posix()
