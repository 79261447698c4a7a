"""Compact result records: a run's per-item scores without any dataset text, small enough to keep in a tree.

A record holds what the leaderboard reads of a run and no more; texts, orders and gold come from what
the package pins. Read back, it is a `Run` like any other and goes through the same checks.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leaderboard.load.names import is_absolute, without_folders
from leaderboard.load.schema import AROUND, CHOSEN, FLAGS, IMPORT_MODEL, LONGEST_AROUND, MODEL_IDENTITY, kept_of
from leaderboard.load.task_specs import TaskSpec, held_out_tasks, is_task, task_spec
from recipe_mpr_task.data import SHA256
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import read_regular, write_atomic
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.metrics import SEEN
from recipe_mpr_task.orders import Pinned, pinned_items

SUFFIX = ".record.json"
FORMAT: Final = "recipe-mpr-record/1"
_DIGITS = 7
LARGEST = 32 * 2**20
"""Bytes of a record: 500 items in five rotations have 0.5 MB."""


Finite = Annotated[float, Field(allow_inf_nan=False)]
RecipeId = Annotated[str, Field(max_length=100)]


class RecordedItem(BaseModel):
    """One item's answer.

    Attributes:
        scores: log-likelihoods in the task's order, one row of five for each time the item was asked; None for an
            imported item, of which only the choice is known.
        chosen: recipe ids of the best-scored options, tied ones together, one list a row; empty if unanswered.
        seen: 1 if the model was trained or validated on the item, 0 if not, None if unknown.
        unread: an imported item that was answered wrong, with an option that nothing tells; `chosen` is then empty.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    item_id: Annotated[str, Field(max_length=40)]
    scores: (
        Annotated[
            list[Annotated[list[Finite], Field(min_length=N_OPTIONS, max_length=N_OPTIONS)]],
            Field(min_length=1, max_length=N_OPTIONS),
        ]
        | None
    )
    chosen: Annotated[list[Annotated[list[RecipeId], Field(max_length=N_OPTIONS)]], Field(min_length=1)]
    seen: Literal[0, 1] | None
    unread: bool = False


class Record(BaseModel):
    """One run of one task.

    Attributes:
        run: what lm-eval recorded, cut down to what the leaderboard reads.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    format: Literal["recipe-mpr-record/1"]
    dataset_sha256: str
    task: Annotated[str, Field(max_length=100)]
    run: dict[str, Any]
    items: Annotated[list[RecordedItem], Field(max_length=10_000)]


class RecordError(RecipeMPRError):
    """A file that is no record, or a run that none can be made of."""


def is_recordable(task: str) -> bool:
    """Say whether a task's metrics follow from scores alone; generated text and option lengths are dataset text."""
    return task_spec(task).process_results.__name__ in ("letter_metrics", "circular_metrics")


@dataclass(frozen=True)
class Told:
    """What a record must be told of its run, because it holds neither prompts nor paths to find it out from.

    Attributes:
        flags: what a reader should know of the run, see `row.Row`.
        around: the text around its prompts, see `validate.run.CheckedRun`; a flag says so where it is cut.
        model_key: see `identity.model_key`.
    """

    flags: Sequence[str] = ()
    around: str = ""
    model_key: str | None = None


def record_of(task: str, results: dict[str, Any], samples: Sequence[dict[str, Any]], told: Told = Told()) -> Record:
    """Make a run's record.

    Args:
        task: the task's name.
        results: the parsed results file.
        samples: its per-item records, as lm-eval logs them.
        told: what was found out from its prompts and paths.

    Raises:
        RecordError: the task's metrics need texts, which a record has not, or a score is not finite.
    """
    if not is_recordable(task):
        raise RecordError(f"{task}: its metrics need texts, of which a record holds none; keep its samples file")
    spec = task_spec(task)
    items = [_recorded(sample, spec) for sample in samples]
    kept = {key: value for key, value in kept_of(results, task).items() if key not in (AROUND, FLAGS)}
    flags = list(told.flags)
    if len(told.around) > LONGEST_AROUND:
        flags.append(f"of the {len(told.around)} characters around each prompt its record keeps {LONGEST_AROUND}")
    run = _without_folders(kept | ({FLAGS: flags} if flags else {}))
    if told.around:
        run[AROUND] = told.around[:LONGEST_AROUND]
    if told.model_key:
        run["config"][MODEL_IDENTITY] = told.model_key
    return Record(
        format=FORMAT,
        dataset_sha256=SHA256,
        task=task,
        run=run,
        items=sorted(items, key=lambda item: item.item_id),
    )


