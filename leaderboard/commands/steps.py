"""Steps that several commands share: score through lm_eval, build the site."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recipe_mpr_task.errors import EXIT_FAULT_FOUND
from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.lines import say
from recipe_mpr_task.run_lm_eval import lm_eval

if TYPE_CHECKING:
    from leaderboard.rank.ranking import Board


def score(what: str, arguments: Sequence[str], out: Path, *, all_tasks: bool) -> None:
    """Run lm_eval, see `run_lm_eval.lm_eval`; say on one line what runs and how long it took.

    Raises:
        click.exceptions.Exit: lm_eval failed; the end of its output is on stderr.
    """
    say(f"{what} ... ", nl=False)
    started = time.monotonic()
    if failure := lm_eval(arguments, out, all_tasks=all_tasks):
        say(f"failed\n{failure}", err=True)
        raise click.exceptions.Exit(EXIT_FAULT_FOUND)
    say(f"{time.monotonic() - started:.0f} s")


def build_site(  # noqa: PLR0913 (each is an option of a command)
    paths: Sequence[Path], out: Path, *, code_if_skipped: int, target: float | None = None, exports: bool = False,
    records: Path | None = None, summary: "Callable[[Sequence[Board]], str] | None" = None,
) -> int:  # fmt: skip
    """Build the site; say what it shows, its files, and on stderr a line for each run that was skipped.

    Args:
        paths: see `leaderboard.build.build`.
        out: likewise.
        code_if_skipped: the exit code if something was skipped.
        target: see `leaderboard.build.build`.
        exports: likewise.
        records: folder to write compact records to.
        summary: the boards in words; by default their best rows.

    Returns:
        The exit code.
    """
    from leaderboard.build import FILES, build
    from leaderboard.records import write_records
    from leaderboard.site.tables import to_terminal
    from leaderboard.site.text import LONGEST, line

    with FaultLog() as log:
        site = build(paths, out, target=target, exports=exports, on_fault=log.add)
        say(f"{(summary or to_terminal)(site.boards)}\n")
        for name in FILES:
            say(out / name)
        skipped = [*site.skipped, *(write_records(paths, records, log.add) if records else [])]
        for reason in skipped:
            say(f"recipe-mpr: skipped {line(reason, LONGEST)}", err=True)
        return log.exit_code(code_if_skipped if skipped else 0)
