"""Run the cells of one group in this process, with one load of the model: `python -m leaderboard.sweep.worker`.

The first line of stdin is a `GroupOrder` as JSON. Events go to stdout, one JSON object per line. stdin stays open
while the sweep runs. When stdin closes, this process ends immediately, so that no worker outlives a killed sweep.
"""

import contextlib
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import yaml

from leaderboard.sweep.cell_log import logging_to, progress
from leaderboard.sweep.messages import CellOrder, Event, GroupOrder, Send
from leaderboard.sweep.storage import Storage, check_complete, open_storage
from recipe_mpr_task.errors import RecipeMPRError, one_line
from recipe_mpr_task.lines import line

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")


class LoadedOnce:
    """Load the model when lm-eval first asks for it, and return the same model afterwards."""

    def __init__(self, get_model: Callable[[str], Any]) -> None:
        self._get_model, self._name = get_model, ""
        self.model: Any = None
        self.has_failed = False
        self.on_ready: Callable[[], None] = lambda: None

    def __call__(self, name: str) -> "LoadedOnce":
        """Replace lm-eval's `get_model`: store the model type, and return this object."""
        self._name = name
        return self

    def create_from_arg_obj(self, *arguments: Any) -> Any:
        """Return the model, as the method of lm-eval's LM does."""
        if self.model is None:
            self.has_failed = True
            self.model = self._get_model(self._name).create_from_arg_obj(*arguments)
            self.has_failed = False
        if hasattr(self.model, "truncated_in"):
            self.model.truncated_in.clear()  # remove the counts of another cell's task
        self.on_ready()
        return self.model

    @property
    def batch(self) -> int | None:
        """The largest batch size that the model's automatic search found; None without a search."""
        sizes = getattr(self.model, "batch_sizes", None)
        return max(sizes.values()) if isinstance(sizes, dict) and sizes else None


def run_group(order: GroupOrder, send: Send) -> None:
    """Run the cells one after another. Publish each result as soon as it is complete.

    Stop if memory runs out or the model cannot be loaded. In the latter case, all remaining cells fail.
    """
    storage, loader = open_storage(order.storage), None
    for k, cell in enumerate(order.cells):
        send(Event(kind="started", cell=k))
        try:
            log = storage.log(cell.folder)
            with logging_to(log, append=order.append), progress(log, k, send):
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
    """Register this project's tasks and models with lm-eval, and load the model only once."""
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
    """Read a `GroupOrder` as JSON from stdin, and run its cells."""
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
