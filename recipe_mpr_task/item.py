"""Check the raw records of a dataset file, and make Items of them. One error reports all bad records."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from recipe_mpr_task.errors import DataError
from recipe_mpr_task.field_faults import field_faults
from recipe_mpr_task.files import sha256_of

N_OPTIONS = 5
LETTERS = ("A", "B", "C", "D", "E")
QueryType = Literal["Specific", "Commonsense", "Negated", "Analogical", "Temporal"]
QUERY_TYPES: tuple[QueryType, ...] = get_args(QueryType)
UNTYPED = "Untyped"
_SHOWN_PROBLEMS = 20


def _not_blank(text: str) -> str:
    # Fold white space, because 9 of the 3,000 texts in the dataset file contain extra blanks without meaning.
    cleaned = " ".join(text.split())
    if not cleaned:
        raise ValueError("is blank; allowed: a text with at least one visible character")
    return cleaned


Text = Annotated[str, AfterValidator(_not_blank)]


class RawRecord(BaseModel):
    """The fields of a raw record that an Item needs. Other fields, such as `correctness_explanation`, are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")

    query: Text
    query_type: Annotated[dict[QueryType, Literal[0, 1]], Field(min_length=5, max_length=5)]
    options: Annotated[dict[Text, Text], Field(min_length=N_OPTIONS, max_length=N_OPTIONS)]
    answer: Text

    @model_validator(mode="after")
    def _gold_is_one_of_five(self) -> "RawRecord":
        if self.answer not in self.options:
            raise ValueError(f"answer {self.answer!r} is not an option; allowed: one of {sorted(self.options)}")
        if len(set(self.options.values())) < N_OPTIONS:
            raise ValueError("two options have the same text; allowed: five distinct texts")
        return self


@dataclass(frozen=True)
class Option:
    """One of an item's five options: the recipe's id in the dataset and the recipe's description in one sentence."""

    recipe_id: str
    text: str


@dataclass(frozen=True)
class Item:
    """One question of the benchmark.

    Attributes:
        item_id: "mpr-000" to "mpr-499"; the number is the record's index in the pinned file. An item of the embedded
            sample has an id such as "sample-00".
        query: the user's request, with single spaces between words.
        options: five options in file order. Only the module `orders` decides in which order a model sees the options.
        gold: recipe id of the right option.
        query_types: the item's query types, in the order of QUERY_TYPES; empty if the record sets no type.
    """

    item_id: str
    query: str
    options: tuple[Option, ...]
    gold: str
    query_types: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """Hash of the item's content, see `content_digest`."""
        return content_digest(self.query, {o.recipe_id: o.text for o in self.options}, self.gold, self.query_types)


def content_digest(query: str, options: dict[str, str], gold: str, query_types: Iterable[str]) -> str:
    """Return a hash of an item's content. The order of the options does not change the hash.

    Args:
        query: the query text.
        options: recipe id to text.
        gold: recipe id of the right option.
        query_types: the item's query types, in any order.

    Returns:
        16 hexadecimal digits. Equal digests mean equal query, options, gold and query types.
    """
    content = [query, sorted(options.items()), gold, sorted(query_types)]
    return sha256_of(json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode())[:16]


def item_from_record(item_id: str, record: Any) -> Item:
    """Check a raw record and return its Item.

    Raises:
        DataError: the record does not fit RawRecord. The attribute `problems` has one line per fault.
    """
    try:
        raw = RawRecord.model_validate(record)
    except ValidationError as error:
        problems = [
            f"{item_id}, {fault.where or 'record'}: {fault.message} (got {fault.got})" for fault in field_faults(error)
        ]
        raise DataError("; ".join(problems), problems) from None
    return Item(
        item_id=item_id,
        query=raw.query,
        options=tuple(Option(i, text) for i, text in raw.options.items()),
        gold=raw.answer,
        query_types=tuple(name for name in QUERY_TYPES if raw.query_type[name]),
    )


class _DuplicateKeyError(ValueError):
    pass


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        # json.loads keeps only the last of several equal keys, so an item would lose an option without an error.
        raise _DuplicateKeyError(f"duplicate id {', '.join(repeated)} in one record; ids must be distinct")
    return dict(pairs)


def items_from_json(content: bytes, *, source: str, prefix: str) -> tuple[Item, ...]:
    """Parse a dataset file and return its items.

    Args:
        content: the file's bytes: a JSON array of records.
        source: the file's name, for error messages.
        prefix: first part of the item ids. The prefix "mpr" gives ids such as "mpr-000".

    Raises:
        DataError: the content is not JSON, is not an array, is an empty array, repeats a key in one object, or has bad
            records. For bad records, the attribute `problems` lists all faults.
    """
    try:
        records = json.loads(content, object_pairs_hook=_reject_duplicate_keys)
    except _DuplicateKeyError as error:
        raise DataError(f"{source}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source} is not valid JSON: {error}; is the file complete? expected: a JSON array") from None
    if not isinstance(records, list) or not records:
        raise DataError(f"{source}: expected a non-empty JSON array of records, got {type(records).__name__}")
    width = max(3 if prefix == "mpr" else 2, len(str(len(records) - 1)))
    items, problems = [], []
    for index, record in enumerate(records):
        try:
            items.append(item_from_record(f"{prefix}-{index:0{width}d}", record))
        except DataError as error:
            problems += error.problems
    if problems:
        shown = "; ".join(problems[:_SHOWN_PROBLEMS])
        more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        raise DataError(f"{source}: {len(problems)} faults in its records: {shown}{more}", problems)
    return tuple(items)
