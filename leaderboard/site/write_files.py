"""Write a site's files into a folder. If there are many, several processes render and write them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import groupby, islice
from pathlib import Path

from tqdm import tqdm

from leaderboard.workers import worker_pool
from recipe_mpr_task.files import sha256_of

_IN_CHUNK = 64

SiteFile = tuple[str, str | Callable[[], str]]
"""A file's relative path, and its text, or a function that returns the text. The function can be pickled."""

_Chunk = Sequence[SiteFile]
_Hashes = list[str]
"""The SHA-256 of each file's content."""


def write_files(files: Iterable[SiteFile], folder: Path, jobs: int = 1) -> str:
    """Write the files, and return a hash of all their paths and contents. The hash does not depend on `jobs`.

    Raises:
        RuntimeError: two files have the same path.
        OSError: a file cannot be written.
    """
    listed: list[str] = []
    with tqdm(desc="writing the site", unit="file", delay=2, disable=None) as progress:
        for chunk, hashes in _written(_chunks(files), folder, jobs):
            listed += [f"{path}\0{sha256}" for (path, _), sha256 in zip(chunk, hashes, strict=True)]
            progress.update(len(chunk))
    return sha256_of("\n".join(listed).encode())


def _chunks(files: Iterable[SiteFile]) -> Iterator[_Chunk]:
    """Yield the files in order: each file with a text alone, because it can be large, and the others together."""
    for has_text, some in groupby(files, lambda file: isinstance(file[1], str)):
        while chunk := list(islice(some, 1 if has_text else _IN_CHUNK)):
            yield chunk


def _written(chunks: Iterator[_Chunk], folder: Path, jobs: int) -> Iterator[tuple[_Chunk, _Hashes]]:
    """Write the chunks and yield each with its files' hashes, in order. Few chunks are in memory at a time."""
    if jobs < 2:
        yield from ((chunk, _write(folder, chunk)) for chunk in chunks)
        return
    sent: deque[tuple[_Chunk, Future[_Hashes] | _Hashes]] = deque()
    with worker_pool(jobs - 1) as pool:  # this process is one of the jobs
        for chunk in chunks:
            n_busy = sum(isinstance(written, Future) and not written.done() for _, written in sent)
            is_here = isinstance(chunk[0][1], str) or n_busy > 2 * (jobs - 1)
            sent.append((chunk, _write(folder, chunk) if is_here else _send(pool, folder, chunk)))
            while sent and (isinstance(sent[0][1], list) or sent[0][1].done()):
                yield _received(folder, *sent.popleft())
        while sent:
            yield _received(folder, *sent.popleft())


def _send(pool: ProcessPoolExecutor, folder: Path, chunk: _Chunk) -> "Future[_Hashes] | _Hashes":
    try:
        return pool.submit(_write, folder, chunk)
    except BrokenProcessPool:  # a worker was killed
        return _write(folder, chunk)


def _received(folder: Path, chunk: _Chunk, written: "Future[_Hashes] | _Hashes") -> tuple[_Chunk, _Hashes]:
    try:
        return chunk, written if isinstance(written, list) else written.result()
    except BrokenProcessPool:
        for path, _ in chunk:  # the killed worker may have written some of the files
            (folder / path).unlink(missing_ok=True)
        return chunk, _write(folder, chunk)


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
