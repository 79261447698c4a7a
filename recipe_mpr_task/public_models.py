"""Compare local files with the public base models that `public_models.yaml` lists by hub id and commit.

A base model is known only if all loaded files equal the files of one listed commit. `by_files` compares a local folder
with the listed hashes. `verify` compares a hub model with the listed hashes and with the hub's own hashes.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from tqdm import tqdm

from recipe_mpr_task.errors import CheckpointError, RecipeMPRError, one_line
from recipe_mpr_task.file_hashes import git_blob_id, remembered_sha256

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

COMMIT = r"^[0-9a-f]{40}$"
_ANCHORS = ("config.json", "tokenizer_config.json", "tokenizer.json", "adapter_config.json", "modules.json")
"""Files by which `_snapshot` finds a cached model. Every loaded model has at least one of these files in the cache."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PublicModel(BaseModel):
    """One commit of a public model, or a conversion of its weights.

    Attributes:
        id: hub id, "owner/name".
        revision: full commit, 40 lower-case hexadecimal digits.
            None for a conversion whose commit is unknown.
        conversion: how the files were made from the model's published weights; None for the files as published.
        licence: SPDX name of the model's licence.
        source: a public file that names the model with this commit.
        files: file name to SHA-256, for every file that is needed to load the model.
        optional: file name to SHA-256, for files that a copy may lack. Examples are weights in a second format, the
            README, or a vocabulary that `tokenizer.json` also holds.
        files_source: where the hashes in `files` and `optional` come from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=COMMIT)] | None
    conversion: str | None = None
    licence: str
    source: str
    files: Annotated[dict[str, Sha256], Field(min_length=1)]
    optional: dict[str, Sha256] = {}
    files_source: str

    @model_validator(mode="after")
    def _published_files_have_a_commit(self) -> "PublicModel":
        if self.revision is None and self.conversion is None:
            raise ValueError("revision is missing; give the full commit (only a conversion may lack the commit)")
        return self

    @property
    def name(self) -> str:
        """The hub id. For a conversion, whose files the hub lacks: the id's last part and the text `conversion`."""
        return f"{self.id.partition('/')[2]} ({self.conversion})" if self.conversion else self.id

    @property
    def known(self) -> dict[str, str]:
        """File name to SHA-256, for all of `files` and `optional`."""
        return {**self.optional, **self.files}


@lru_cache(maxsize=1)
def entries() -> tuple[PublicModel, ...]:
    """Return all entries of `public_models.yaml`, in the order of the file."""
    text = (package_files("recipe_mpr_task") / "public_models.yaml").read_text(encoding="utf-8")
    return tuple(TypeAdapter(list[PublicModel]).validate_python(yaml.safe_load(text)))


def find(model_id: str, revision: str | None) -> PublicModel | None:
    """Return the entry with this hub id and commit, or None if there is no such entry.

    Args:
        model_id: hub id, in the same case as in the list.
        revision: full commit. To find the full commit of a branch or tag, call `resolved_commit` first.
    """
    published = (entry for entry in entries() if entry.conversion is None)
    return next((entry for entry in published if (entry.id, entry.revision) == (model_id, revision)), None)


def by_files(hashes: Mapping[str, str]) -> PublicModel | None:
    """Return the public model that a local folder is a copy of, or None if no entry matches.

    A copy has all files of the entry's `files`. All other files of the copy are in the entry's `optional`. All hashes
    are equal. So no entry matches a folder with a changed, missing or added file.

    Args:
        hashes: file name to SHA-256, for every file of the folder that is read to load the model. Names are relative
            to the folder, with "/" between parts.
    """
    given = dict(hashes)
    for entry in entries():
        if entry.files.keys() <= given.keys() and given.items() <= entry.known.items():
            return entry
    return None


def verify(model_id: str, revision: str, files: Mapping[str, Path], endpoint: str | None = None) -> dict[str, str]:
    """Compare the local files of a listed commit with the hub's hashes and with the listed hashes.

    Args:
        model_id: hub id.
        revision: full commit.
        files: file name in the repository to local path, for every file that is read to load the model. See
            `snapshot_files`.
        endpoint: web address of the hub; None for the default of huggingface_hub (`HF_ENDPOINT`).

    Returns:
        File name to SHA-256, for each of `files`.

    Raises:
        CheckpointError: a needed file is missing, a file cannot be read, the repository lacks a file, or a file's hash
            differs from the hub's hash or the listed hash.
        RecipeMPRError: the commit is not listed, the hub cannot be reached, the hub answers for another commit, or the
            hub gives no hash of a file.
    """
    entry = find(model_id, revision)
    where = f"{model_id} at {revision}"
    if entry is None:
        raise RecipeMPRError(
            f"{where} is not a listed public model; listed: {_listed(model_id)}; pass one as revision=COMMIT"
        )
    # Check for missing files, because loading a model without pooling config or chat template raises no error.
    if missing := [name for name in entry.files if name not in files]:
        raise CheckpointError(f"{where}: the needed file {missing[0]} is missing; download the model again")
    info = _ask(model_id, revision, endpoint)
    if info.sha != revision:
        raise RecipeMPRError(
            f"{where}: the hub answered for another commit, {info.sha}; unset HF_ENDPOINT if it names a mirror"
        )
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    if added := sorted(files.keys() - siblings.keys()):
        raise CheckpointError(f"{where}: {added[0]} is not in the repository at this commit; remove {files[added[0]]}")
    try:
        hashes = _compared(where, files, siblings)
    except OSError as error:
        raise CheckpointError(
            f"{where}: {error.filename} cannot be read ({error.strerror}); download the model again"
        ) from None
    # Compare with the listed hashes as well, because HF_ENDPOINT may name a server that is not the hub.
    for name in hashes.keys() & entry.known.keys():
        if hashes[name] != entry.known[name]:
            raise CheckpointError(
                f"{where}: {name} has SHA-256 {hashes[name]}, expected {entry.known[name]} (public_models.yaml); "
                "unset HF_ENDPOINT if it names a mirror"
            )
    return hashes


