"""every_eval_ever 0.3.0: one aggregate file a row, beside it the items that its number was computed from.

Lies as that project's datastore has it, `data/COLLECTION/DEVELOPER/MODEL/UUID.json`; its own command checks it:
`cd OUT/exports/every_eval_ever && every_eval_ever validate 'data/*/*/*/*.json*'`.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leaderboard.exports import fields
from leaderboard.exports.credit import IMPORTED, Credit, CreditedRow, is_trained
from leaderboard.exports.samples import sample_lines
from leaderboard.rank.row import Row, Score
from leaderboard.site.text import line
from recipe_mpr_task import __version__
from recipe_mpr_task.data import FILE_NAME, LICENSE, SHA256, URL_FOLDER
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import Item

SCHEMA_VERSION = "0.3.0"
_LIBRARY = "lm-eval-recipe-mpr"
_BACKENDS_HERE = ("hf", "hf-auto", "huggingface", "vllm", "recipe-mpr-encoder", "recipe-mpr-baseline")


def aggregate_and_sample_files(rows: Sequence[CreditedRow], texts: Mapping[str, Item] | None) -> dict[str, str]:
    """Return each row's two files by path: the aggregate and its items."""
    files: dict[str, str] = {}
    for row, credit in rows:
        files |= _files(row, credit, texts)
    return files


def _files(row: Row, credit: Credit, texts: Mapping[str, Item] | None) -> dict[str, str]:
    aggregate = _aggregate(row, credit)
    head = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": aggregate["evaluation_id"],
        "model_id": credit.id,
        "evaluation_name": row.task,
        "evaluation_result_id": _result_id(row),
    }
    lines = sample_lines(row, head, texts)
    # The datastore takes only UUIDs of version 4. This one is of the content and not random, so that the same run has
    # the same name whenever it is built, with texts or without.
    name = uuid.UUID(bytes=bytes.fromhex(sha256_of(_json(aggregate).encode()))[:16], version=4)
    folder = f"data/{fields.dataset_of(row).collection}/{credit.id}"
    samples = "".join(f"{text}\n" for text in lines)
    aggregate["detailed_evaluation_results"] = {
        "format": "jsonl",
        "file_path": f"{folder}/{name}_samples.jsonl",
        "hash_algorithm": "sha256",
        "checksum": sha256_of(samples.encode()),
        "total_rows": len(lines),
    }
    root = f"every_eval_ever/{folder}/{name}"
    return {f"{root}.json": _json(aggregate), f"{root}_samples.jsonl": samples}


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _result_id(row: Row, query_type: str = "") -> str:
    return "/".join((row.task, "accuracy", *([query_type] if query_type else [])))


def _aggregate(row: Row, credit: Credit) -> dict[str, Any]:
    # The run's date stands for the file's: a clock would give other bytes in every build.
    timestamp = "0" if row.date is None else str(row.date)
    content = {
        "schema_version": SCHEMA_VERSION,
        # The last part keeps runs of a model with one date apart.
        "evaluation_id": f"{row.task}/{credit.id}/{timestamp}/{fields.run_hash(row)}",
        "retrieved_timestamp": timestamp,
        "source_metadata": _source(row, credit),
        "eval_library": _library(row),
        "model_info": _model(row, credit),
        "evaluation_results": [_result(row), *_type_results(row)],
    }
    return content if row.date is None else {**content, "evaluation_timestamp": timestamp}


def _library(row: Row) -> dict[str, Any]:
    if row.kind == "imported":  # run elsewhere; what was chosen is scored here
        return {"name": _LIBRARY, "version": __version__}
    plugin = {"plugin": _LIBRARY, "plugin_version": __version__}
    return {"name": "lm_eval", "version": fields.lm_eval_version(row) or "unknown", "additional_details": plugin}


def _source(row: Row, credit: Credit) -> dict[str, Any]:
    is_ours = row.kind == "baseline" or is_trained(row)
    return {
        "source_name": "Recipe-MPR leaderboard",
        # Raw answers item by item, whoever ran it.
        "source_type": "evaluation_run",
        "source_organization_name": _LIBRARY,
        "evaluator_relationship": "first_party" if is_ours and credit.developer != IMPORTED else "other",
        "additional_details": {"status": fields.status_words(row)},
    }


def _model(row: Row, credit: Credit) -> dict[str, Any]:
    revision = row.loaded.revision
    details = {
        "deployment_type": "self_deployed" if _is_run_here(row) else "unknown",
        # A run does not tell whether others can have the weights.
        "model_availability": "unknown",
        "base_model": credit.base,
        "base_revision" if row.loaded.adapter else "revision": revision and line(revision),
        "num_parameters": None if row.params is None else str(row.params),
    }
    kept = {key: value for key, value in details.items() if value is not None}
    return {"name": credit.name, "id": credit.id, "developer": credit.developer, "additional_details": kept}


def _is_run_here(row: Row) -> bool:
    return row.kind in ("baseline", "encoder") or is_trained(row) or row.loaded.backend in _BACKENDS_HERE


def _result(row: Row) -> dict[str, Any]:
    error = fields.standard_error(row)
    uncertainty = _uncertainty(row.score)
    if error is not None:
        uncertainty["standard_error"] = {"value": error, "method": "analytic: sd over items / sqrt(n)"}
    details = {
        "status": fields.status_words(row),
        # No rank: another row's arrival would make this one another file.
        **fields.settings(row),
        **{name: repr(mean) for name, mean in fields.means(row).items()},
    }
    return _entry(row, row.task, _result_id(row), fields.accuracy(row), details, uncertainty)


def _type_results(row: Row) -> Iterator[dict[str, Any]]:
    """The query types' results; their items are those of the whole that name the type."""
    details = {"status": fields.status_words(row)}
    for name, score in row.types.items():
        if score.acc is not None:
            yield _entry(row, f"{row.task}/{name}", _result_id(row, name), score.acc, details, _uncertainty(score))


def _uncertainty(score: Score) -> dict[str, Any]:
    ends = fields.interval(score)
    if ends is None:
        return {}
    wilson = {"lower": ends[0], "upper": ends[1], "confidence_level": 0.95, "method": "Wilson score interval"}
    return {"confidence_interval": wilson, "num_samples": score.n}


def _entry(  # noqa: PLR0913, PLR0917 (one value a field)
    row: Row, name: str, result_id: str, score: float, details: dict[str, str], uncertainty: dict[str, Any]
) -> dict[str, Any]:
    return {
        "evaluation_result_id": result_id,
        "evaluation_name": name,
        "source_data": _source_data(row),
        "metric_config": {
            "evaluation_description": "Share of right choices among five recipes; tied options share the point",
            "metric_id": "accuracy",
            "metric_name": "Accuracy",
            "metric_kind": "accuracy",
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 1.0,
        },
        "score_details": {"score": score, "details": details, "uncertainty": uncertainty},
    }


def _source_data(row: Row) -> dict[str, Any]:
    dataset = fields.dataset_of(row)
    if dataset is fields.SAMPLE:
        place = {"source_type": "other", "additional_details": {"what": dataset.name}}
    else:
        pinned = {"repository": dataset.id, "revision": dataset.revision, "sha256": SHA256, "license": LICENSE}
        place = {"source_type": "url", "url": [URL_FOLDER + FILE_NAME], "additional_details": pinned}
    return {"dataset_name": dataset.collection, **place}
