"""Read the dataset's annotations of right options, for `audit labels` only, because annotations reveal the answer."""

from contextlib import suppress
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, TypeAdapter

from recipe_mpr_task.data import local_source, read_pinned
from recipe_mpr_task.errors import DataError

Parts = Annotated[tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class _Record(BaseModel):
    correctness_explanation: dict[str, Parts] = {}


def annotations_at_hand() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return each item's annotations by item id; {} if the pinned dataset is not on this machine. Download nothing.

    An annotation maps a part of the query to the parts of the right option that answer it.
    """
    source = local_source()
    with suppress(DataError):
        records = TypeAdapter(list[_Record]).validate_json(read_pinned(source)) if source else []
        return {f"mpr-{index:03d}": record.correctness_explanation for index, record in enumerate(records)}
    return {}
