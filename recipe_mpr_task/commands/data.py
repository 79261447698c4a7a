"""Define `recipe-mpr data fetch`, `recipe-mpr data check` and `recipe-mpr data stats`."""

import json
from pathlib import Path

import click

from recipe_mpr_task.lines import say


@click.group()
def data() -> None:
    """Fetch, check and describe the dataset."""


@data.command()
def fetch() -> None:
    """Download the dataset into the cache, unless this machine has a copy. Check the copy's SHA-256."""
    from recipe_mpr_task.data import fetch as fetch_data
    from recipe_mpr_task.data import read_pinned

    source = fetch_data()
    read_pinned(source)
    say(f"{source.path} ({'downloaded' if source.origin == 'download' else f'{source.origin}, not downloaded'})")


@data.command()
def check() -> None:
    """Check the SHA-256 and every record of the local copy of the dataset."""
    from recipe_mpr_task.data import REPOSITORY, SHA256, load_items, local_source, read_pinned
    from recipe_mpr_task.errors import DataError

    source = local_source()
    if source is None:
        raise DataError("this machine has no copy of the dataset; run `recipe-mpr data fetch`")
    read_pinned(source)
    say(f"{source.path} ({source.origin}): {len(load_items())} items, SHA-256 {SHA256}, from {REPOSITORY}")


@data.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the fact sheet to this file.")
def stats(out: Path | None) -> None:
    """Print a fact sheet: items per query type, gold positions, text lengths, reuse of recipe ids.

    The fact sheet contains no dataset text.
    """
    from recipe_mpr_task.dataset_stats import fact_sheet
    from recipe_mpr_task.files import write_atomic

    sheet = json.dumps(fact_sheet(), indent=2) + "\n"
    if out:
        write_atomic(out, sheet)
        say(f"wrote {out}")
    else:
        say(sheet, nl=False)
