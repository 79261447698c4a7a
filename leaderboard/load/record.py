"""Read and write compact records. A record is small enough to commit: it has a run's scores, but no dataset text.

A record holds only the fields that the leaderboard reads. Option orders and right options come from
`orders.pinned_items`. A record is read as a `Run`, and goes through the same checks as a run from lm-eval's files.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, to_builtins
from msgspec.json import Decoder
from msgspec.structs import asdict, replace

from leaderboard.load.run import Run
from leaderboard.load.samples import Sample
from leaderboard.load.schema import AROUND, FLAGS, IMPORT_MODEL, LONGEST_AROUND, Results
from recipe_mpr_task.data import SHA256
from recipe_mpr_task.document import Document
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.extraction import extract_letter
from recipe_mpr_task.files import read_regular, write_atomic
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.names import is_absolute, with_texts, without_folders
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.task_specs import TaskSpec, held_out_tasks, is_task, rotated, task_spec

SUFFIX = ".record.json"
FORMAT: Final = "recipe-mpr-record/1"
TEXTS_LEFT_OUT = "its record keeps the letters that were read from the generated texts, not the texts"
LARGEST = 32 * 2**20  # bytes; a record of 500 items in five rotations has 0.5 MB

Row = Annotated[list[float], Meta(min_length=N_OPTIONS, max_length=N_OPTIONS)]
Place = Annotated[int, Meta(ge=0, lt=N_OPTIONS)] | None
Chosen = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=N_OPTIONS)]


class RecordedItem(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One item's answer.

    Attributes:
        scores: log-likelihoods of the options as shown at A to E, one row for each rotation. None if the task
            generates text. For imported items, scores of any scale in shuffled order, or None if only the choice is
            known.
        chosen: for each rotation, the recipe ids of the options with the best score, several for a tie. For generated
            text, one list with the recipe id of the option whose letter was read; empty if no letter was read. For an
            imported item, one list with the recipe ids of the choice; empty if the choice is unknown.
        seen: 1 if the model was trained or validated on the item, 0 if not, None if unknown.
        unread: for an imported item, whether the choice is known to be wrong, but not which option was chosen.
        places: for an imported item, the indices (0 to 4) of the answered letter and of the right option's letter. The
            letters are those that the system saw. None if neither is stated.
    """

    item_id: Annotated[str, Meta(max_length=40)]
    scores: Annotated[list[Row], Meta(min_length=1, max_length=N_OPTIONS)] | None
    chosen: Annotated[list[Chosen], Meta(min_length=1)]
    seen: Literal[0, 1] | None
    unread: bool = False
    places: Annotated[list[Place], Meta(min_length=2, max_length=2)] | None = None


class Record(Struct, forbid_unknown_fields=True):
    """One run of one task.

    Attributes:
        run: the fields of lm-eval's results file that the leaderboard reads, as raw JSON. `results` parses this JSON.
    """

    format: Literal["recipe-mpr-record/1"]
    dataset_sha256: str
    task: Annotated[str, Meta(max_length=100)]
    run: dict[str, Any]
    items: Annotated[list[RecordedItem], Meta(max_length=10_000)]

    @classmethod
    def of(cls, results: Results, task: str, items: Iterable[RecordedItem]) -> "Record":
        """Make a record from a task's results and items."""
        ordered = sorted(items, key=lambda item: item.item_id)
        return cls(format=FORMAT, dataset_sha256=SHA256, task=task, run=results.as_raw(task), items=ordered)

    @property
    def results(self) -> Results:
        """The fields in `run`, as typed values."""
        return Results.of(self.run, self.task)

    def as_plain(self) -> dict[str, Any]:
        """Return all fields, and those of the items, as plain values."""
        return {**asdict(self), "items": [asdict(item) for item in self.items]}


class RecordError(RecipeMPRError):
    """Raised for a file that is not a valid record, or for a run that cannot be made into a record."""


