"""Export to every_eval_ever 0.3.0. Each row has one file with its scores and one file with its items.

The files have the paths of every_eval_ever's datastore: `data/COLLECTION/DEVELOPER/MODEL/UUID.json`. To check the
files, run `cd OUT/exports/every_eval_ever && every_eval_ever validate 'data/*/*/*/*.json*'`.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leaderboard.exports import fields
from leaderboard.exports.credit import Credit, CreditedRow
from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import Score
from leaderboard.site.text import line
from leaderboard.verify.items import ItemResult
from recipe_mpr_task import __version__
from recipe_mpr_task.data import FILE_NAME, LICENSE, SHA256, URL_FOLDER
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import LETTERS, Item
from recipe_mpr_task.orders import pinned_items

SCHEMA_VERSION = "0.3.0"
_LIBRARY = "lm-eval-recipe-mpr"
_BACKENDS_HERE = ("hf", "hf-auto", "huggingface", "vllm", "recipe-mpr-encoder", "recipe-mpr-baseline")
_METHODS = {
    "recipe_mpr_cloze": "highest log-likelihood of the option's text",
    "recipe_mpr_generate": "letter read from the generated text",
    "recipe_mpr_circular": "highest probability averaged over five rotations",
}


def aggregate_and_sample_files(
    rows: Sequence[CreditedRow], texts: Mapping[str, Item] | None, _hub_dataset: str | None
) -> dict[str, str]:
    """Return the texts of each row's two files, scores and items, by path."""
    return {path: text for row, credit in rows for path, text in _files(row, credit, texts or {})}


def _files(row: Row, credit: Credit, texts: Mapping[str, Item]) -> Iterator[tuple[str, str]]:
    aggregate = _aggregate(row, credit)
    head = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": aggregate["evaluation_id"],
        "model_id": credit.id,
        "evaluation_name": row.task,
        "evaluation_result_id": f"{row.task}/accuracy",
    }
    # Write only ASCII, because every_eval_ever's reader would end a line at a Unicode line separator in a text.
    lines = [json.dumps({**head, **_sample(row, item, texts)}, allow_nan=False) + "\n" for item in row.items]
    # The datastore accepts only UUIDs of version 4, so make one from a hash of the scores. A run's files therefore have
    # the same name in every build, with or without dataset texts.
    name = uuid.UUID(bytes=bytes.fromhex(sha256_of(_json(aggregate).encode()))[:16], version=4)
    path = f"data/{fields.dataset_of(row).collection}/{credit.id}/{name}"
    aggregate["detailed_evaluation_results"] = {
        "format": "jsonl",
        "file_path": f"{path}_samples.jsonl",
        "hash_algorithm": "sha256",
        "checksum": sha256_of("".join(lines).encode()),
        "total_rows": len(lines),
    }
    yield f"every_eval_ever/{path}.json", _json(aggregate)
    yield f"every_eval_ever/{path}_samples.jsonl", "".join(lines)


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _aggregate(row: Row, credit: Credit) -> dict[str, Any]:
    # Use the run's date, because the current time would change the bytes in every build.
    timestamp = "0" if row.date is None else str(row.date)
    library: dict[str, Any] = {"name": _LIBRARY, "version": __version__}
    if row.kind != "imported":  # lm-eval ran all systems that were not imported
        plugin = {"plugin": _LIBRARY, "plugin_version": __version__}
        version = fields.lm_eval_version(row) or "unknown"
        library = {"name": "lm_eval", "version": version, "additional_details": plugin}
    is_ours = row.kind == "baseline" or (_is_trained(row) and row.kind != "imported")
    content = {
        "schema_version": SCHEMA_VERSION,
        # The hash at the end distinguishes runs of the same model on the same date.
        "evaluation_id": f"{row.task}/{credit.id}/{timestamp}/{fields.run_hash(row)}",
        "retrieved_timestamp": timestamp,
        "source_metadata": {
            "source_name": "Recipe-MPR leaderboard",
            "source_type": "evaluation_run",  # also for imported rows, which have an answer to each item
            "source_organization_name": _LIBRARY,
            "evaluator_relationship": "first_party" if is_ours else "other",
            "additional_details": {"status": fields.status_words(row)},
        },
        "eval_library": library,
        "model_info": _model(row, credit),
        "evaluation_results": [*_results(row)],
    }
    return content if row.date is None else {**content, "evaluation_timestamp": timestamp}


def _is_trained(row: Row) -> bool:
    return row.training is not None and row.training.has_manifest


def _model(row: Row, credit: Credit) -> dict[str, Any]:
    revision = row.loaded.revision
    is_run_here = row.kind in ("baseline", "encoder") or _is_trained(row) or row.loaded.backend in _BACKENDS_HERE
    details = {
        "deployment_type": "self_deployed" if is_run_here else "unknown",
        "model_availability": "unknown",  # a run does not record whether the weights are public
        "base_model": credit.base,
        "base_revision" if row.loaded.adapter else "revision": revision and line(revision),
        "num_parameters": None if row.params is None else str(row.params),
    }
    known = {key: value for key, value in details.items() if value is not None}
    return {"name": credit.name, "id": credit.id, "developer": credit.developer, "additional_details": known}