def _recorded(sample: dict[str, Any], spec: TaskSpec) -> RecordedItem:
    doc = sample["doc"]
    flat = [score for score, _ in spec.responses(sample)]
    if not all(map(math.isfinite, flat)):
        raise RecordError(f"{doc['item_id']} has a score that is not finite")
    rounded = [float(f"{score:.{_DIGITS}g}") for score in flat]
    # Rounding must not make a tie where there was none.
    scores = rounded if _best(rounded) == _best(flat) else flat
    shown = pinned_items()[doc["item_id"]].shown_ids(spec.order)
    rows = [scores[i : i + N_OPTIONS] for i in range(0, len(scores), N_OPTIONS)]
    chosen = [[rotated(shown, r)[k] for k in best] for r, best in enumerate(_best(scores))]
    return RecordedItem(item_id=doc["item_id"], scores=rows, chosen=chosen, seen=doc.get(SEEN))


def _best(flat: Sequence[float]) -> list[list[int]]:
    rows = [flat[i : i + N_OPTIONS] for i in range(0, len(flat), N_OPTIONS)]
    return [[k for k, score in enumerate(row) if score == max(row)] for row in rows]


def rotated(shown: Sequence[str], rotation: int) -> list[str]:
    """Return the recipe ids at A to E in a rotation of the item's order."""
    return [*shown[rotation:], *shown[:rotation]]


def _without_folders(value: Any) -> Any:
    """Return a run with local directories omitted: of an absolute path only what names the folder is kept."""
    if isinstance(value, dict):
        return {key: _without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_folders(inner) for inner in value]
    if isinstance(value, str) and is_absolute(value):
        return without_folders(value)
    return value


def write_record(record: Record, path: Path) -> None:
    """Write a record, one item a line."""
    head = record.model_dump(mode="json", exclude={"items"})
    lines = ",\n".join(json.dumps(item.model_dump(mode="json", exclude_defaults=True)) for item in record.items)
    text = json.dumps(head, indent=1, sort_keys=True).removesuffix("\n}")
    write_atomic(path, f'{text},\n "items": [\n{lines}\n]\n}}\n')


def read_record(path: Path) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """Read a record back as (task, results, samples), the samples as lm-eval logs them but for the texts.

    Raises:
        RecordError: it is none, is of another dataset, or names items that the dataset does not have.
    """
    try:
        record = Record.model_validate_json(read_regular(path, LARGEST))
    except (ValidationError, OSError, RecursionError) as error:
        raise RecordError(f"no {FORMAT}: {_first_fault(error)}") from None
    if record.dataset_sha256 != SHA256:
        raise RecordError(f"of another dataset, SHA-256 {record.dataset_sha256[:12]}; expected {SHA256[:12]}")
    if unknown := sorted({item.item_id for item in record.items} - pinned_items().keys()):
        raise RecordError(f"item {unknown[0]!r} is not of the dataset")
    if foreign := [item.item_id for item in record.items if not _chooses_own(item)]:
        raise RecordError(f"item {foreign[0]} chooses what is none of its options")
    if unread := [item.item_id for item in record.items if item.unread and (item.scores or item.chosen != [[]])]:
        raise RecordError(f"item {unread[0]} is called unread, and its choice is there")
    config = record.run.get("config")
    imported = isinstance(config, dict) and config.get("model") == IMPORT_MODEL
    if not is_task(record.task):
        raise RecordError(f"task {record.task!r} is not one of this release")
    if not is_recordable(record.task):
        raise RecordError(f"{record.task}: its metrics need texts, which a record has not")
    if any((item.scores is None) != imported for item in record.items):
        raise RecordError("an item without scores, or an imported one with some: only imported predictions have none")
    if imported and record.task not in ("recipe_mpr", *held_out_tasks().values()):
        raise RecordError(f"{record.task}: predictions are imported for {', '.join(held_out_tasks().values())}")
    return record.task, record.run, list(_samples(record, task_spec(record.task)))


def _chooses_own(item: RecordedItem) -> bool:
    return {option for row in item.chosen for option in row} <= set(pinned_items()[item.item_id].option_ids)


def _first_fault(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)[:200]
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in fault['loc'])} {fault['msg'][:200]}".strip()


def _samples(record: Record, spec: TaskSpec) -> Iterator[dict[str, Any]]:
    for item in record.items:
        pinned = pinned_items()[item.item_id]
        shown = pinned.shown_ids(spec.order)
        yield {
            "doc": {
                "item_id": item.item_id,
                "option_ids": list(shown),
                "gold": shown.index(pinned.gold),
                "query_types": list(pinned.types),
                SEEN: item.seen,
            },
            **_answers(item),
            # From what was chosen, so that scores that say otherwise are found out.
            "acc": _accuracy(item, pinned),
        }


def _answers(item: RecordedItem) -> dict[str, Any]:
    if item.scores is None:
        return {CHOSEN: item.chosen[0]}
    return {"filtered_resps": [[score, False] for row in item.scores for score in row]}


def _accuracy(item: RecordedItem, pinned: Pinned) -> float:
    return math.fsum((pinned.gold in row) / max(len(row), 1) for row in item.chosen) / len(item.chosen)
