"""`recipe-mpr compare RUN_A RUN_B`: which is better, by how much, on what, and whether that is more than chance."""

from pathlib import Path

import click

from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.lines import say


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option("--a", "name_a", default="", help="Of several systems in RUN_A the one of this name, or that holds it.")
@click.option("--b", "name_b", default="", help="Of several systems in RUN_B the one of this name, or that holds it.")
@click.option("--board", help="Which board's rows, if a path holds several; such as recipe_mpr or recipe_mpr_test.")
@click.pass_context
def compare(  # noqa: PLR0913, PLR0917 (each is an option)
    ctx: click.Context, run_a: Path, run_b: Path, name_a: str, name_b: str, board: str | None
) -> None:
    """Compare two systems item by item.

    RUN_A and RUN_B are lm-eval output folders, results files or compact records; a folder with a system's five fold
    runs is that system. Query texts are shown where the dataset is at hand, else item ids alone.
    """
    from leaderboard.compare import report, two_rows

    with FaultLog() as log:
        for text in report(*two_rows((run_a, name_a), (run_b, name_b), board, log.add)):
            say(text)
        ctx.exit(log.exit_code(0))
