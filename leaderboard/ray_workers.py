"""Check files on a Ray cluster. The nodes need no shared folder: each file is sent with its samples.

A node checks only if it would give this machine's result: its code, its packages and whether it has the dataset must be
the same. This machine checks what the nodes cannot.
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
"""Number of files for each CPU of the cluster that are sent before the first one's rows are back."""

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
    """Send files to the cluster, and check here what comes back without a result."""

    def __init__(self, check: Check) -> None:
        import ray

        self._ray, self._check = ray, check
        # After three losses of the node, Ray gives up, and this machine checks the file.
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
        """Send a file. Return None for a file that only this machine can judge, such as an unreadable one."""
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
    """Check a file on a node. Return None if the node would give another result than the machine with the file."""
    if cache.setting() != setting:
        return None
    with TemporaryDirectory() as folder:
        for name, content in contents.items():
            Path(folder, name).write_bytes(content)
        return check((Path(folder, next(iter(contents))), None))
