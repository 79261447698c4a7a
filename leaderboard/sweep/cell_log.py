"""Write the log of a cell, and read the log's last progress bar and last line."""

import contextlib
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from leaderboard.sweep.messages import Event, Send
from recipe_mpr_task.lines import line

_BAR = re.compile(r"(?:requests|embedding|scoring[a-z ]*|Requesting API|Processed prompts)[^\r\n]*?(\d+)/(\d+) \[")
"""A tqdm bar that counts a model's answers, from lm-eval's backends or this project's heads."""

_TAIL = 8192


@contextlib.contextmanager
def logging_to(log: Path, *, append: bool) -> Iterator[None]:
    """Send all output of this process to a file, including the traceback of an error."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab" if append else "wb") as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    try:
        yield
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


@contextlib.contextmanager
def progress(log: Path, k: int, send: Send) -> Iterator[None]:
    """Send progress events once a second, read from the progress bars in the cell's log."""
    stop, sent = threading.Event(), (0, 0)

    def watch() -> None:
        nonlocal sent
        while not stop.wait(1):
            if (seen := last_bar(log)) and seen != sent:
                sent = seen
                send(Event(kind="progress", cell=k, done=seen[0], total=seen[1]))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def last_bar(log: Path) -> tuple[int, int] | None:
    """Return (requests answered, all requests) of the last progress bar in a log; None if the log has no bar."""
    with contextlib.suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
        bars = _BAR.findall(stream.read().decode(errors="replace"))
        return (int(bars[-1][0]), int(bars[-1][1])) if bars else None
    return None


def last_line(log: Path) -> str:
    """Return the last non-empty line of a log; "no log" if the log is missing or empty."""
    try:
        lines = log.read_bytes()[-8192:].decode(errors="replace").replace("\r", "\n").split("\n")
    except OSError:
        return "no log"
    return next((line(text, 300) for text in reversed(lines) if text.strip()), "no log")
