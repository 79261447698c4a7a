"""Make the files of the hub kit: the dataset with balanced option orders, as a repository of the Hugging Face Hub.

The Hub shows a leaderboard for the tasks in `eval.yaml`. Inspect and EuroEval also read `eval.yaml`. Versions of
EuroEval that do not read `eval.yaml` use `euroeval_config.py`.
"""

import io
from collections.abc import Sequence
from typing import Any

import datasets

from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.data import COMMIT, LICENSE, REPOSITORY, SHA256
from recipe_mpr_task.item import LETTERS, N_OPTIONS, QUERY_TYPES, Item
from recipe_mpr_task.kits import BENCHMARK_TASKS
from recipe_mpr_task.kits.folder import rendered
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render
from recipe_mpr_task.splits import fold_of, part_of

SPLIT = "test"
_PARQUET = f"data/{SPLIT}-00000-of-00001.parquet"
_FIVE_TEXTS = datasets.Sequence(datasets.Value("string"), length=N_OPTIONS)
_FEATURES = datasets.Features(
    item_id=datasets.Value("string"),
    query=datasets.Value("string"),
    options=_FIVE_TEXTS,
    option_ids=_FIVE_TEXTS,
    answer=datasets.Value("string"),
    query_types=datasets.Sequence(datasets.Value("string")),
    part=datasets.Value("string"),
    fold=datasets.Value("int64"),
)


def hub_files(items: Sequence[Item], hub_id: str | None) -> dict[str, bytes | str]:
    """Return the content of each file of the kit by its path.

    Args:
        items: the 500 items of the dataset.
        hub_id: the dataset's id on the Hub, for the commands in the dataset card; None if the dataset has no id yet.
    """
    table = datasets.Dataset.from_list([_row(item) for item in items], features=_FEATURES)
    parquet = _parquet(table)
    values: dict[str, Any] = {
        "hub_id": hub_id or "OWNER/NAME", "split": SPLIT, "n": len(items), "parquet": _PARQUET, "license": LICENSE,
        "repository": REPOSITORY, "commit": COMMIT, "sha256": SHA256, "version": TASK_VERSION,
        "citation": rendered("citation.bib"), "letters": LETTERS, "prompt": _inspect_prompt(),
        "counts": {name: sum(name in item.query_types for item in items) for name in QUERY_TYPES},
        "untyped": sum(not item.query_types for item in items), "tasks": BENCHMARK_TASKS,
        "n_bytes": table.data.nbytes, "n_bytes_parquet": len(parquet),
    }  # fmt: skip
    return {
        _PARQUET: parquet,
        **{name: rendered(f"hub/{name}.jinja", **values) for name in ("README.md", "eval.yaml", "euroeval_config.py")},
    }


def _parquet(table: datasets.Dataset) -> bytes:
    """Return a table as a parquet file, without a progress bar."""
    stream, was_silent = io.BytesIO(), datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        table.to_parquet(stream)
    finally:
        if not was_silent:
            datasets.enable_progress_bars()
    return stream.getvalue()


def _row(item: Item) -> dict[str, Any]:
    shown = display(item, "shuffled")
    return {
        "item_id": item.item_id,
        "query": item.query,
        "options": [option.text for option in shown.options],
        "option_ids": [option.recipe_id for option in shown.options],
        "answer": shown.gold_letter,
        "query_types": list(item.query_types),
        "part": part_of(item.item_id),
        "fold": fold_of(item.item_id),
    }


def _inspect_prompt() -> str:
    """Return the prompt of `recipe_mpr_generate` as an Inspect template with the fields {question} and {choices}.

    Inspect itself writes the options as lines "A) ..." to "E) ...".
    """
    marks = [f"<option {letter}>" for letter in LETTERS]
    prompt = render("generate", {"query": "{question}", "letters": list(LETTERS), "options": marks})
    lines = "\n".join(f"{letter}) {mark}" for letter, mark in zip(LETTERS, marks, strict=True))
    return prompt.replace(lines, "{choices}")
