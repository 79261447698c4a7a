"""`recipe-mpr leaderboard RUNS... --out DIR`."""

from collections.abc import Sequence
from pathlib import Path

import click

from leaderboard.commands.steps import build_site
from leaderboard.exports import EXPORTS
from recipe_mpr_task.errors import EXIT_BAD_INPUT


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option("--records", type=click.Path(file_okay=False, path_type=Path),
              help="Also write each run as a compact record: scores by item id, no dataset text.")  # fmt: skip
@click.option("--target", type=click.FloatRange(0, 1), help="Draw a line at this accuracy, such as 0.75.")
@click.option("--exports", is_flag=True, help=f"Also write files for others: {', '.join(EXPORTS)}.")
@click.pass_context
def leaderboard(  # noqa: PLR0913 (each is an option)
    ctx: click.Context, runs: Sequence[Path], out: Path, records: Path | None, target: float | None, *, exports: bool
) -> None:
    """Build the page, and Markdown, JSON and CSV, from lm-eval output folders (made with --log_samples) and records.

    A run that cannot be read is skipped by name, the rest is kept, and the exit code is 2. It is 3 if a fault of ours
    came up while a run was judged: a log file then has the traceback.
    """
    code = build_site(runs, out, code_if_skipped=EXIT_BAD_INPUT, target=target, exports=exports, records=records)
    ctx.exit(code)
