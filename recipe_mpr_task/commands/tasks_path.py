"""Define `recipe-mpr tasks-path`."""

import click

from recipe_mpr_task.lines import say
from recipe_mpr_task.tasks import TASKS_PATH


@click.command()
def tasks_path() -> None:
    """Print the folder of the tasks, for lm_eval --include_path.

    lm_eval needs the folder only if the autoload is off.
    """
    say(TASKS_PATH)
