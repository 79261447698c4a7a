"""`recipe-mpr leaderboard RUNS... --out DIR`: build the site. `recipe-mpr add`, `demo` and `sweep` use `build_site`."""

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leaderboard.exports import EXPORTS
from leaderboard.load.remote import fetched
from leaderboard.workers import HERE, Where
from recipe_mpr_task.commands.accuracy import ACCURACY
from recipe_mpr_task.errors import EXIT_BAD_INPUT, RecipeMPRError
from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.kits import checked_id
from recipe_mpr_task.lines import line, say

if TYPE_CHECKING:
    from leaderboard.rank.ranking import Board


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option("--records", type=click.Path(file_okay=False, path_type=Path),
              help="Also write each run as a compact record: scores by item id, no dataset text.")  # fmt: skip
@click.option("--target", type=ACCURACY, help="Draw a line at this accuracy, such as 0.75 or 75%.")
@click.option("--figures", type=click.Path(file_okay=False, path_type=Path),
              help="Also write the main plots to this folder, as SVG and PNG.")  # fmt: skip
@click.option("--exports", is_flag=True, help=f"Also write the ranked rows in other formats: {', '.join(EXPORTS)}.")
@click.option("--hub-dataset", metavar="OWNER/NAME",
              help="With --exports: the dataset's id on the Hugging Face Hub. See `recipe-mpr kit hub`.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 256),
              help="Number of runs to check at the same time. Default: one for each CPU, at most 8.")  # fmt: skip
@click.option("--ray", metavar="auto|ADDRESS", help="Check the runs on a Ray cluster. The runs are sent to its nodes.")
@click.pass_context
def leaderboard(  # noqa: PLR0913, PLR0917 (each argument is an option)
    ctx: click.Context, runs: Sequence[str], out: Path, records: Path | None, target: float | None,
    figures: Path | None, *, exports: bool, hub_dataset: str | None, jobs: int | None, ray: str | None,
) -> None:  # fmt: skip
    """Build the page and the tables from scored runs.

    RUNS are folders that lm-eval wrote with --log_samples, results files and compact records. RUNS can be fsspec URLs,
    such as s3://bucket/runs; only new files are fetched. The page is index.html; the tables are Markdown, JSON and CSV.

    A run that cannot be read is skipped and named on stderr; the exit code is then 2. If recipe-mpr itself fails, the
    exit code is 3, and a log file has the traceback.
    """
    if hub_dataset is not None:
        if not exports:
            raise click.UsageError("--hub-dataset needs --exports; add --exports")
        checked_id(hub_dataset)
    if ray and jobs:
        raise click.UsageError("--jobs and --ray cannot be combined: --jobs checks runs on this machine only")
    paths, unread = fetched(runs)
    code = build_site(
        paths, out, code_if_skipped=EXIT_BAD_INPUT, target=target, exports=exports, records=records,
        figures=figures, hub_dataset=hub_dataset, where=Where(jobs, ray),
    )  # fmt: skip
    for reason in unread:
        say(f"recipe-mpr: skipped {line(reason, 400)}", err=True)
    ctx.exit(code or (EXIT_BAD_INPUT if unread else 0))


def build_site(  # noqa: PLR0913 (each argument is an option of a command)
    paths: Sequence[Path], out: Path, *, code_if_skipped: int, target: float | None = None, exports: bool = False,
    records: Path | None = None, figures: Path | None = None, hub_dataset: str | None = None,
    summary: "Callable[[Sequence[Board]], str] | None" = None, where: Where = HERE,
) -> int:  # fmt: skip
    """Build the site. Print a summary and the names of the site's files. Name each skipped run on stderr.

    `records` and `figures` are the folders for compact records and for plots; None to skip them. `summary` turns the
    boards into the printed text; None to print each board's best rows. `leaderboard.build.build` describes the other
    arguments.

    Returns:
        The exit code: 3 if recipe-mpr itself failed, else `code_if_skipped` if a run was skipped, else 0.
    """
    from leaderboard.build import FILES, build, write_records
    from leaderboard.site.terminal import to_terminal
    from leaderboard.site.text import LONGEST, line

    with FaultLog() as log:
        site = build(
            paths, out, target=target, exports=exports, hub_dataset=hub_dataset, built=build_day(), on_fault=log.add,
            where=where,
        )  # fmt: skip
        say(f"{(summary or to_terminal)(site.boards)}\n")
        for name in FILES:
            say(out / name)
        for path in _figures(site.boards, figures) if figures else ():
            say(path)
        skipped = [*site.skipped, *(write_records(paths, records, log.add) if records else [])]
        for reason in skipped:
            say(f"recipe-mpr: skipped {line(reason, LONGEST)}", err=True)
        return log.exit_code(code_if_skipped if skipped else 0)


def build_day() -> date:
    """Return today's date in UTC. If SOURCE_DATE_EPOCH is set, return its date, so that builds are reproducible."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(seconds) if seconds.isdecimal() else time.time(), UTC).date()


def _figures(boards: "Sequence[Board]", folder: Path) -> list[Path]:
    """Write the figures. Return their paths."""
    from leaderboard.site.figures import write_figures

    try:
        return write_figures(boards, folder)
    except OSError as error:
        raise RecipeMPRError(
            f"--figures {folder}: cannot be written ({error.strerror or error}); choose a writable folder"
        ) from None
