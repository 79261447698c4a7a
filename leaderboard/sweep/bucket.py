"""Store a sweep's results at an fsspec URL, such as s3://bucket/sweep, with a copy on this machine."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from leaderboard.load.remote import RemoteError, copy_folder, fetch, filesystem, told
from leaderboard.sweep.storage import LOGS, RUNS, SITE, Folder

_UNSENT = "unsent"


class Bucket(Folder):
    """Store results at a URL. A complete result is first kept in UNSENT on this machine, and then sent.

    If the connection is cut, no result is lost, because the next `refresh` sends the results in UNSENT.
    """

    def __init__(self, url: str) -> None:
        super().__init__(str(copy_folder(url)))
        self.name = url.rstrip("/")

    def refresh(self) -> list[str]:
        """Send the results that are still unsent. Then fetch new results.

        Returns:
            One text for each file that could not be fetched.

        Raises:
            RemoteError: the URL cannot be listed, or a result cannot be sent.
        """
        for kept in sorted((self.local / _UNSENT).glob("*")):
            self._send(kept)
        return fetch(f"{self.name}/{RUNS}", self.local / RUNS)

    def publish(self, staged: Path, cell: str) -> None:
        """Send a complete result. The results file is sent last, because only then is the result complete."""
        # The name is unique, so a partly sent result can be sent again under the same name.
        kept = self.local / _UNSENT / f"{cell}-{uuid.uuid4().hex[:8]}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(kept)
        try:
            self._send(kept)
        except RemoteError as error:
            raise RemoteError(f"{error}; the result is complete and is kept; run the same command to send it") from None

    def _send(self, kept: Path) -> None:
        files, root = filesystem(self.name)
        with told(self.name, "cannot be written"):
            paths = [path for path in kept.rglob("*") if path.is_file()]
            for path in sorted(paths, key=lambda path: (path.name.startswith("results_"), path.name)):
                files.put_file(str(path), f"{root}/{RUNS}/{kept.name}/{path.relative_to(kept)}")
        (self.local / RUNS).mkdir(parents=True, exist_ok=True)
        kept.rename(self.local / RUNS / kept.name)

    def keep_log(self, cell: str) -> None:
        """Send a cell's log.

        Raises:
            RemoteError: the log cannot be sent. The log stays on this machine.
        """
        self._put([self.log(cell)], LOGS, self.local / LOGS)

    def keep_site(self) -> str:
        """Send the site. Return the site's URL."""
        site = self.local / SITE
        paths = [path for path in site.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(site))]
        self._put(paths, SITE, site)
        return f"{self.name}/{SITE}"

    def _put(self, paths: Sequence[Path], folder: str, root: Path) -> None:
        files, base = filesystem(self.name)
        with told(self.name, f"{folder} cannot be written"):
            for path in paths:
                files.put_file(str(path), f"{base}/{folder}/{path.relative_to(root)}")


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
