"""`recipe-mpr audit labels`: list the items that few strong systems answer correctly, for a person to review."""

from collections.abc import Sequence
from pathlib import Path

import click

from leaderboard.verify.statuses import RANKED, STATUSES, StatusName
from recipe_mpr_task.commands.accuracy import ACCURACY
from recipe_mpr_task.errors import EXIT_BAD_INPUT, RecipeMPRError
from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.lines import line, say

_UNRANKED = [name for name in STATUSES if name not in (*RANKED, "reported")]
_MOST_NAMED = 5


@click.command(name="audit labels")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--at-most", default=0, show_default=True, type=click.IntRange(0), metavar="K",
              help="List items that at most K systems answer correctly.")  # fmt: skip
@click.option("--at-least", default=0.4, show_default=True, type=ACCURACY,
              help="Minimum accuracy of the systems. Weaker systems are right on many items by chance.")  # fmt: skip
@click.option("--include", multiple=True, type=click.Choice(_UNRANKED), help="Also use runs with this status.")
@click.option("--review", type=click.Path(dir_okay=False, path_type=Path),
              help="YAML or JSON file of verdicts. Also show the accuracy without the marked items.")  # fmt: skip
@click.option("--write-review", type=click.Path(dir_okay=False, path_type=Path),
              help="Write a review file to fill in, with the listed items and the verdicts of --review.")  # fmt: skip
@click.pass_context
def labels(  # noqa: PLR0913, PLR0917 (each argument is an option)
    ctx: click.Context, paths: Sequence[Path], at_most: int, at_least: float, include: Sequence[StatusName],
    review: Path | None, write_review: Path | None,
) -> None:  # fmt: skip
    """List items that few strong systems answer correctly.

    PATHS are lm-eval output folders, results files, and compact records of runs or imports. Default: the committed
    results. One run of each system on all 500 items is used. The leaderboard does not change.

    Texts and annotations are shown if the dataset is on this machine. A review file has only item ids and verdicts.
    """
    from leaderboard import labels as module
    from leaderboard.collect import read_rows
    from leaderboard.load import review as reviews
    from leaderboard.verify.forensics import RESULTS

    if write_review:
        reviews.refuse_existing(write_review)
    verdicts = reviews.read_review(review) if review else {}
    with FaultLog() as log:
        rows, skipped = read_rows(paths or [RESULTS], log.add)
        unread = [line(f"{file.source}: {file.reason}", 500) for file in skipped]
        if not rows:
            more = f"; and {len(unread) - _MOST_NAMED} more" if len(unread) > _MOST_NAMED else ""
            raise RecipeMPRError(f"no run was read: {'; '.join(unread[:_MOST_NAMED])}{more}")
        for text in unread:
            say(f"recipe-mpr: skipped {text}", err=True)
        audit = module.audit_labels(rows, verdicts, at_least=at_least, include=include)
        for text in module.report(audit, at_most):
            say(text)
        if write_review:
            reviews.write_review(write_review, audit.hard(at_most), verdicts)
            say(f"\nwrote {line(write_review, 500)}")
        ctx.exit(log.exit_code(EXIT_BAD_INPUT if skipped else 0))
