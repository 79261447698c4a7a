"""Export to two formats of Hugging Face: the files `.eval_results/*.yaml` and the model-index of a model card.

The folder `hub/OWNER--MODEL` contains `.eval_results`. Upload the folder to the model's repository without changes. The
file `model_index/OWNER--MODEL.md` is a metadata block. Paste the block at the top of the model's README.md.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, ModelCardData, eval_result_entries_to_yaml

from leaderboard.exports import fields
from leaderboard.exports.credit import Credit, CreditedRow, hub_id
from leaderboard.rank.row import Row
from recipe_mpr_task.item import Item
from recipe_mpr_task.kits import BENCHMARK_TASKS


def eval_results_files(
    rows: Sequence[CreditedRow], _texts: Mapping[str, Item] | None, hub_dataset: str | None
) -> dict[str, str]:
    """Return the texts of the `.eval_results` files by path, one for each row whose system can have a model card.

    The format needs separate files if one model has several scores on one task, for example with different prompts. If
    the dataset is on the Hub, omit tasks that the dataset's `eval.yaml` lacks, because the Hub rejects them.
    """
    return {
        f"hub/{credit.folder}/.eval_results/{row.task}-{fields.run_hash(row)}.yaml": _eval_results(row, hub_dataset)
        for row, credit in rows
        if credit.has_card and (hub_dataset is None or row.task in BENCHMARK_TASKS)
    }


def _eval_results(row: Row, hub_dataset: str | None) -> str:
    dataset, error = _dataset_of(row, hub_dataset), fields.standard_error(row)
    notes = [
        f"accuracy, a fraction in [0, 1]; {fields.interval_words(row)}",
        *([f"standard error {error:.4f}"] if error is not None else []),
        fields.status_words(row),
        *(f"{key} {value}" for key, value in fields.settings(row).items()),
    ]
    entry = EvalResultEntry(
        dataset_id=dataset.id,
        task_id=row.task,
        value=row.score.acc,
        dataset_revision=dataset.revision,
        date=_iso_date(row.date),
        notes="; ".join(notes),
    )
    return yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False, allow_unicode=True)


def _dataset_of(row: Row, hub_dataset: str | None) -> fields.Dataset:
    """Return the row's dataset under its id on the Hub, if known. The pinned commit is not a commit of the Hub."""
    dataset = fields.dataset_of(row)
    if hub_dataset is None or dataset is fields.SAMPLE:
        return dataset
    return dataset._replace(id=hub_dataset, revision=None)


def _iso_date(seconds: float | None) -> str | None:
    """Turn seconds since 1970 into a time such as 2026-01-31T12:00:00Z; None if unknown or out of range."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return None


def model_index_files(
    rows: Sequence[CreditedRow], _texts: Mapping[str, Item] | None, hub_dataset: str | None
) -> dict[str, str]:
    """Return the texts of the metadata blocks by path, one for each system that can have a model card."""
    by_model: dict[str, list[CreditedRow]] = defaultdict(list)
    for row, credit in rows:
        if credit.has_card:
            by_model[f"model_index/{credit.folder}.md"].append((row, credit))
    return {
        path: _model_index(of_model[0][1], [row for row, _ in of_model], hub_dataset)
        for path, of_model in by_model.items()
    }


def _model_index(credit: Credit, rows: Sequence[Row], hub_dataset: str | None) -> str:
    card = ModelCardData(
        model_name=credit.name,
        base_model=hub_id(credit.base) if credit.is_base_on_hub else None,
        eval_results=[_eval_result(row, hub_dataset) for row in rows],
    )
    return f"---\n{card.to_yaml()}\n---\n"


def _eval_result(row: Row, hub_dataset: str | None) -> EvalResult:
    """Return a row's entry. huggingface_hub merges entries of one task, unless their `metric_args` differ."""
    dataset = _dataset_of(row, hub_dataset)
    low, high = fields.interval(row.score) or (None, None)
    measured = {"n": row.score.n, "ci95_low": low, "ci95_high": high, "stderr": fields.standard_error(row)}
    return EvalResult(
        task_type="multiple-choice",
        task_name="Recipe choice among five options",
        dataset_type=dataset.id,
        dataset_name=dataset.name,
        dataset_config=row.task,
        dataset_revision=dataset.revision,
        metric_type="accuracy",
        metric_value=row.score.acc,
        metric_name=f"Accuracy ({fields.interval_words(row)}, status {row.status})",
        metric_args={**measured, "status": fields.status_words(row), **fields.settings(row)},
    )
