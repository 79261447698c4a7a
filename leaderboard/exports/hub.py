"""Hugging Face's two formats, through its own library: `.eval_results/*.yaml` and a card's model-index.

The first lies as a model repository has it: the folder `hub/OWNER--MODEL` can be uploaded as it is. The second is a
metadata block for the top of a README.md, which anybody puts in by hand.
"""

from collections.abc import Sequence

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, ModelCardData, eval_result_entries_to_yaml

from leaderboard.exports import fields
from leaderboard.exports.credit import Credit, hub_id
from leaderboard.rank.row import Row


def eval_results_file(row: Row, credit: Credit) -> dict[str, str]:
    """Return by its path a row's `.eval_results` file.

    One file a row: a model's scores on one task under several prompts are variants, which the format keeps apart so.
    """
    dataset = fields.dataset_of(row)
    entry = EvalResultEntry(
        dataset_id=dataset.id,
        task_id=row.task,
        value=fields.accuracy(row),
        dataset_revision=dataset.revision,
        date=fields.iso_date(row),
        notes=fields.notes(row),
    )
    text = yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False, allow_unicode=True)
    return {f"hub/{credit.folder}/.eval_results/{row.task}-{fields.run_hash(row)}.yaml": text}


def model_index_file(rows: Sequence[Row], credit: Credit) -> dict[str, str]:
    """Return by its path the metadata block with all of a model's rows."""
    card = ModelCardData(
        model_name=credit.name,
        base_model=hub_id(credit.base) if credit.is_base_on_hub else None,
        eval_results=[_eval_result(row) for row in rows],
    )
    return {f"model_index/{credit.folder}.md": f"---\n{card.to_yaml()}\n---\n"}


def _eval_result(row: Row) -> EvalResult:
    """Make a row's entry. What tells rows apart stands with the metric: the library merges equal tasks into one."""
    dataset = fields.dataset_of(row)
    ends = fields.interval(row.score) or (None, None)
    measured = {"n": row.score.n, "ci95_low": ends[0], "ci95_high": ends[1], "stderr": fields.standard_error(row)}
    return EvalResult(
        task_type="multiple-choice",
        task_name="Recipe choice among five options",
        dataset_type=dataset.id,
        dataset_name=dataset.name,
        dataset_config=row.task,
        dataset_revision=dataset.revision,
        metric_type="accuracy",
        metric_value=fields.accuracy(row),
        metric_name=f"Accuracy ({fields.interval_words(row)}, status {row.status})",
        metric_args={**measured, "status": fields.status_words(row), **fields.conduct(row)},
    )
