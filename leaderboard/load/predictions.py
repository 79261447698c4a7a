"""Read a system's predictions from a file, and make a record from the predictions."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from leaderboard.load.choices import Choice, choice_of
from leaderboard.load.entries import Entries, as_object, read_entries
from leaderboard.load.import_facts import ImportFacts
from leaderboard.load.item_sets import LEAST_ITEMS, base_task, task_cut_short, task_with
from leaderboard.load.record import Record, RecordedItem
from leaderboard.load.schema import IMPORT_MODEL, Config, Metadata, Results, TaskConfig
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.suggest import did_you_mean

Choices = tuple[Choice, ...]
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|\(.*?\)|\b[\w-]*\d[\w.-]*")
"""Parts of a fault's text that differ between items: quoted values, lists in brackets, ids and numbers."""
_NO_FACTS = ImportFacts()


@dataclass(frozen=True)
class Details:
    """The facts that the importer states about a system, in addition to its choices.

    Attributes:
        params: number of parameters; None if not given.
        seen: ids of items that the system was trained or prompted with; None if not given.
    """

    facts: ImportFacts = _NO_FACTS
    params: int | None = None
    seen: frozenset[str] | None = None


def read_choices(path: Path, order: str | None, names: Mapping[str, str] | None = None) -> Choices:
    """Read the choices of a system from a file. `commands.import_predictions.import_` describes the format.

    `order` is the value of --order, or None. `names` maps this project's field names to the file's field names.

    Raises:
        RecipeMPRError: the file, or an entry in it, cannot be read. The message lists the faults by line.
    """
    choices: dict[str, Choice] = {}
    places: dict[str, int] = {}
    faults: dict[str, tuple[str, list[int]]] = {}
    entries = read_entries(path)
    _check_names(entries, names or {})
    for number, value in entries.numbered:
        try:
            choice = choice_of(as_object(value), order, names or {})
            if choice.item_id in choices:
                raise ValueError(f"{choice.item_id} appears twice; first in {entries.word} {places[choice.item_id]}")
            choices[choice.item_id], places[choice.item_id] = choice, number
        except ValueError as error:
            # Faults that differ only in an id, a value or a number are of one kind. Only the first of a kind is shown.
            kind = _VALUES.sub("", str(error))
            faults.setdefault(kind, (str(error), []))[1].append(number)
    if faults:
        raise RecipeMPRError(f"{path}: {entries.listed(list(faults.values()))}")
    return tuple(choices.values())


def _check_names(entries: Entries, names: Mapping[str, str]) -> None:
    """Raise RecipeMPRError if `names` has a field name that no entry has."""
    there = {field for _, value in entries.numbered if isinstance(value, dict) for field in value}
    for ours, theirs in names.items():
        if there and theirs not in there:
            hint = did_you_mean(theirs, there) or f"; its fields: {', '.join(sorted(there))[:200]}"
            raise RecipeMPRError(f"--field {ours}={theirs}: the file has no field {theirs!r}{hint}")


def record_of_choices(choices: Choices, name: str, order: str | None, details: Details | None = None) -> Record:
    """Return the record of the system `name`, made from its choices. `order` is the value of --order, or None.

    Raises:
        RecipeMPRError: the items do not form an importable set.
    """
    details = details or Details()
    ids = frozenset(choice.item_id for choice in choices)
    task = _task_of(ids, details.facts)
    results = Results(
        date=time.time(),
        config=Config(
            model=IMPORT_MODEL,
            model_args={"name": name, "order": order, "source": details.facts.source},
            model_num_parameters=details.params,
            limit=None,
        ),
        task=TaskConfig(metadata=Metadata(version=TASK_VERSION)),
        metrics={"acc,none": sum(map(_accuracy, choices)) / len(choices)},
    )
    counts = {
        "n_by_letters": sum(choice.by_letters for choice in choices) or None,
        "n_seen_named": None if details.seen is None else len(details.seen),
    }
    facts = details.facts.model_copy(update={key: n for key, n in counts.items() if n is not None})
    if facts != _NO_FACTS:
        results = results.model_copy(update={"imported": facts})
    return Record.of(results, task, [_item(choice, details.seen) for choice in choices])


def _accuracy(choice: Choice) -> float:
    return (pinned_items()[choice.item_id].gold in choice.chosen) / max(len(choice.chosen), 1)


def _item(choice: Choice, seen: frozenset[str] | None) -> RecordedItem:
    shown = pinned_items()[choice.item_id].shown_ids("shuffled")
    places = (choice.place, choice.gold_place)
    was_seen: Literal[0, 1] = 1 if seen and choice.item_id in seen else 0
    return RecordedItem(
        item_id=choice.item_id,
        scores=None if choice.scores is None else [[choice.scores[recipe_id] for recipe_id in shown]],
        chosen=[sorted(choice.chosen, key=shown.index)],
        seen=None if seen is None else was_seen,
        unread=choice.is_unread,
        places=None if places == (None, None) else list(places),
    )


def _task_of(ids: frozenset[str], facts: ImportFacts) -> str:
    """Return the task whose checks apply to the items; raise RecipeMPRError if the items cannot be imported."""
    base = base_task(ids)
    if base is None:
        raise RecipeMPRError("items of the dataset and of the embedded sample are mixed; import each in its own file")
    if len(ids) < LEAST_ITEMS:
        raise RecipeMPRError(f"{len(ids)} items; a set has at least {LEAST_ITEMS}. If the system did not answer an "
                             "item, write option_id null. The item is scored as wrong")  # fmt: skip
    if whole := task_with(ids):
        if facts.set_name:
            raise RecipeMPRError(f"--set {facts.set_name!r}: these are the {len(ids)} items of {whole}; omit --set")
        return whole
    if facts.set_name:
        return base
    if cut := task_cut_short(ids):
        return cut
    raise RecipeMPRError(
        f"these {len(ids)} items are not the items of a task (all 500, the held-out 50, a fold or the sample). To "
        "import your own set, pass --set NAME and --source URL. If the system did not answer an item, write option_id "
        "null"
    )
