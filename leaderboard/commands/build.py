"""`recipe-mpr leaderboard RUNS... --out DIR`."""

import re
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recipe_mpr_task.errors import EXIT_BAD_INPUT
from recipe_mpr_task.lines import say

if TYPE_CHECKING:
    from leaderboard.collect import OnFault
    from leaderboard.load.results import Run


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option("--records", type=click.Path(file_okay=False, path_type=Path),
              help="Also write each run as a compact record: scores by item id, no dataset text.")  # fmt: skip
@click.option("--target", type=click.FloatRange(0, 1), help="Draw a line at this accuracy, such as 0.75.")
@click.option("--exports", is_flag=True, help="Also write .eval_results, model-index and every_eval_ever files.")
@click.pass_context
def leaderboard(  # noqa: PLR0913 (each is an option)
    ctx: click.Context, runs: Sequence[Path], out: Path, records: Path | None, target: float | None, *, exports: bool
) -> None:
    """Build the page, and Markdown, JSON and CSV, from lm-eval output folders (made with --log_samples) and records.

    A run that cannot be read is skipped by name, the rest is kept, and the exit code is 2. It is 3 if a fault of ours
    came up while a run was judged: a log file then has the traceback.
    """
    from leaderboard.build import FILES, build
    from recipe_mpr_task.faults import FaultLog

    with FaultLog() as log:
        summary, skipped = build(runs, out, target=target, exports=exports, on_fault=log.add)
        say(f"{summary}\n")
        for name in FILES:
            say(out / name)
        if records:
            skipped += write_records(runs, records, log.add)
        say_skipped(skipped)
        ctx.exit(log.exit_code(EXIT_BAD_INPUT if skipped else 0))


def say_skipped(reasons: Sequence[str]) -> None:
    """Name on stderr, a line each, what was skipped and why."""
    from leaderboard.site.text import line

    for reason in reasons:
        say(f"recipe-mpr: skipped {line(reason, 500)}", err=True)


def write_records(paths: Sequence[Path], folder: Path, on_fault: "OnFault | None" = None) -> list[str]:
    """Write the runs' records; return a line for each run that none could be made of."""
    from leaderboard.collect import raise_fault
    from leaderboard.load.find import find_files
    from leaderboard.load.record import RecordError
    from leaderboard.load.results import UnusableError, runs_of

    skipped = []
    for file, source in find_files(paths)[0]:
        try:
            with suppress(UnusableError):  # the build has said so
                for run in runs_of(file, source):
                    try:
                        _write_record(run, folder)
                    except RecordError as error:
                        skipped.append(f"record of {run.source}, {run.task}: {error}")
        except Exception:  # noqa: BLE001 (one run must not take the records of the others with it)
            (on_fault or raise_fault)(f"while the record of {source} was made", traceback.format_exc())
    return skipped


def _write_record(run: "Run", folder: Path) -> None:
    from leaderboard.load.record import SUFFIX, RecordError, Told, record_of, write_record
    from leaderboard.load.task_specs import task_spec
    from leaderboard.verify.checks import check
    from leaderboard.verify.identity import model_key
    from leaderboard.verify.naming import system_name
    from leaderboard.verify.prompt_checks import prompt_faults
    from leaderboard.verify.surroundings import surroundings
    from recipe_mpr_task.files import sha256_of

    if run.is_record:
        return
    checked = check(run)
    if not checked.items:
        raise RecordError(checked.reason)
    spec = task_spec(run.task)
    if fault := next(prompt_faults(run, spec, surroundings(run, spec)), None):
        raise RecordError(f"{fault}; a record holds no prompts, so nobody could see that")
    told = Told(checked.flags, checked.around, model_key(run))
    record = record_of(run.task, run.results, run.samples or [], told)
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{system_name(run)[:80]} {run.task}")
    # By what the run measured, so that it is written over by itself only.
    write_record(record, folder / f"{name.strip('-')}-{sha256_of(str(record).encode())[:8]}{SUFFIX}")
