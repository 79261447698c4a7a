"""Read the aspect annotations of training items. Held-out items are not read: annotations identify the gold option.

Each annotation names a part of the query that the gold option satisfies, such as "low spice tolerance". No evaluation,
prompt or sample log uses the annotations, and `item.RawRecord` does not store them.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from recipe_mpr_task.data import fetch, read_pinned
from recipe_mpr_task.errors import DataError
from recipe_mpr_task.item import Item

_FIELD = "correctness_explanation"


def load_aspects(items: Sequence[Item]) -> dict[str, tuple[str, ...]]:
    """Return the annotated parts of each training item's query.

    Args:
        items: the items that a run trains on. Never pass held-out items.

    Returns:
        A mapping from item id to the item's annotated texts. In each text, runs of white space become single spaces. An
        item without annotations has an empty tuple.

    Raises:
        DataError: the dataset cannot be loaded or is altered, or an item's gold option differs from the dataset's.
    """
    real = [item for item in items if not item.item_id.startswith("sample-")]
    records = _records(sample=not real)
    return {item.item_id: _aspects(records[_index(item)], item) for item in items}


def _records(*, sample: bool) -> list[dict[str, Any]]:
    content = (files("recipe_mpr_task") / "sample.json").read_bytes() if sample else read_pinned(fetch())
    records: list[dict[str, Any]] = json.loads(content)
    return records


def _index(item: Item) -> int:
    return int(item.item_id.rpartition("-")[2])


def _aspects(record: dict[str, Any], item: Item) -> tuple[str, ...]:
    if record["answer"] != item.gold:
        raise DataError(
            f"{item.item_id}: the gold option is {item.gold}, but {record['answer']} in the dataset; train on the "
            "dataset's items, or set aspects=0"
        )
    return tuple(" ".join(text.split()) for text in record.get(_FIELD, {}))
