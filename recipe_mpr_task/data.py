"""Load the dataset. The dataset is pinned to a commit, checked by its SHA-256, and cached.

If the environment variable `RECIPE_MPR_DATA` holds a path, the dataset is the file at this path. Otherwise, the
dataset is the cached file. If no file is cached, the dataset is downloaded into the cache.
The embedded sample is a separate dataset (`load_sample`) and never replaces the pinned dataset.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from recipe_mpr_task.errors import DataError
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import Item, items_from_json

REPOSITORY = "D3Mlab/Recipe-MPR"
COMMIT = "6db37033ed6f2f6371933354369f6912cf85dbb8"
FILE_NAME = "500QA.json"
URL_FOLDER = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/data/"
SHA256 = "ab61f4200e9c43d049b91e3de41878ea7a33e21ad395f0bf78beeb5bdc06e730"
N_ITEMS = 500
LICENSE = "Apache-2.0"

DATA_VARIABLE = "RECIPE_MPR_DATA"
CACHE_VARIABLE = "RECIPE_MPR_CACHE"
_CONNECT_AND_READ_SECONDS = (3.05, 30)
RETRIES = 2

_REMEDIES = (
    f"remedies: (1) go online and run `recipe-mpr data fetch`; (2) set {DATA_VARIABLE} to the path of "
    f"{FILE_NAME}; (3) run the embedded 60-item sample with `--tasks recipe_mpr_sample`"
)


@dataclass(frozen=True)
class Source:
    """A local copy of the dataset.

    Attributes:
        path: path of the file.
        origin: where the copy comes from: "RECIPE_MPR_DATA", "cache" or "download".
    """

    path: Path
    origin: str


def cache_path() -> Path:
    """Return the path of the cached dataset.

    The environment variable `RECIPE_MPR_CACHE` sets the folder. The default is "recipe-mpr" in the user's cache folder.
    """
    import pooch

    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder or pooch.os_cache("recipe-mpr")).expanduser() / COMMIT[:12] / FILE_NAME


def local_source() -> Source | None:
    """Return the local copy of the dataset; None if the dataset must be downloaded first.

    The content of the copy is not checked. If `RECIPE_MPR_DATA` names the copy, the file may be missing.
    """
    if named := os.environ.get(DATA_VARIABLE):
        return Source(Path(named).expanduser(), DATA_VARIABLE)
    path = cache_path()
    return Source(path, "cache") if path.is_file() else None


def fetch() -> Source:
    """Return a local copy of the dataset. Download the dataset into the cache if there is no local copy.

    Raises:
        DataError: the download failed. The message names the remedies.
    """
    return local_source() or _download(cache_path())


def _download(target: Path) -> Source:
    import pooch
    import requests

    # pooch downloads to a temporary file, and gives this file its final name only if the hash is right.
    store = pooch.create(
        path=target.parent,
        base_url=URL_FOLDER,
        registry={FILE_NAME: f"sha256:{SHA256}"},
        retry_if_failed=RETRIES,
    )
    downloader = pooch.HTTPDownloader(progressbar=True, timeout=_CONNECT_AND_READ_SECONDS)
    try:
        store.fetch(FILE_NAME, downloader=downloader)
    except (requests.RequestException, ValueError, OSError) as error:
        why = type(error).__name__ if isinstance(error, requests.RequestException) else str(error)
        raise DataError(f"{FILE_NAME} is not cached and its download failed ({why}); {_REMEDIES}") from None
    return Source(target, "download")


def read_pinned(source: Source) -> bytes:
    """Read a copy of the dataset, check its SHA-256, and return its bytes.

    Raises:
        DataError: the file cannot be read, or its SHA-256 differs from the constant SHA256.
    """
    try:
        content = source.path.read_bytes()
    except OSError as error:
        raise DataError(f"{source.origin} {source.path}: {error.strerror or error}; {_REMEDIES}") from None
    sha256 = sha256_of(content)
    if sha256 != SHA256:
        # Report malformed records first, because malformed records explain a wrong hash.
        items_from_json(content, source=str(source.path), prefix="mpr")
        again = "delete it and run `recipe-mpr data fetch`" if source.origin == "cache" else _REMEDIES
        raise DataError(
            f"{source.origin} {source.path}: wrong hash, SHA-256 {sha256[:12]}..., expected {SHA256[:12]}... "
            f"({REPOSITORY} at {COMMIT[:12]}); scores on other data are not comparable; {again}"
        )
    return content


def load_items() -> tuple[Item, ...]:
    """Return the 500 items of the pinned dataset.

    Raises:
        DataError: the download failed, the copy cannot be read, or the copy is not the pinned file.
    """
    return _load(fetch())


def items_at_hand() -> tuple[Item, ...]:
    """Return the 500 items if the pinned file is on this machine, else an empty tuple. Never download."""
    source = local_source()
    with suppress(DataError):
        return _load(source) if source else ()
    return ()


@lru_cache(maxsize=4)
def _load(source: Source) -> tuple[Item, ...]:
    return items_from_json(read_pinned(source), source=str(source.path), prefix="mpr")


@lru_cache(maxsize=1)
def load_sample() -> tuple[Item, ...]:
    """Return the 60 items of the embedded sample, "sample-00" to "sample-59". No network is needed."""
    resource = files("recipe_mpr_task") / "sample.json"
    return items_from_json(resource.read_bytes(), source="sample.json", prefix="sample")


def dataset_of(item_id: str) -> tuple[Item, ...]:
    """Return the embedded sample if the item id starts with "sample-"; otherwise return the pinned dataset."""
    return load_sample() if item_id.startswith("sample-") else load_items()
