"""`recipe-mpr sweep SWEEP`: run many models on many tasks, then build the site."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from leaderboard.commands.build import build_site
from recipe_mpr_task.errors import EXIT_FAULT_FOUND
from recipe_mpr_task.lines import line, say

if TYPE_CHECKING:
    from leaderboard.sweep.cells import Cell
    from leaderboard.sweep.executor import Executor
    from leaderboard.sweep.plan import CellState
    from leaderboard.sweep.storage import Storage

_DEFAULT_OUT = "out/sweep"
_STOPPED = 130


class _ListsSweeps(click.Command):
    """A click command whose help text ends with a list of the shipped sweeps."""

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from leaderboard.sweep.sweep_file import shipped_sweeps

        with formatter.section("Shipped sweeps"):
            formatter.write_text(", ".join(shipped_sweeps()))


@click.command(cls=_ListsSweeps)
@click.argument("sweep")
@click.option("--out", help=f"Folder or fsspec URL (s3://, gs://) of results and site. Default: {_DEFAULT_OUT}.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 256),
              help="Number of processes at the same time on the CPUs. One process runs on each GPU, too.")  # fmt: skip
@click.option("--ray", metavar="auto|ADDRESS", help="Run the cells on a Ray cluster instead of on this machine.")
@click.option("--dry-run", is_flag=True, help="Print the plan: cells, existing results, estimated tokens.")
@click.pass_context
def sweep(  # noqa: PLR0913 (each argument is an option)
    ctx: click.Context, sweep: str, out: str | None, jobs: int, ray: str | None, *, dry_run: bool
) -> None:
    """Run many models on many tasks, and build the site.

    SWEEP is a YAML file, or the name of a shipped sweep. A cell is one model on one task with one setting. Cells with
    results are not run again. To continue a stopped sweep, run the same command again.

    The exit code is 1 if a cell failed.
    """
    from leaderboard.sweep.cells import cells_of
    from leaderboard.sweep.local import LocalExecutor
    from leaderboard.sweep.models import models_of
    from leaderboard.sweep.plan import make_plan, plan_text
    from leaderboard.sweep.ray_cluster import RayExecutor
    from leaderboard.sweep.recognition import Recognition
    from leaderboard.sweep.storage import RUNS, locked, open_storage
    from leaderboard.sweep.sweep_file import read_sweep

    asked = read_sweep(sweep)
    cells = cells_of(asked, models_of(asked))
    storage = open_storage(out or asked.out or _DEFAULT_OUT)
    if dry_run:
        storage.refresh()
        say(plan_text(make_plan(cells, Recognition(storage.local / RUNS)), whole=True))
        return
    with _termination_interrupts(), locked(storage.local) as lock:
        executor = RayExecutor(ray, jobs) if ray else LocalExecutor(jobs, lock)
        ctx.exit(_run(cells, storage, executor))


def _run(cells: Sequence[Any], storage: "Storage", executor: "Executor") -> int:
    """Plan and run the cells, print a summary, and build the site. Return the exit code."""
    from leaderboard.sweep.board import Board
    from leaderboard.sweep.plan import make_plan, plan_text
    from leaderboard.sweep.recognition import Recognition
    from leaderboard.sweep.run import Sweep
    from leaderboard.sweep.storage import RUNS, SITE

    storage.clean()
    unread = storage.refresh()
    there = Recognition(storage.local / RUNS)
    states = make_plan(cells, there, lambda cell: executor.never_fits(executor.needs(cell.model)))
    say(plan_text(states, whole=False))
    for text in [*unread, *there.incomplete]:
        say(f"recipe-mpr: ignored: {line(text)}", err=True)
    _load_dataset(states)

    def is_there(cell: "Cell") -> bool:
        storage.refresh()
        return Recognition(storage.local / RUNS).find(cell) is not None

    try:
        with Board(states, executor.slots) as board:
            Sweep(states, executor, storage, is_there).run(board.update)
    except KeyboardInterrupt:
        n_done = sum(state.status in ("there", "done") for state in states)
        say(
            f"\nstopped; {n_done} of {len(states)} cells are done. To continue, run the same command again.",
            err=True,
        )
        return _STOPPED
    for text in storage.refresh():
        say(f"recipe-mpr: ignored: {line(text)}", err=True)
    failed = _summary(states, storage)
    if any(state.status in ("there", "done") for state in states):
        build_site([storage.local / RUNS], storage.local / SITE, code_if_skipped=0)
        say(f"site: {storage.keep_site()}")
    return EXIT_FAULT_FOUND if failed else 0


def _load_dataset(states: Sequence["CellState"]) -> None:
    """Download the dataset once if a cell needs it, before the workers start. Raise DataError on failure."""
    from recipe_mpr_task.data import load_items
    from recipe_mpr_task.task_specs import task_spec

    if any(state.status == "waiting" and task_spec(state.cell.task).split != "sample" for state in states):
        load_items()


def _summary(states: Sequence["CellState"], storage: "Storage") -> int:
    """Print how many cells have each status, and each failed cell with its last line. Return the number of failures."""
    from leaderboard.sweep.plan import counts_text

    say(f"\n{counts_text(states)}")
    failed = [state for state in states if state.status == "failed"]
    for state in failed:
        log = storage.log(state.cell.folder)
        where = f" (log: {os.path.relpath(log)})" if log.exists() else ""
        say(f"failed: {state.cell.name}: {line(state.note, 400)}{where}", err=True)
    say()
    return len(failed)


@contextmanager
def _termination_interrupts() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C. SLURM sends SIGTERM before it kills a job."""

    def interrupt(_signal: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
