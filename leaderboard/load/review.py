"""Read and write review files: a person's verdicts on the labels of items. A review file holds no dataset text."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.field_faults import field_faults
from recipe_mpr_task.files import read_regular, write_atomic
from recipe_mpr_task.splits import scored_ids

Verdict = Literal["gold_wrong", "two_right", "unclear", "fine"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
MARKING = ("gold_wrong", "two_right", "unclear")
"""The verdicts that mark an item as one with a doubtful label."""

_LARGEST = 2**20  # bytes; 500 items with notes have 0.1 MB
_LONGEST_NOTE = 500
_MOST_FAULTS = 5
_HEAD = """\
# Verdicts on the labels of items, for `recipe-mpr audit labels --review`. Do not copy texts of the dataset into notes.
# Three verdicts mark the item: gold_wrong (another option is right), two_right (another option is also right),
# unclear (no option is clearly right). Two do not: fine (the label is right), null (not reviewed yet).
"""


def _with_verdict(value: Any) -> Any:
    return value if isinstance(value, dict) else {"verdict": value}


class Review(BaseModel, frozen=True, extra="forbid"):
    """A person's verdict on one item. `verdict` is None if the item was not reviewed yet."""

    verdict: Verdict | None
    note: Annotated[str, Field(max_length=_LONGEST_NOTE)] = ""

    @property
    def is_mark(self) -> bool:
        """Whether the verdict marks the item."""
        return self.verdict in MARKING


_Reviews = TypeAdapter(dict[str, Annotated[Review, BeforeValidator(_with_verdict)]])


class _Loader(yaml.SafeLoader):
    """Load YAML safely, and reject repeated keys. PyYAML alone would keep the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        if repeated := sorted({str(name) for name in names if names.count(name) > 1}):
            raise yaml.YAMLError(f"{repeated[0]} appears twice; keep one")
        return super().construct_mapping(node, deep)


def read_review(path: Path) -> dict[str, Review]:
    """Read a review file (YAML or JSON) that maps an item id to a verdict, or to an object with `verdict` and `note`.

    Raises:
        RecipeMPRError: the file cannot be read, or has an unknown item id or verdict. The message lists the faults.
    """
    try:
        content = yaml.load(read_regular(path, _LARGEST).decode("utf-8-sig"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
        reviews = _Reviews.validate_python({} if content is None else content, strict=True)
    except OSError as error:
        raise RecipeMPRError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RecipeMPRError(f"{path}: not YAML or JSON of item ids and verdicts: {error}") from None
    except ValidationError as error:
        faults = [f"{fault.where or 'file'}: {fault.message} (got {fault.got})" for fault in field_faults(error)]
        raise RecipeMPRError(f"{path}: {_listed(faults)}; allowed verdicts: {', '.join(VERDICTS)}, null") from None
    ids = scored_ids("all")
    if unknown := [f"{item!r}: no such item" for item in reviews if item not in ids]:
        raise RecipeMPRError(f"{path}: {_listed(unknown)}; allowed: mpr-000 to mpr-499")
    return reviews


def _listed(faults: list[str]) -> str:
    more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
    return "; ".join(faults[:_MOST_FAULTS]) + more


def refuse_existing(path: Path) -> None:
    """Raise RecipeMPRError if the file exists, because it may have the only copy of a person's verdicts."""
    if path.exists():
        raise RecipeMPRError(f"{path} exists already; choose another name, or remove it")


def write_review(path: Path, item_ids: Iterable[str], known: Mapping[str, Review]) -> None:
    """Write a review file of these items and the known reviews. Items without a review get the verdict null.

    Raises:
        RecipeMPRError: the file exists already, or cannot be written.
    """
    refuse_existing(path)
    blank = dict.fromkeys(item_ids, Review(verdict=None))
    reviews = {item_id: review.model_dump() for item_id, review in sorted((blank | dict(known)).items())}
    try:
        write_atomic(path, _HEAD + yaml.safe_dump(reviews, allow_unicode=True, sort_keys=False))
    except OSError as error:
        raise RecipeMPRError(f"{path}: cannot be written ({error.strerror or error})") from None
