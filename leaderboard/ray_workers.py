"""Check files on a Ray cluster. The nodes need no shared folder: each file is sent with its samples.

A node checks a file only if its result would equal this machine's result. So both must have the same code, the same
packages, and either both or neither the dataset. This machine checks the files that the nodes cannot check.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from leaderboard import cache
from leaderboard.load.record import SUFFIX
from leaderboard.load.results import LARGEST_RESULTS, LARGEST_SAMPLES, samples_files
from leaderboard.workers import Check, Checked, Keyed
from recipe_mpr_task.files import read_regular

_MOST_WAITING = 4
"""Maximum number of files per CPU of the cluster that are sent and not yet received."""

Contents = dict[str, bytes]
"""The content of a file and its samples files by name. The results file or record comes first."""


def check_on_cluster(files: Sequence[Keyed], check: Check, address: str) -> Iterator[Checked]:
    """Yield `check` of each file, in the order of the files.

    Raises:
        RecipeMPRError: Ray is not installed, or there is no cluster at the address.
    """
    from leaderboard.sweep.ray_cluster import RayExecutor

    executor = RayExecutor(address, 1)
    try:
        yield from _Sender(check).check(files)
    finally:
        executor.stop()


class _Sender:
    """Send files to the cluster. If a file comes back without a result, check it on this machine."""

    def __init__(self, check: Check) -> None:
        import ray

        self._ray, self._check = ray, check
        # If a node is lost, Ray tries up to three times again. After that, this machine checks the file.
        self._task = ray.remote(num_cpus=1, max_retries=3)(_check_contents)
        self._most = _MOST_WAITING * max(int(ray.cluster_resources().get("CPU", 1)), 1)

    def check(self, files: Sequence[Keyed]) -> Iterator[Checked]:
        sent: deque[tuple[Keyed, Any]] = deque()
        for keyed in files:
            sent.append((keyed, self._send(keyed)))
            if len(sent) >= self._most:
                yield self._received(*sent.popleft())
        while sent:
            yield self._received(*sent.popleft())

    def _send(self, keyed: Keyed) -> Any:
        """Send a file, and return Ray's reference to the result; None if the file is unreadable or has no cache key."""
        file, key = keyed
        try:
            return self._task.remote(_contents(file), cache.setting(), self._check) if key else None
        except OSError:
            return None

    def _received(self, keyed: Keyed, reference: Any) -> Checked:
        checked: Checked | None = None
        if reference is not None:
            try:
                checked = self._ray.get(reference)
            except self._ray.exceptions.RayError:
                checked = None
        if checked is None:
            return self._check(keyed)
        file, key = keyed
        content, faults = checked
        if key and not faults and cache.key_of(file) == key:
            cache.keep(key, content)
        return checked


def _contents(file: Path) -> Contents:
    samples = () if file.name.endswith(SUFFIX) else samples_files(file)
    return {file.name: read_regular(file, LARGEST_RESULTS)} | {
        path.name: read_regular(path, LARGEST_SAMPLES) for path in samples
    }


def _check_contents(contents: Contents, setting: str, check: Check) -> Checked | None:
    """Check a file on a node. Return None if the node's `cache.setting` differs from the sender's `setting`."""
    if cache.setting() != setting:
        return None
    with TemporaryDirectory() as folder:
        for name, content in contents.items():
            Path(folder, name).write_bytes(content)
        return check((Path(folder, next(iter(contents))), None))
