"""`recipe-mpr compare RUN_A RUN_B`: compare two systems item by item, with a paired test."""

import click

from leaderboard.load.remote import fetched
from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.lines import line, say


@click.command()
@click.argument("run_a")
@click.argument("run_b")
@click.option("--a", "name_a", default="", help="Name, or part of the name, of a system, if RUN_A has several systems.")
@click.option("--b", "name_b", default="", help="Name, or part of the name, of a system, if RUN_B has several systems.")
@click.option(
    "--board", help="Board to compare on, if the systems share several, such as recipe_mpr or recipe_mpr_test."
)
@click.option("--all-items", is_flag=True, help="List all items that differ, not only ten for each system.")
@click.pass_context
def compare(  # noqa: PLR0913, PLR0917 (each argument is an option)
    ctx: click.Context,
    run_a: str,
    run_b: str,
    name_a: str,
    name_b: str,
    board: str | None,
    *,
    all_items: bool,
) -> None:
    """Compare two systems item by item.

    RUN_A and RUN_B are lm-eval output folders, results files, compact records, or fsspec URLs of these. A folder with
    five fold runs of one system is compared as one system. Query texts are shown if the dataset is on this machine.
    Otherwise only item ids are shown.
    """
    from leaderboard.compare import MOST_ITEMS, report, two_rows

    with FaultLog() as log:
        (path_a, path_b), unread = fetched([run_a, run_b])
        for reason in unread:
            say(f"recipe-mpr: skipped {line(reason, 400)}", err=True)
        rows = two_rows((path_a, name_a), (path_b, name_b), board, log.add)
        for text in report(*rows, None if all_items else MOST_ITEMS):
            say(text)
        ctx.exit(log.exit_code(0))