def _results(row: Row) -> Iterator[dict[str, Any]]:
    """Yield the result on all items, then the result on each query type whose accuracy is known."""
    status = {"status": fields.status_words(row)}
    # Omit the rank: new rows on the board can change the rank, but must not change this row's file.
    details = {**status, **fields.settings(row), **{name: repr(mean) for name, mean in fields.means(row).items()}}
    error = fields.standard_error(row)
    method = "analytic: sd over items / sqrt(n)"
    uncertainty = {} if error is None else {"standard_error": {"value": error, "method": method}}
    yield _result(row, "", row.score, details, uncertainty)
    for name, score in row.types.items():
        if score.acc is not None:
            yield _result(row, f"/{name}", score, status, {})


def _result(row: Row, part: str, score: Score, details: dict[str, str], error: dict[str, Any]) -> dict[str, Any]:
    """Return the result for one score. `part` is "" for all items, or "/" and the name of a query type."""
    uncertainty = error
    if ends := fields.interval(score):
        wilson = {"lower": ends[0], "upper": ends[1], "confidence_level": 0.95, "method": "Wilson score interval"}
        uncertainty = {"confidence_interval": wilson, "num_samples": score.n, **error}
    return {
        "evaluation_result_id": f"{row.task}/accuracy{part}",
        "evaluation_name": f"{row.task}{part}",
        "source_data": _source_data(fields.dataset_of(row)),
        "metric_config": {
            "evaluation_description": "Share of right choices among five recipes; a tie of m options counts 1/m",
            "metric_id": "accuracy",
            "metric_name": "Accuracy",
            "metric_kind": "accuracy",
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 1.0,
        },
        "score_details": {"score": score.acc, "details": details, "uncertainty": uncertainty},
    }


def _source_data(dataset: fields.Dataset) -> dict[str, Any]:
    if dataset is fields.SAMPLE:
        place = {"source_type": "other", "additional_details": {"what": dataset.name}}
    else:
        pinned = {"repository": dataset.id, "revision": dataset.revision, "sha256": SHA256, "license": LICENSE}
        place = {"source_type": "url", "url": [URL_FOLDER + FILE_NAME], "additional_details": pinned}
    return {"dataset_name": dataset.collection, **place}


def _sample(row: Row, result: ItemResult, texts: Mapping[str, Item]) -> dict[str, Any]:
    """Return a row's answer to one item. If `texts` lacks the item, export ids instead of query and option texts."""
    item, pinned = texts.get(result.item_id), pinned_items()[result.item_id]
    shown = pinned.shown_ids("shuffled")
    words = {option.recipe_id: option.text for option in item.options} if item else {i: i for i in shown}
    # A row pooled over prompts has several choices on an item, so no choice is exported.
    chosen = () if row.task == "recipe_mpr_prompts" else result.chosen
    query, gold = item.query if item else result.item_id, words[pinned.gold]
    hashed = sha256_of(json.dumps({"raw": query, "reference": gold}, sort_keys=True).encode())
    attributions = [
        {
            "turn_idx": 0,
            "source": "output.raw",
            "extracted_value": words[recipe_id],
            "extraction_method": _method(row),
            "is_terminal": True,
        }
        for recipe_id in chosen
    ]
    metadata = {
        "item_digest": pinned.digest,
        "query_types": ", ".join(pinned.types),
        "gold_recipe_id": pinned.gold,
        "chosen_recipe_ids": ", ".join(chosen),
    }
    # The letters of imported rows are unknown. With rotations, each option has all five letters in turn.
    if row.kind != "imported" and row.task != "recipe_mpr_circular":
        letter = dict(zip(shown, LETTERS, strict=True))
        metadata |= {"gold_letter": letter[pinned.gold], "chosen_letters": ", ".join(letter[i] for i in chosen)}
    return {
        "sample_id": result.item_id,
        "sample_hash": hashed if item else None,  # other projects hash texts, so a hash of ids would never match
        "interaction_type": "single_turn",
        "input": {"raw": query, "reference": [gold], "choices": [words[recipe_id] for recipe_id in shown]},
        "output": {"raw": [words[recipe_id] for recipe_id in chosen]},
        "answer_attribution": attributions,
        "evaluation": {"score": result.accuracy, "is_correct": result.accuracy == 1},
        "metadata": metadata,
    }


def _method(row: Row) -> str:
    if row.kind == "imported":
        return "as imported"
    own = "highest log-likelihood of the option's letter" if row.kind == "causal" else "highest score of the option"
    return _METHODS.get(row.task, own)
