"""`recipe-mpr compare RUN_A RUN_B`: compare two systems item by item, with a paired test."""

from pathlib import Path

import click

from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.lines import say


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option("--a", "name_a", default="", help="Name, or part of the name, of the system in RUN_A, if it has several.")
@click.option("--b", "name_b", default="", help="Name, or part of the name, of the system in RUN_B, if it has several.")
@click.option("--board", help="Board to compare on, if both have several; such as recipe_mpr or recipe_mpr_test.")
@click.pass_context
def compare(  # noqa: PLR0913, PLR0917 (each argument is an option)
    ctx: click.Context, run_a: Path, run_b: Path, name_a: str, name_b: str, board: str | None
) -> None:
    """Compare two systems item by item.

    RUN_A and RUN_B are lm-eval output folders, results files or compact records. A folder with five fold runs of one
    system counts as one system. If the dataset is on this machine, query texts are shown, otherwise only item ids.
    """
    from leaderboard.compare import report, two_rows

    with FaultLog() as log:
        for text in report(*two_rows((run_a, name_a), (run_b, name_b), board, log.add)):
            say(text)
        ctx.exit(log.exit_code(0))
