"""`recipe-mpr import PREDICTIONS --name NAME`: make a record of a system that lm-eval cannot run."""

from collections.abc import Sequence
from pathlib import Path

import click

from leaderboard.load.choices import FIELDS
from leaderboard.load.predictions import read_choices, record_of_choices
from leaderboard.load.record import SUFFIX, write_record
from leaderboard.site.text import LONGEST, line, percent
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.lines import say
from recipe_mpr_task.names import slug
from recipe_mpr_task.orders import ORDERS


@click.command(name="import")
@click.argument("predictions", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The system's name.")
@click.option("--out", default="out/imported", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--order", type=click.Choice(ORDERS), help="Order in which the system saw the options; the file must not "
              "contradict it. In file order the right option is always A: such a run gets no rank.")  # fmt: skip
@click.option("--field", "fields", multiple=True, metavar="NEW=OLD",
              help=f"The file's own name of a field: NEW is one of {', '.join(FIELDS)}.")  # fmt: skip
def import_(predictions: Path, name: str, out: Path, order: str | None, fields: Sequence[str]) -> None:
    """Make a record from PREDICTIONS, a JSONL file with one item per line.

    A line names the item by `item_id` or `query`, and the system's choice by `option_id` or `letter`. If a line has
    only `letter`, add the five options in the order A to E (`options` or `option_ids`), or add the letter of the right
    option (`gold_letter`). If the system did not answer an item, write null as the choice. An item without a choice
    counts as wrong. The file must have all items of a task: the 500 items, the 50 held-out items, a fold or the sample.
    """
    from leaderboard.verify.comparability import predictable_gold

    if not name.strip():
        raise RecipeMPRError("--name is empty; expected the system's name")
    names = dict(field.partition("=")[::2] for field in fields)
    if wrong := [new for new, old in names.items() if new not in FIELDS or not old]:
        raise RecipeMPRError(f"--field {wrong[0]}: expected NEW=OLD with NEW one of {', '.join(FIELDS)}")
    choices = read_choices(predictions, order, names)
    record = record_of_choices(choices, name, order)
    path = out / f"{slug(name, 80)}-{record.task}{SUFFIX}"
    if path.exists():
        raise RecipeMPRError(f"{path} exists already; choose another --name or --out, or remove it")
    try:
        write_record(record, path)
    except OSError as error:
        raise RecipeMPRError(f"--out {out}: cannot be written ({error.strerror or error})") from None
    accuracy = percent(record.results.metrics["acc,none"])
    say(f"{line(path, LONGEST)}\n{record.task}: {len(record.items)} items, accuracy {accuracy}")
    always_a = "in file order the right option is always A" if order == "file" else None
    predictable = always_a or predictable_gold(choices.gold_letters)
    status = f"without rank, as {predictable}" if predictable else "of status unknown"
    say(f"Its row, {status}: recipe-mpr leaderboard {line(out, LONGEST)} --out DIR")
