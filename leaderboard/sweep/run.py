"""Run the waiting cells of a plan: start groups, follow their events, and retry with half the batch."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaderboard.sweep.cell_log import last_line
from leaderboard.sweep.cells import Cell, groups_of
from leaderboard.sweep.executor import Executor
from leaderboard.sweep.messages import ENDED, CellOrder, Event, GroupOrder
from leaderboard.sweep.models import BASELINE, ENCODER
from leaderboard.sweep.plan import CellState
from leaderboard.sweep.storage import Storage

_TICK_SECONDS = 0.5
_MOST_LOST = 5
"""Maximum number of times that a group is run again because its node was lost."""

Changes = dict[str, Any]
"""Changes of a cell's lm-eval config: `batch_size`, or `max_batch_tokens` of an encoder."""


@dataclass
class _Group:
    """Cells that one process runs. `changes` is not None if this is the second try, with half the batch."""

    states: list[CellState]
    changes: Changes | None = None
    again: list[CellState] = field(default_factory=list)
    batch: int | None = None
    n_lost: int = 0


class Sweep:
    """Run a sweep. `states` always has the current state of each cell.

    Args:
        states: the plan. Cells with the status `waiting` are run.
        executor: where the groups run.
        storage: where the results go.
        is_there: returns whether a cell's result exists now. Called after a node was lost, because the node's last
            event may be missing.
    """

    def __init__(
        self,
        states: Sequence[CellState],
        executor: Executor,
        storage: Storage,
        is_there: Callable[[Cell], bool] = lambda _: False,
    ) -> None:
        self.states, self._executor, self._storage, self._is_there = states, executor, storage, is_there
        waiting = {id(state.cell): state for state in states if state.status == "waiting"}
        groups = groups_of(state.cell for state in waiting.values())
        self._pending = deque(_Group([waiting[id(cell)] for cell in group]) for group in groups)
        self._running: dict[int, _Group] = {}
        self._n_started = 0

    def run(self, on_change: Callable[[CellState | None], None]) -> None:
        """Run all groups. On any exception, such as KeyboardInterrupt, end the workers at once.

        `on_change` is called with each cell whose status has changed, and with None at least twice a second.
        """
        try:
            while self._pending or self._running:
                self._start_what_fits()
                found = self._executor.event(_TICK_SECONDS)
                if found is not None:
                    key, event = found
                    for state in self._apply(key, event):
                        on_change(state)
                on_change(None)
        finally:
            self._executor.stop()

    def _start_what_fits(self) -> None:
        for group in list(self._pending):
            needs = self._executor.needs(group.states[0].cell.model)
            order = GroupOrder(
                storage=self._storage.name,
                cells=[self._order(state.cell, group.changes or {}) for state in group.states],
                append=any(state.tries for state in group.states),
            )
            if self._executor.start(self._n_started, order, needs):
                self._pending.remove(group)
                self._running[self._n_started] = group
                self._n_started += 1

    def _order(self, cell: Cell, changes: Changes) -> CellOrder:
        return CellOrder(folder=cell.folder, task=cell.task, config=lm_eval_config(cell, changes))

    def _apply(self, key: int, event: Event) -> list[CellState]:
        """Apply an event. Return the cells whose status has changed."""
        group = self._running[key]
        if event.kind == ENDED:
            del self._running[key]
            return self._end(group, event)
        state, now = group.states[event.cell], time.monotonic()
        if event.kind == "progress":
            state.fraction = event.done / event.total if event.total else 0.0
            return []
        if event.kind == "loaded":
            state.started = now  # do not count the time to load the model
            return []
        if event.kind == "started":
            state.status, state.started, state.tries = "running", now, state.tries + 1
        elif event.kind == "finished":
            state.status, state.fraction, state.seconds = "done", 1.0, now - (state.started or now)
        elif event.kind == "failed":
            self._fail(group, state, event)
        return [state]

    def _fail(self, group: _Group, state: CellState, event: Event) -> None:
        group.batch = event.batch or group.batch
        half = halved(state.cell, group.batch) if event.out_of_memory and group.changes is None else None
        if half is not None:
            group.again.append(state)
            state.status, state.note, state.fraction = "waiting", "out of memory; runs again with half the batch", 0.0
        else:
            state.status, state.note = "failed", event.reason or self._last_line(state)

    def _end(self, group: _Group, event: Event) -> list[CellState]:
        """Handle the end of a process. A crashed cell fails or is retried. Cells that have not started are queued."""
        if event.lost and group.n_lost < _MOST_LOST:
            return self._put_back(group)
        crashed = [state for state in group.states if state.status == "running"]
        for state in crashed:
            reason = f"{event.reason or 'the process ended early'}; last line of its log: {self._last_line(state)}"
            self._fail(group, state, event.model_copy(update={"reason": reason}))
        left = [state for state in group.states if state.status == "waiting"]
        if not crashed and left and left == group.states and not group.again:
            for state in left:
                state.status, state.note = "failed", f"the worker could not start: {event.reason}"
            return left
        if left:
            half = halved(left[0].cell, group.batch) if group.again else group.changes
            self._pending.appendleft(_Group(left, half))
        return crashed

    def _put_back(self, group: _Group) -> list[CellState]:
        """Put the cells that a lost node has not finished back into the queue. Return the changed cells."""
        changed = []
        for state in group.states:
            if state.status in ("running", "waiting"):
                done = self._is_there(state.cell)
                state.status, state.fraction = ("done", 1.0) if done else ("waiting", 0.0)
                state.seconds = time.monotonic() - state.started if done and state.started else None
                state.note = "" if done else "its node was lost; run again"
                changed.append(state)
        if left := [state for state in group.states if state.status == "waiting"]:
            self._pending.append(_Group(left, group.changes, n_lost=group.n_lost + 1))
        return changed

    def _last_line(self, state: CellState) -> str:
        return last_line(self._storage.log(state.cell.folder))


def lm_eval_config(cell: Cell, changes: Changes) -> dict[str, Any]:
    """Return the content of the `lm_eval run --config` file that runs a cell, without `output_path`."""
    model = cell.model
    args = dict(model.args)
    if "max_batch_tokens" in changes:
        args["max_batch_tokens"] = changes["max_batch_tokens"]
    batch = str(changes.get("batch_size", model.batch_size))
    config = {
        **model.settings,
        "model": model.backend,
        "model_args": args,
        "tasks": [cell.task],
        "batch_size": int(batch) if batch.isdecimal() else batch,
        "seed": list(cell.seeds),
        "log_samples": True,
        "metadata": dict(model.metadata),
    }
    more = {"device": model.device, "num_fewshot": cell.shots or None, "apply_chat_template": cell.chat or None}
    return config | {key: value for key, value in more.items() if value is not None}


def halved(cell: Cell, found: int | None) -> Changes | None:
    """Return the changes that halve a cell's batch; None if the batch cannot be smaller.

    Args:
        cell: the cell.
        found: the batch size that an automatic search found; None if unknown.
    """
    model = cell.model
    if model.backend == BASELINE:
        return None
    if model.backend == ENCODER:
        from recipe_mpr_task.models.encoder import batch_tokens, usable_device

        tokens = model.args.get("max_batch_tokens") or batch_tokens(usable_device(model.device))
        return {"max_batch_tokens": int(tokens) // 2} if int(tokens) > 1 else None
    if model.batch_size.isdecimal():
        return {"batch_size": int(model.batch_size) // 2} if int(model.batch_size) > 1 else None
    return {"batch_size": max(1, found // 2) if found else 1}
