"""`recipe-mpr leaderboard RUNS... --out DIR`: build the site. `recipe-mpr add` and `demo` use `build_site`, too."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leaderboard.exports import EXPORTS
from recipe_mpr_task.commands.accuracy import ACCURACY
from recipe_mpr_task.errors import EXIT_BAD_INPUT
from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.lines import say

if TYPE_CHECKING:
    from leaderboard.rank.ranking import Board


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option("--records", type=click.Path(file_okay=False, path_type=Path),
              help="Also write each run as a compact record: scores by item id, no dataset text.")  # fmt: skip
@click.option("--target", type=ACCURACY, help="Draw a line at this accuracy, such as 0.75 or 75%.")
@click.option("--exports", is_flag=True, help=f"Also write files for others: {', '.join(EXPORTS)}.")
@click.pass_context
def leaderboard(  # noqa: PLR0913 (each argument is an option)
    ctx: click.Context, runs: Sequence[Path], out: Path, records: Path | None, target: float | None, *, exports: bool
) -> None:
    """Build the page and the tables from scored runs.

    RUNS are folders that lm-eval wrote with --log_samples, results files and compact records. The page is index.html;
    the tables are Markdown, JSON and CSV. A run that cannot be read is skipped and named on stderr; the exit code is
    then 2. If recipe-mpr itself fails, the exit code is 3, and a log file has the traceback.
    """
    ctx.exit(build_site(runs, out, code_if_skipped=EXIT_BAD_INPUT, target=target, exports=exports, records=records))


def build_site(  # noqa: PLR0913 (each argument is an option of a command)
    paths: Sequence[Path], out: Path, *, code_if_skipped: int, target: float | None = None, exports: bool = False,
    records: Path | None = None, summary: "Callable[[Sequence[Board]], str] | None" = None,
) -> int:  # fmt: skip
    """Build the site. Print a summary and the names of the site's files. Name each skipped run on stderr.

    `records` is the folder for compact records; None to write none. `summary` turns the boards into the printed text;
    None to print each board's best rows. `leaderboard.build.build` describes `paths`, `out`, `target` and `exports`.

    Returns:
        The exit code: 3 if recipe-mpr itself failed, else `code_if_skipped` if a run was skipped, else 0.
    """
    from leaderboard.build import FILES, build, write_records
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