def resolved_commit(model_id: str, revision: str | None = None, cache_dir: Path | str | None = None) -> str | None:
    """Return the full commit of a revision, read from the local cache without network access.

    Args:
        model_id: hub id.
        revision: the branch, tag or commit that was loaded, or the start of a commit; None for "main".
        cache_dir: folder of the hub cache; None for the default of huggingface_hub (`HF_HUB_CACHE`).

    Returns:
        The full commit. None if the revision is not cached, or if `model_id` is a local folder.
    """
    snapshot = _snapshot(model_id, revision, cache_dir)
    return snapshot.name if snapshot else None


def snapshot_files(model_id: str, revision: str | None = None, cache_dir: Path | str | None = None) -> dict[str, Path]:
    """Return all cached files of a revision. `resolved_commit` describes the arguments.

    Returns:
        File name in the repository to local path. Broken links are included, so that `verify` raises an error. The
        mapping is empty if the revision is not cached, or if `model_id` is a local folder.
    """
    snapshot = _snapshot(model_id, revision, cache_dir)
    if snapshot is None:
        return {}
    paths = sorted(path for path in snapshot.rglob("*") if path.is_file() or path.is_symlink())
    return {path.relative_to(snapshot).as_posix(): path for path in paths}


def _snapshot(model_id: str, revision: str | None, cache_dir: Path | str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if Path(model_id).expanduser().is_dir():
        return None  # transformers loads the folder, even if the hub has a model with the same name
    for name in _ANCHORS:
        try:
            cached = try_to_load_from_cache(model_id, name, cache_dir=cache_dir, revision=revision)
        except HFValidationError:
            return None
        if isinstance(cached, str):
            snapshot = Path(cached).parent
            return snapshot if re.fullmatch(COMMIT, snapshot.name) else None
    return None


def _listed(model_id: str) -> str:
    commits = [entry.revision for entry in entries() if entry.id == model_id and entry.revision]
    return ", ".join(commits or sorted({entry.id for entry in entries()}))


def _ask(model_id: str, revision: str, endpoint: str | None) -> "ModelInfo":
    from huggingface_hub import HfApi

    try:
        api = HfApi(endpoint=endpoint)
        return api.model_info(model_id, revision=revision, files_metadata=True, timeout=30)
    except Exception as error:  # the exception's type depends on the version of huggingface_hub
        raise RecipeMPRError(
            f"{model_id} at {revision}: cannot get the hashes of its files from the hub "
            f"({type(error).__name__}: {one_line(error)[:200]}); go online and run again"
        ) from error


def _compared(where: str, files: Mapping[str, Path], siblings: Mapping[str, "RepoSibling"]) -> dict[str, str]:
    hashes = {}
    sizes = {name: path.stat().st_size for name, path in files.items()}
    with tqdm(total=sum(sizes.values()), desc="hashing", unit="B", unit_scale=True, delay=2) as progress:
        for name, path in sorted(files.items()):
            hashes[name] = _checked_sha256(where, name, path, siblings[name])
            progress.update(sizes[name])
    return hashes


def _checked_sha256(where: str, name: str, path: Path, there: "RepoSibling") -> str:
    """Return a local file's SHA-256. Raise an error if the file's size or hash differs from the hub's."""
    size = path.stat().st_size
    if there.size is not None and there.size != size:
        raise CheckpointError(
            f"{where}: {name} has {size} bytes, but {there.size} in the repository; run `hf download --force-download`"
        )
    mine = remembered_sha256(path)
    if there.lfs is not None:
        if there.lfs.sha256 != mine:
            raise CheckpointError(
                f"{where}: {name} has SHA-256 {mine}, but {there.lfs.sha256} in the repository; run "
                "`hf download --force-download`"
            )
    elif there.blob_id is None:
        raise RecipeMPRError(
            f"{where}: the hub gives no hash of {name}, so the file cannot be checked; unset HF_ENDPOINT if it names a "
            "mirror"
        )
    elif (blob := git_blob_id(path)) != there.blob_id:
        raise CheckpointError(
            f"{where}: {name} has git blob id {blob}, but {there.blob_id} in the repository; run "
            "`hf download --force-download`"
        )
    return mine
