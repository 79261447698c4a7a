"""Write a site's files into a folder. If there are many, several processes render and write them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from leaderboard.workers import worker_pool
from recipe_mpr_task.files import sha256_of

_IN_CHUNK = 64
_LEAST_WAITING = 4
"""For fewer waiting chunks, no process is started."""

Text = str | Callable[[], str]
"""The text of a file, or a function that returns the text. The function can be pickled."""

SiteFile = tuple[str, Text]
"""A file's relative path, and its text."""

_Chunk = Sequence[SiteFile]
_Hashes = list[str]
"""The SHA-256 of each file's content."""


def write_files(files: Iterable[SiteFile], folder: Path, jobs: int = 1) -> str:
    """Write the files, and return a hash of all their paths and contents. The hash does not depend on `jobs`.

    With several jobs, files whose text is a function are rendered in other processes. So yield these files first: the
    other processes then work while this process makes the texts of the other files.

    Raises:
        RuntimeError: two files have the same path.
        OSError: a file cannot be written.
    """
    with tqdm(desc="writing the site", unit="file", delay=2, disable=None) as progress:
        if jobs < 2:
            written = [_written_here(folder, chunk, progress) for chunk in _chunks(files)]
        else:
            written = _write_in_processes(_chunks(files), folder, jobs - 1, progress)
    listed = [f"{path}\0{sha256}" for one in written for path, sha256 in zip(one.paths, one.hashes, strict=True)]
    return sha256_of("\n".join(sorted(listed)).encode())


@dataclass(frozen=True)
class _Written:
    paths: list[str]
    hashes: _Hashes


def _chunks(files: Iterable[SiteFile]) -> Iterator[_Chunk]:
    """Yield the files in order: each file with a text alone, because it can be large, and the others together."""
    for has_text, some in groupby(files, lambda file: isinstance(file[1], str)):
        while chunk := list(islice(some, 1 if has_text else _IN_CHUNK)):
            yield chunk


def _write_in_processes(
    chunks: Iterator[_Chunk], folder: Path, processes: int, progress: "tqdm[NoReturn]"
) -> list[_Written]:
    waiting: deque[_Chunk] = deque()
    feeding: list[Future[list[_Written]]] = []

    def feed() -> list[_Written]:
        """Let one process write the waiting chunks, one after the other, until none is left."""
        fed: list[_Written] = []
        while chunk := _next(waiting.popleft):
            fed.append(_written_there(pool, folder, chunk, progress))
        return fed

    written: list[_Written] = []
    with worker_pool(processes) as pool, ThreadPoolExecutor(processes) as threads:
        try:
            for chunk in chunks:
                if isinstance(chunk[0][1], str):
                    written.append(_written_here(folder, chunk, progress))
                else:
                    waiting.append(chunk)
                if not feeding and len(waiting) >= _LEAST_WAITING:
                    feeding = [threads.submit(feed) for _ in range(processes)]
            while chunk := _next(waiting.pop):  # this process has no texts left to make, so it takes the last chunks
                written.append(_written_here(folder, chunk, progress))
        finally:
            waiting.clear()
        return written + [one for fed in feeding for one in fed.result()]


def _next(take: Callable[[], _Chunk]) -> _Chunk:
    """Return the chunk that `take` removes from the waiting ones; () if none is left."""
    with suppress(IndexError):  # another thread may take the last chunk first
        return take()
    return ()


def _written_there(pool: ProcessPoolExecutor, folder: Path, chunk: _Chunk, progress: "tqdm[NoReturn]") -> _Written:
    try:
        hashes = pool.submit(_write, folder, chunk).result()
    except BrokenProcessPool:
        for path, _ in chunk:  # the killed process may have written some of the files
            (folder / path).unlink(missing_ok=True)
        return _written_here(folder, chunk, progress)
    progress.update(len(chunk))
    return _Written([path for path, _ in chunk], hashes)


def _written_here(folder: Path, chunk: _Chunk, progress: "tqdm[NoReturn]") -> _Written:
    hashes = _write(folder, chunk)
    progress.update(len(chunk))
    return _Written([path for path, _ in chunk], hashes)


def _write(folder: Path, chunk: _Chunk) -> _Hashes:
    for parent in {(folder / path).parent for path, _ in chunk}:
        parent.mkdir(parents=True, exist_ok=True)
    hashes = []
    for path, text in chunk:
        # UTF-8 cannot encode the lone surrogates that a name may contain.
        content = (text if isinstance(text, str) else text()).encode(errors="replace")
        try:
            with (folder / path).open("xb") as file:  # one row's page must not replace another row's page
                file.write(content)
        except FileExistsError:
            raise RuntimeError(f"two files of the site have the path {path}; expected one") from None
        hashes.append(sha256_of(content))
    return hashes
