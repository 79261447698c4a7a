"""Show a sweep while it runs: a live table on a terminal, else one line for each change."""

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from leaderboard.sweep.plan import CellState, Status, counts_text
from recipe_mpr_task.lines import line, say

_STYLES: dict[Status, str] = {"running": "bold cyan", "failed": "bold red", "done": "green", "waiting": "dim"}
_SHOWN_FIRST: tuple[Status, ...] = ("running", "failed", "done", "waiting")
_OTHER_LINES = 6
"""Lines of the terminal that are not rows of cells: headers, frame and the last line."""


class Board:
    """Show the cells' states, as a context manager. Call `update` after each change."""

    def __init__(self, states: Sequence[CellState], slots: int = 1) -> None:
        self._states = [state for state in states if state.status == "waiting"]
        self._slots, self._console = slots, Console()
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None

    def __enter__(self) -> "Board":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live:
            self._live.update(self._table(), refresh=True)
            self._live.stop()

    def update(self, changed: CellState | None) -> None:
        """Redraw the table; without a terminal, print the changed cell."""
        if self._live:
            self._live.update(self._table(), refresh=True)
        elif changed and changed.status != "running":
            n_ended = sum(state.status in ("done", "failed") for state in self._states)
            speed = f": {_rate(changed)} items/s" if changed.status == "done" else ""
            note = f": {line(changed.note, 400)}" if changed.note else ""
            say(f"[{n_ended}/{len(self._states)}] {changed.status} {changed.cell.name}{speed or note}")

    def _table(self) -> Table:
        table = Table(caption=f"{counts_text(self._states)}; {left_text(self._states, self._slots)}")
        for header in ("State", "Model", "Task", "How", "Items", "Items/s", "Left"):
            table.add_column(header, justify="right" if header in ("Items", "Items/s", "Left") else "left")
        ordered = sorted(self._states, key=lambda s: (_SHOWN_FIRST.index(s.status), -(s.started or 0)))
        room = max(3, self._console.height - _OTHER_LINES)
        for state in ordered[:room]:
            cell = state.cell
            done = f"{round(state.fraction * state.n_items)}/{state.n_items}"
            left = _duration(seconds) if (seconds := _left(state)) is not None else ""
            texts = (state.status, cell.model.name, cell.task, cell.how, done, _rate(state), left)
            table.add_row(*(Text(line(text)) for text in texts), style=_STYLES.get(state.status, ""))
        if len(ordered) > room:
            table.add_row(Text(f"and {len(ordered) - room} more"))
        return table


def _rate(state: CellState) -> str:
    seconds = _elapsed(state)
    return f"{state.fraction * state.n_items / seconds:.1f}" if seconds and state.fraction else ""


def _elapsed(state: CellState) -> float:
    if state.seconds is not None:
        return state.seconds
    return time.monotonic() - state.started if state.status == "running" and state.started else 0.0


def _left(state: CellState) -> float | None:
    """Return the seconds until a running cell is done; None if unknown."""
    if state.status != "running" or not state.fraction:
        return None
    return _elapsed(state) * (1 - state.fraction) / state.fraction


def left_text(states: Sequence[CellState], slots: int) -> str:
    """Return the time left, such as "about 3 min left".

    The time is estimated from the finished cells of the same model, else from all finished cells.

    Args:
        states: the cells that this sweep runs.
        slots: number of cells that run at the same time.
    """
    total = 0.0
    for state in states:
        if state.status not in ("running", "waiting"):
            continue
        if (left := _left(state)) is None:
            seconds = _seconds_an_item(states, state)
            if seconds is None:
                return "time left unknown"
            left = max(0.0, seconds * state.n_items - _elapsed(state))
        total += left
    return f"about {_duration(total / max(1, slots))} left"


def _seconds_an_item(states: Sequence[CellState], of: CellState) -> float | None:
    done = [s for s in states if s.seconds is not None]
    alike = [s for s in done if s.cell.model is of.cell.model] or done
    return sum(s.seconds or 0 for s in alike) / sum(s.n_items for s in alike) if alike else None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes >= 3 else f"{60 * minutes + rest} s"
