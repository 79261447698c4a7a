"""`recipe-mpr import PREDICTIONS --name NAME`: make a record of a system that lm-eval cannot run."""

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from leaderboard.load.choices import FIELDS
from leaderboard.load.import_facts import ImportFacts
from leaderboard.load.item_sets import ItemSet, task_with
from leaderboard.load.predictions import Details, read_choices, record_of_choices
from leaderboard.load.record import SUFFIX, Record, read_record, write_record
from leaderboard.load.seen_items import read_seen
from leaderboard.site.text import LONGEST, line, percent
from recipe_mpr_task.commands.accuracy import ACCURACY
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.lines import say
from recipe_mpr_task.names import shown_text, slug
from recipe_mpr_task.orders import NOT_SHOWN, ORDERS

if TYPE_CHECKING:
    from leaderboard.rank.row_parts import Score

_PARAMS = re.compile(r"(\d+(?:\.\d+)?)\s*([kmbt]?)", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_LONGEST_TEXT = 500


class _About(TypedDict):
    """The options that describe the system or its items."""

    set_name: str | None
    seen: Path | None
    source: str | None
    published: str | None
    params: str | None
    note: str | None
    claimed: float | None


@click.command(name="import")
@click.argument("predictions", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The system's name.")
@click.option("--out", default="out/imported", show_default=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder for the record.")  # fmt: skip
@click.option("--order", type=click.Choice((*ORDERS, NOT_SHOWN)), help="Option order that the system saw. The file "
              "must not contradict --order. not_shown: each option was scored alone. A run in file order gets no rank, "
              "because the right option is always A. A run without --order gets no rank either.")  # fmt: skip
@click.option("--field", "fields", multiple=True, metavar="OUR_NAME=YOUR_NAME",
              help=f"A field's name in the file, if not OUR_NAME. OUR_NAME is one of {', '.join(FIELDS)}.")  # fmt: skip
@click.option("--set", "set_name", help="Name for a set of items that is not a task. The set gets its own board.")
@click.option("--seen", type=click.Path(path_type=Path), help="File of items that the system was trained or prompted "
              "with: a JSON list, or one item id or query per line. The accuracy on the others is shown.")  # fmt: skip
@click.option("--source", help="Where the answers were published, such as a URL.")
@click.option("--date", "published", metavar="YYYY-MM-DD", help="Date of the source.")
@click.option("--params", metavar="N", help="Number of parameters, such as 135M or 7.6B.")
@click.option("--note", help="A note for readers.")
@click.option("--claimed", type=ACCURACY,
              help="Accuracy that the source states, such as 73%. Shown next to the recomputed accuracy.")  # fmt: skip
def import_(
    predictions: Path, name: str, out: Path, order: str | None, fields: Sequence[str], **about: Unpack[_About]
) -> None:
    """Turn another system's logged answers into a record.

    PREDICTIONS is a JSONL file with one entry per line, a JSON array of entries, or a JSON object. The object maps item
    ids or queries to entries or choices.

    An entry names the item by `item_id` or `query`. The entry gives the system's choice by `option_id`, `option` (the
    text) or `letter`. With `letter`, the entry must also give the displayed order: `options` or `option_ids` (a list of
    five, from A to E), or `gold_letter` (the right option's letter).

    `scores` gives each option's score; higher is better. It is an object by recipe id or text, or a list in the
    displayed order. A tie of m options counts 1/m.

    If the system did not answer an item, write null as the choice. The item then counts as wrong.

    The file must have all items of a task (the 500 items, the 50 held-out items, one fold), or at least 20 items of a
    set that --set names.
    """
    if not shown_text(name):
        raise RecipeMPRError("--name is empty; expected the system's name")
    details = _details(about)
    record = record_of_choices(read_choices(predictions, order, _names(fields)), name, order, details)
    path = out / f"{_file_name(name)}-{_of_items(record)}{SUFFIX}"
    if path.exists():
        raise RecipeMPRError(f"{path} exists already; choose another --name or --out, or remove the file")
    try:
        write_record(record, path)
    except OSError as error:
        raise RecipeMPRError(
            f"--out {out}: cannot be written ({error.strerror or error}); choose a writable folder"
        ) from None
    _report(path, out)


def _details(about: _About) -> Details:
    facts = ImportFacts(
        source=_text("--source", about["source"]),
        published=_date(about["published"]),
        note=_text("--note", about["note"]),
        set_name=_text("--set", about["set_name"]),
        claimed=about["claimed"],
    )
    seen = None if about["seen"] is None else read_seen(about["seen"])
    return Details(facts, _number_of_parameters(about["params"]), seen)


def _names(fields: Sequence[str]) -> dict[str, str]:
    """Return the name in the file of each field given by --field."""
    names: dict[str, str] = {}
    for field in fields:
        new, _, old = field.partition("=")
        if new not in FIELDS or not old:
            raise RecipeMPRError(
                f"--field {field}: expected OUR_NAME=YOUR_NAME, with OUR_NAME one of {', '.join(FIELDS)}"
            )
        if new in names:
            raise RecipeMPRError(f"--field {new} is given twice: {names[new]} and {old}; give one")
        names[new] = old
    return names


def _text(option: str, given: str | None) -> str | None:
    if given is None:
        return None
    text = given.strip()
    if not 1 <= len(text) <= _LONGEST_TEXT:
        raise RecipeMPRError(f"{option} has {len(text)} characters; expected 1 to {_LONGEST_TEXT}")
    return text


def _date(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        date = datetime.date.fromisoformat(given)
    except ValueError:
        date = None
    if date is None or date.isoformat() != given:
        raise RecipeMPRError(f"--date {given!r} is not a date; expected YYYY-MM-DD, such as 2024-05-31")
    return given


def _number_of_parameters(given: str | None) -> int | None:
    if given is None:
        return None
    match = _PARAMS.fullmatch(given.strip().replace(",", "").replace("_", ""))
    number = round(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if not 0 < number < 2**53:
        raise RecipeMPRError(
            f"--params {given!r} is not a number of parameters; expected a number such as 135M, 7.6B or 7000000000"
        )
    return number


def _file_name(name: str) -> str:
    """Return a file name for a system. A name that is not ASCII gets a hash, so that names stay different."""
    return slug(name, 80) if name.isascii() else f"{slug(name, 80)}-{sha256_of(name.encode(errors='replace'))[:8]}"


def _of_items(record: Record) -> str:
    """Return the part of the file name that names the items: a task, or an imported set and its hash."""
    ids = {item.item_id for item in record.items}
    set_name = record.results.imported.set_name if record.results.imported else None
    return record.task if task_with(ids) or not set_name else f"{slug(set_name, 40)}-{ItemSet.of('', ids).key}"


def _right(score: "Score") -> str:
    return f"accuracy {percent(score.acc)} ({(score.acc or 0) * (score.n or 0):.10g} right)"


def _report(path: Path, out: Path) -> None:
    """Print what was imported, and the status that its row will have."""
    from leaderboard.rank.row_from_run import row_of
    from leaderboard.verify.checks import verify

    run = read_record(path, str(path))
    row = row_of(verify(run))
    say(f"{line(path, LONGEST)}\n{row.board}: {len(run.items)} items, {_right(row.score)}")
    if row.clean_subset and row.clean_subset.n:
        say(f"Unseen: {row.clean_subset.n} items, {_right(row.clean_subset)}")
    for flag in row.flags:
        say(f"Note: {line(flag, LONGEST)}")
    if row.item_set:
        say(f"Board: {line(row.item_set.title, LONGEST)}; ranks need systems from two sources")
    claimed = run.results.imported.claimed if run.results.imported else None
    if claimed is not None and percent(claimed) != percent(row.score.acc):
        say(f"Claimed accuracy: {percent(claimed)}; these answers give {percent(row.score.acc)}")
    status = row.status if row.is_contender else f"{row.status}, no rank: {row.reason}"
    say(f"Status: {line(status, LONGEST)}")
    say(f"To build the page: recipe-mpr leaderboard {line(out, LONGEST)} --out DIR")
