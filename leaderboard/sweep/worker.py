"""Run the cells of one group in this process, with one load of the model: `python -m leaderboard.sweep.worker`.

The first line of stdin is the order as JSON. Events go to stdout, one JSON object a line. stdin stays open as long as
the sweep lives; when it closes, this process ends at once, so that a killed sweep leaves no worker behind.
"""

import contextlib
import gc
import json
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from leaderboard.sweep.storage import Storage, check_complete, open_storage
from recipe_mpr_task.errors import RecipeMPRError, one_line
from recipe_mpr_task.lines import line

_BAR = re.compile(r"(?:requests|embedding|scoring[a-z ]*|Requesting API|Processed prompts)[^\r\n]*?(\d+)/(\d+) \[")
"""A tqdm bar that counts a model's answers: of lm-eval's backends and of our heads."""

_TAIL = 8192
_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")


class CellOrder(BaseModel):
    """A cell to run: its folder's name, its task, and the content of its `lm_eval run --config` file."""

    folder: str
    task: str
    config: dict[str, Any]


class GroupOrder(BaseModel):
    """The cells of one group, and where their results go. `append` keeps the logs of an earlier try."""

    storage: str
    cells: list[CellOrder]
    append: bool = False


class Event(BaseModel):
    """What happened to a cell.

    Attributes:
        kind: started, loaded (the model is ready), progress, finished or failed; ended when the process has ended.
        cell: index of the cell in the order.
        done: requests answered so far; `total` is their number.
        reason: why the cell failed, in one line.
        out_of_memory: whether the cell failed because memory ran out.
        batch: the batch size in use, if the batch size is automatic; None if unknown.
        while_loading: whether the cell failed because the model could not be loaded.
        lost: whether the group ended because its node was lost.
    """

    kind: str
    cell: int = 0
    done: int = 0
    total: int = 0
    reason: str = ""
    out_of_memory: bool = False
    batch: int | None = None
    while_loading: bool = False
    lost: bool = False


Send = Callable[[Event], None]


class LoadedOnce:
    """Load the model when lm-eval first asks for it, and return the same model afterwards."""

    def __init__(self, get_model: Callable[[str], Any]) -> None:
        self._get_model, self._name = get_model, ""
        self.model: Any = None
        self.has_failed = False
        self.on_ready: Callable[[], None] = lambda: None

    def __call__(self, name: str) -> "LoadedOnce":
        """Stand in for lm-eval's `get_model`."""
        self._name = name
        return self

    def create_from_arg_obj(self, *arguments: Any) -> Any:
        """Return the model, as the method of lm-eval's LM does."""
        if self.model is None:
            self.has_failed = True
            self.model = self._get_model(self._name).create_from_arg_obj(*arguments)
            self.has_failed = False
        if hasattr(self.model, "truncated_in"):
            self.model.truncated_in.clear()  # counts of another cell's task
        self.on_ready()
        return self.model

    @property
    def batch(self) -> int | None:
        """The largest batch size that the model found by itself; None if it has not looked for one."""
        sizes = getattr(self.model, "batch_sizes", None)
        return max(sizes.values()) if isinstance(sizes, dict) and sizes else None


def run_group(order: GroupOrder, send: Send) -> None:
    """Run the cells one after another. Publish each result as soon as it is complete. Stop if memory runs out."""
    storage, loader = open_storage(order.storage), None
    for k, cell in enumerate(order.cells):
        send(Event(kind="started", cell=k))
        try:
            with _logging_to(storage.log(cell.folder), append=order.append), _progress(storage, cell, k, send):
                loader = loader or _prepare()
                loader.on_ready = partial(send, Event(kind="loaded", cell=k))
                _run(cell, storage)
        except BaseException as error:  # noqa: BLE001 (a failed cell must not stop the others)
            failed = _failure(error, k, loader)
            send(failed)
            if failed.out_of_memory:
                return
            if failed.while_loading:
                for later in range(k + 1, len(order.cells)):
                    send(failed.model_copy(update={"cell": later}))
                return
        else:
            send(Event(kind="finished", cell=k))
        _free_memory()
        with contextlib.suppress(RecipeMPRError):  # the log stays on this machine
            storage.keep_log(cell.folder)


def _prepare() -> LoadedOnce:
    """Make lm-eval know our tasks and models, and load the model only once."""
    import lm_eval.api.registry
    import lm_eval.evaluator
    import lm_eval.models
    import lm_eval.tasks.manager

    from recipe_mpr_task import plugin

    plugin.activate_all((lm_eval.models, lm_eval.tasks.manager, lm_eval.evaluator), skip_builtin_tasks=True)
    loader = LoadedOnce(lm_eval.api.registry.get_model)
    lm_eval.api.registry.get_model = loader
    return loader


def _run(cell: CellOrder, storage: Storage) -> None:
    from lm_eval.__main__ import cli_evaluate

    staged = storage.stage(cell.folder)
    config = staged / "lm_eval.yaml"
    config.write_text(yaml.safe_dump(cell.config, sort_keys=False))
    sys.argv = ["lm_eval", "run", "--config", str(config), "--output_path", str(staged)]
    cli_evaluate()
    check_complete(staged, cell.task)
    storage.publish(staged, cell.folder)


def _failure(error: BaseException, k: int, loader: LoadedOnce | None) -> Event:
    text = one_line(error) if isinstance(error, RecipeMPRError) else line(f"{type(error).__name__}: {error}", 400)
    no_memory = isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _NO_MEMORY)
    loading = loader is None or loader.has_failed
    batch = loader.batch if loader else None
    return Event(kind="failed", cell=k, reason=text, out_of_memory=no_memory, batch=batch, while_loading=loading)


@contextlib.contextmanager
def _logging_to(log: Path, *, append: bool) -> Iterator[None]:
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
def _progress(storage: Storage, cell: CellOrder, k: int, send: Send) -> Iterator[None]:
    """Send progress events once a second, read from the progress bars in the cell's log."""
    stop, log, sent = threading.Event(), storage.log(cell.folder), (0, 0)

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
    """Return (requests answered, requests) of the last progress bar in a log; None if there is none."""
    with contextlib.suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
        bars = _BAR.findall(stream.read().decode(errors="replace"))
        return (int(bars[-1][0]), int(bars[-1][1])) if bars else None
    return None


def _free_memory() -> None:
    gc.collect()
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _end_with_parent() -> None:
    """End this process and its children as soon as stdin closes."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _first_line() -> str:
    """Read a line from stdin without reading ahead."""
    characters = []
    while (character := os.read(0, 1)) not in (b"\n", b""):
        characters.append(character)
    return b"".join(characters).decode()


def main() -> None:
    """Run the group whose order is on stdin."""
    order = GroupOrder.model_validate_json(_first_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    events, lock = os.fdopen(os.dup(1), "w", buffering=1), threading.Lock()

    def send(event: Event) -> None:
        with lock:
            events.write(json.dumps(event.model_dump(exclude_defaults=True)) + "\n")

    run_group(order, send)
    os._exit(0)  # skip the slow shutdown of model libraries; every result is published


if __name__ == "__main__":
    main()