def record_of(run: Run, *, flags: Sequence[str] = (), around: str = "", model_key: str | None = None) -> Record:
    """Make the record of a run. The run's documents must be from the dataset.

    A record has no prompts, no generated texts and no paths. Instead, the record keeps three results of the checks.
    These are notes for readers (`flags`), the text around the prompts (`around`) and a hash of the model
    (`model_key`). If `around` is longer than LONGEST_AROUND characters, the text is cut and a flag is added.

    Raises:
        RecordError: a score is not finite.
    """
    spec = task_spec(run.task)
    record = Record.of(run.results, run.task, [_recorded(sample, spec) for sample in run.items])
    kept = with_texts({k: value for k, value in record.run.items() if k not in (AROUND, FLAGS)}, _without_folders)
    kept_flags = [_without_folders(flag) for flag in flags] + ([TEXTS_LEFT_OUT] if spec.generates else [])
    if len(around) > LONGEST_AROUND:
        kept_flags.append(f"its record keeps {LONGEST_AROUND} of the {len(around)} characters around each prompt")
    kept |= {key: value for key, value in ((FLAGS, kept_flags), (AROUND, around[:LONGEST_AROUND])) if value}
    if model_key:
        kept["config"]["recipe_mpr_identity"] = model_key
    return replace(record, run=kept)


def _recorded(sample: Sample, spec: TaskSpec) -> RecordedItem:
    if spec.generates:
        letters = [extract_letter(text, sample.doc.options) for text in sample.texts or ()]
        read = [[sample.doc.option_ids[LETTERS.index(letter)]] if letter else [] for letter in letters]
        return RecordedItem(item_id=sample.item_id, scores=None, chosen=read, seen=sample.doc.seen_in_training)
    flat = sample.log_likelihoods or ()
    if not all(map(math.isfinite, flat)):
        raise RecordError(f"{sample.item_id} has a score that is not finite")
    exact = [flat[i : i + N_OPTIONS] for i in range(0, len(flat), N_OPTIONS)]
    rounded = [[float(f"{score:.7g}") for score in row] for row in exact]
    pinned = pinned_items()[sample.item_id]
    shown, lengths = pinned.shown_ids(spec.order), pinned.shown_lengths(spec.order)
    # Keep the exact scores if rounding would change which options are best, by score or by score per character.
    is_same = all(_best(rounded, divisors) == _best(exact, divisors) for divisors in ((1,) * N_OPTIONS, lengths))
    scores = rounded if is_same else [list(row) for row in exact]
    chosen = [[rotated(shown, r)[k] for k in best] for r, best in enumerate(_best(scores))]
    return RecordedItem(item_id=sample.item_id, scores=scores, chosen=chosen, seen=sample.doc.seen_in_training)


def _best(rows: Sequence[Sequence[float]], divisors: Sequence[int] = (1,) * N_OPTIONS) -> list[list[int]]:
    divided = [[score / n for score, n in zip(row, divisors, strict=True)] for row in rows]
    return [[k for k, score in enumerate(row) if score == max(row)] for row in divided]


def _without_folders(text: str) -> str:
    return without_folders(text) if is_absolute(text) else text


def write_record(record: Record, path: Path) -> None:
    """Write a record as JSON, with one item per line."""
    head = {key: value for key, value in asdict(record).items() if key != "items"}
    lines = ",\n".join(json.dumps(to_builtins(item)) for item in record.items)
    text = json.dumps(head, indent=1, sort_keys=True).removesuffix("\n}")
    write_atomic(path, f'{text},\n "items": [\n{lines}\n]\n}}\n')


_DECODER = Decoder(Record)  # msgspec reads a record several times faster than pydantic


def read_record(path: Path, source: str = "") -> Run:
    """Read a record as a `Run` without document texts. `source` is the file's name as shown to the user.

    Raises:
        RecordError: the file is unreadable or invalid, or is from another dataset or release.
    """
    try:
        record = _DECODER.decode(read_regular(path, LARGEST))
    except (OSError, RecursionError, ValueError) as error:
        raise RecordError(f"not a valid {FORMAT} file: {str(error)[:200]}") from None
    results = record.results
    is_import = results.config.model == IMPORT_MODEL
    if reason := next(_faults(record, is_import=is_import), None):
        raise RecordError(reason)
    samples = tuple(_samples(record, task_spec(record.task), is_import=is_import))
    return Run(source, record.task, results, samples, is_record=True)


