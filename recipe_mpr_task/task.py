"""Build the documents of a task; the task YAML files name the functions here.

lm-eval calls `load_dataset` once per task and passes each document to the template, the sampler, the
metrics, the model adapter and the sample log. A document holds what is needed to check a result later.
It holds no aspect annotation, which would reveal the right option.
"""

from typing import Any

import datasets

from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import DisplayedItem, display
from recipe_mpr_task.provenance import Seen, seen_by
from recipe_mpr_task.splits import fold_of, items_of, part_of, scored_ids

ITEMS = "items"
"""The dataset's only split; `test_split` and `fewshot_split` of every task.

lm-eval passes the scored item to the sampler only if both splits have one name.
"""

_STRINGS = datasets.Sequence(datasets.Value("string"), length=N_OPTIONS)
_FEATURES = datasets.Features(
    item_id=datasets.Value("string"),
    query=datasets.Value("string"),
    letters=_STRINGS,
    options=_STRINGS,
    option_ids=_STRINGS,
    gold=datasets.Value("int64"),
    gold_letter=datasets.Value("string"),
    order=datasets.Value("string"),
    query_types=datasets.Sequence(datasets.Value("string")),
    fold=datasets.Value("int64"),
    part=datasets.Value("string"),
    scored=datasets.Value("bool"),
    query_shown=datasets.Value("bool"),
    seen_in_training=datasets.Value("int64"),
)


def record_of(
    shown: DisplayedItem, *, scored: bool = True, seen: int | None = None, query_shown: bool = True
) -> dict[str, Any]:
    """Return the document of a displayed item, which templates read and each sample logs.

    Args:
        shown: the item in an order.
        scored: whether it belongs to the task's split.
        seen: 1 if the model was trained or validated on it, 0 if not, None if unknown.
        query_shown: False if the task withholds the query, so that a model that reads documents withholds it as well.
    """
    item = shown.item
    return {
        "item_id": item.item_id,
        "query": item.query,
        "letters": list(LETTERS),
        "options": [option.text for option in shown.options],
        "option_ids": [option.recipe_id for option in shown.options],
        "gold": shown.gold,
        "gold_letter": shown.gold_letter,
        "order": shown.order,
        "query_types": list(item.query_types),
        "fold": fold_of(item.item_id),
        "part": part_of(item.item_id),
        "scored": scored,
        "query_shown": query_shown,
        "seen_in_training": seen,
    }


def load_dataset(
    *, recipe_mpr_split: str, recipe_mpr_order: str, recipe_mpr_query_shown: bool = True, **metadata: Any
) -> datasets.DatasetDict:
    """Build a task's documents; `custom_dataset` of every task.

    Args:
        recipe_mpr_split: one of `splits.SPLITS`; from the task's `dataset_kwargs`.
        recipe_mpr_order: one of `orders.ORDERS`; from the task's `dataset_kwargs`.
        recipe_mpr_query_shown: False in the `dataset_kwargs` of a task whose prompt withholds the query.
        **metadata: the task's metadata and the model's arguments, added by lm-eval.

    Returns:
        One split, ITEMS, with every item of the dataset: `scored` marks those of the task's split, the others are
        candidates for shots.
    """
    wanted = scored_ids(recipe_mpr_split)
    seen = seen_by(metadata)
    records = [
        record_of(
            display(item, recipe_mpr_order),
            scored=item.item_id in wanted,
            seen=seen.flag(item.item_id),
            query_shown=recipe_mpr_query_shown,
        )
        for item in items_of(recipe_mpr_split)
    ]
    return datasets.DatasetDict({ITEMS: datasets.Dataset.from_list(records, features=_FEATURES)})


def scored_items(documents: datasets.Dataset) -> datasets.Dataset:
    """Return the documents of the task's split; `process_docs` of every task."""
    return documents.select([i for i, scored in enumerate(documents["scored"]) if scored])


def marked(documents: datasets.DatasetDict, seen: Seen) -> datasets.DatasetDict:
    """Return a task's documents with `seen_in_training` set again, after the loaded model was traced."""
    items = documents[ITEMS]
    flags = [seen.flag(item_id) for item_id in items["item_id"]]
    column = datasets.Dataset.from_dict(
        {"seen_in_training": flags}, features=datasets.Features(seen_in_training=_FEATURES["seen_in_training"])
    )
    others = items.remove_columns("seen_in_training")
    return datasets.DatasetDict({ITEMS: datasets.concatenate_datasets([others, column], axis=1)})
