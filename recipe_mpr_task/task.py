"""Build the documents of a task. The task YAML files name functions of this module.

lm-eval calls `load_dataset` once per task. Then lm-eval passes each document to the template, the sampler, the
metrics, the model adapter and the sample log. A document has all data that are needed to check the result later.
Documents have no aspect annotations, because the annotations would reveal the right option.
"""

from typing import Any

import datasets

from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import DisplayedItem, display
from recipe_mpr_task.provenance import Seen, seen_by
from recipe_mpr_task.splits import fold_of, items_of, part_of, scored_ids

ITEMS = "items"
"""Key of all documents in a task's DatasetDict. In every task, both `test_split` and `fewshot_split` have this value.

lm-eval passes the scored item to the sampler only if `test_split` and `fewshot_split` are equal.
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
    """Return the document of an item. Templates read the document, and lm-eval logs it with each sample.

    Args:
        shown: the item with its options in the order shown.
        scored: whether the task scores the item. Other items can only be shots.
        seen: 1 if the item was used to train or validate the model, 0 if not, None if unknown.
        query_shown: False if the task hides the query. An encoder must then ignore the query in the document.
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
    """Build a task's documents. Every task names this function as `custom_dataset`.

    Args:
        recipe_mpr_split: one of `splits.SPLITS`, from the task's `dataset_kwargs`.
        recipe_mpr_order: one of `orders.ORDERS`, from the task's `dataset_kwargs`.
        recipe_mpr_query_shown: False if the task's prompt hides the query, from the task's `dataset_kwargs`.
        **metadata: the task's metadata and `--model_args`, added by lm-eval.

    Returns:
        {ITEMS: one document for each item of `splits.items_of`}. The field `scored` is True if the task scores the
        item. An item that is not scored can only be a shot.
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
    """Return the documents that the task scores. Every task names this function as `process_docs`."""
    return documents.select([i for i, scored in enumerate(documents["scored"]) if scored])


def marked(documents: datasets.DatasetDict, seen: Seen) -> datasets.DatasetDict:
    """Return a task's documents with new values of `seen_in_training`, taken from `seen`."""
    items = documents[ITEMS]
    flags = [seen.flag(item_id) for item_id in items["item_id"]]
    column = datasets.Dataset.from_dict(
        {"seen_in_training": flags}, features=datasets.Features(seen_in_training=_FEATURES["seen_in_training"])
    )
    others = items.remove_columns("seen_in_training")
    return datasets.DatasetDict({ITEMS: datasets.concatenate_datasets([others, column], axis=1)})