def _faults(record: Record, *, is_import: bool) -> Iterator[str]:
    """Yield reasons to refuse a record. Use only the first, because later checks assume that earlier checks passed."""
    if record.dataset_sha256 != SHA256:
        yield f"from another dataset, SHA-256 {record.dataset_sha256[:12]}; expected {SHA256[:12]}"
    pinned = pinned_items()
    if unknown := sorted({item.item_id for item in record.items} - pinned.keys()):
        yield f"item {unknown[0]!r} is not in the dataset"
    chosen = ((item.item_id, recipe_id) for item in record.items for row in item.chosen for recipe_id in row)
    if foreign := [item_id for item_id, recipe_id in chosen if recipe_id not in pinned[item_id].option_ids]:
        yield f"item {foreign[0]} chooses an unknown option"
    if unread := [item.item_id for item in record.items if item.unread and (item.scores or item.chosen != [[]])]:
        yield f"item {unread[0]} is marked unread but has a choice"
    if not is_task(record.task):
        yield f"task {record.task!r} is not part of this release"
    generates = task_spec(record.task).generates and not is_import
    if not is_import and any((item.scores is None) != generates or item.places for item in record.items):
        yield "an item without scores (allowed for generated text and imports) or with letters (for imports only)"
    if generates and any(len(item.chosen) != 1 or len(item.chosen[0]) > 1 for item in record.items):
        yield "an item has several answers; a generated text has at most one"
    if is_import and any(len(item.scores or [()]) != 1 or len(item.chosen) != 1 for item in record.items):
        yield "an imported item has several rows of scores or choices; expected one"
    allowed = held_out_tasks().values()
    if is_import and record.task not in ("recipe_mpr", *allowed):
        yield f"task {record.task!r} has no imports; allowed: recipe_mpr, {', '.join(allowed)}"


def _samples(record: Record, spec: TaskSpec, *, is_import: bool) -> Iterator[Sample]:
    sample_of = _imported if is_import else _read_letters if spec.generates else _scored
    for item in record.items:
        document = _document(item.item_id, spec.order, item.seen)
        yield sample_of(item, document, _accuracy(item, document.option_ids[document.gold]))


def _accuracy(item: RecordedItem, gold: str) -> float:
    """Return the accuracy by the choices, not by the scores. A check then finds scores that contradict the choices."""
    if len(item.chosen) == 1:  # the usual case, for which millions of sums would be slow
        (row,) = item.chosen
        return (gold in row) / (len(row) or 1)
    return math.fsum([(gold in row) / len(row) for row in item.chosen if row]) / len(item.chosen)


@lru_cache(maxsize=8192)
def _document(item_id: str, order: str, seen: Literal[0, 1] | None) -> Document:
    """Return an item's document without texts. Documents are cached, because thousands of records use the same ones."""
    pinned = pinned_items()[item_id]
    shown = pinned.shown_ids(order)
    return Document(
        item_id=item_id,
        option_ids=list(shown),
        gold=shown.index(pinned.gold),
        query_types=list(pinned.types),
        options=["_" * n for n in pinned.shown_lengths(order)],  # metrics can need the texts' lengths
        seen_in_training=seen,
    )


def _scored(item: RecordedItem, document: Document, accuracy: float) -> Sample:
    rows = item.scores or [[]]
    flat = tuple(rows[0]) if len(rows) == 1 else tuple(chain.from_iterable(rows))
    return Sample(document, item.item_id, log_likelihoods=flat, accuracy=accuracy)


def _read_letters(item: RecordedItem, document: Document, accuracy: float) -> Sample:
    """Return a sample with the letter that was read as its generated text."""
    letters = [[LETTERS[document.option_ids.index(recipe_id)] for recipe_id in chosen] for chosen in item.chosen]
    return Sample(document, item.item_id, texts=tuple(map("".join, letters)), accuracy=accuracy)


def _imported(item: RecordedItem, document: Document, accuracy: float) -> Sample:
    place, gold_place = item.places or (None, None)
    return Sample(
        document,
        item.item_id,
        accuracy=accuracy,
        chosen=tuple(item.chosen[0]),
        is_unread=item.unread,
        scores=tuple(item.scores[0]) if item.scores else None,
        place=place,
        gold_place=gold_place,
    )
