"""Write made-up runs for benchmarks: full logs as lm-eval writes them, and compact records.

The answers of a record follow a simple model of real answers. Systems differ in ability, items differ in difficulty,
and some wrong options attract every system. Accuracies range from chance level to almost 100%. Two systems share about
half of their wrong choices.
"""

import json
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from leaderboard.load.record import FORMAT, SUFFIX
from recipe_mpr_task.data import SHA256
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.metrics import letter_metrics
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.prompts import render, template
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.statistics import Floats
from recipe_mpr_task.task_specs import task_spec

TASK = "recipe_mpr"
SAMPLES = "samples_recipe_mpr_2026-01-01T00-00-00.000000.jsonl"
_SIZES = (135, 360, 600, 1700, 3000, 7000, 8000, 14000, 32000, 70000)
_FIRST_DATE = 1_750_000_000


def asked_of(doc: dict[str, Any]) -> dict[str, Any]:
    """Return an item's entry in a samples file, without the model's responses and the metrics."""
    context = render("default", doc)
    arguments = {f"gen_args_{k}": {"arg_0": context, "arg_1": f" {letter}"} for k, letter in enumerate(LETTERS)}
    return {"doc": doc, "target": str(doc["gold"]), "arguments": arguments, "filter": "none", "doc_hash": "0" * 64,
            "prompt_hash": "0" * 64, "target_hash": "0" * 64}  # fmt: skip


def write_log(folder: Path, seed: int, asked: list[dict[str, Any]]) -> None:
    """Write a run's results file and samples file. `asked` has the return value of `asked_of` for each item."""
    draw = random.Random(seed)  # noqa: S311 (made-up scores)
    skill = 0.2 + 0.6 * draw.random()
    lines, right = [], 0.0
    for k, sample in enumerate(asked):
        scores = [draw.uniform(-9, -1) for _ in LETTERS]
        if draw.random() < skill:
            scores[sample["doc"]["gold"]] = -draw.random()
        metrics = letter_metrics(sample["doc"], [(score, False) for score in scores])
        right += metrics["acc"]
        responses = [[str(score), "False"] for score in scores]
        resps = [[response] for response in responses]
        lines.append(json.dumps({"doc_id": k, **sample, "resps": resps, "filtered_resps": responses, **metrics}))
    results = {
        "results": {TASK: {"acc,none": right / len(asked)}},
        "configs": {TASK: {"doc_to_text": template("default"), "metadata": {"version": 1}}},
        "config": {"model": "hf", "model_args": {"pretrained": f"org/model-{seed}"}, "limit": None,
                   "model_num_parameters": 10**6 * (seed + 1)},
        "date": float(seed),
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "results_2026-01-01T00-00-00.000000.json").write_text(json.dumps(results))
    (folder / SAMPLES).write_text("\n".join(lines) + "\n")


def record_name(seed: int) -> str:
    """Return the file name of a made-up record."""
    return f"model-{seed:05}-recipe-mpr-{sha256_of(str(seed).encode())[:8]}{SUFFIX}"


def write_record(path: Path, seed: int) -> None:
    """Write the compact record of a made-up causal model."""
    scores = _scores(seed)
    best = scores == scores.max(axis=1, keepdims=True)
    items = [
        {"item_id": item_id, "scores": [row], "chosen": [[shown[k] for k in np.flatnonzero(is_best)]], "seen": None}
        for (item_id, shown, _), row, is_best in zip(_items(), scores.tolist(), best, strict=True)
    ]
    golds = np.array([gold for _, _, gold in _items()])
    accuracy = float((best[np.arange(len(golds)), golds] / best.sum(axis=1)).mean())
    record = {"format": FORMAT, "dataset_sha256": SHA256, "task": TASK, "run": _run(seed, accuracy), "items": items}
    path.write_text(json.dumps(record))


def _scores(seed: int) -> Floats:
    """Return a system's log-likelihoods of the letters, shape (items, 5), rounded to seven digits as in records."""
    draw = np.random.default_rng(seed)
    ability, sharpness = draw.normal(1.0, 1.2), draw.uniform(0.5, 2.5)
    appeal, golds, difficulty = _shared_appeal()
    values = appeal + draw.gumbel(size=appeal.shape)
    values[np.arange(len(golds)), golds] += ability - difficulty
    values *= sharpness
    values -= np.logaddexp.reduce(values, axis=1)[:, None] + draw.exponential(0.1, (len(golds), 1))
    return np.array([[float(f"{score:.7g}") for score in row] for row in values.tolist()])


@lru_cache(maxsize=1)
def _shared_appeal() -> tuple[Floats, Any, Floats]:
    """Return each option's attraction, each right letter's index and each item's difficulty.

    The shapes are (items, 5), (items,) and (items,). The attraction is the same for every system.
    """
    draw = np.random.default_rng(2**32)
    golds = np.array([gold for _, _, gold in _items()])
    appeal = draw.normal(0, 1, (len(golds), N_OPTIONS))
    appeal[np.arange(len(golds)), golds] = 0
    return appeal, golds, draw.normal(-1.0, 1.0, len(golds))


@lru_cache(maxsize=1)
def _items() -> list[tuple[str, tuple[str, ...], int]]:
    """Return each item's id, its options' recipe ids in the order shown, and the index of the right option's letter."""
    order, pinned = task_spec(TASK).order, pinned_items()
    shown = {item_id: pinned[item_id].shown_ids(order) for item_id in sorted(scored_ids(task_spec(TASK).split))}
    return [(item_id, ids, ids.index(pinned[item_id].gold)) for item_id, ids in shown.items()]


def _run(seed: int, accuracy: float) -> dict[str, Any]:
    """Return the results file's fields that a record keeps, for a made-up model from the hub."""
    name, key = f"org-{seed % 97}/model-{seed}", sha256_of(f"model {seed}".encode())
    settings = {
        "description": "", "doc_to_choice": "letters", "doc_to_target": "gold", "doc_to_text": template("default"),
        "fewshot_delimiter": "\n\n", "output_type": "multiple_choice", "repeats": 1, "target_delimiter": " ",
        "metadata": {"config_source": "recipe_mpr.yaml", "dtype": "bfloat16", "pretrained": name, "version": 1},
    }  # fmt: skip
    files = {
        f"pretrained/{file}": sha256_of(f"{file} {seed}".encode()) for file in ("config.json", "model.safetensors")
    }
    seconds = 20.0 + seed % 400
    hardware = {"cpu": "made up", "device": "cpu", "n_devices": 1, "threads": 2}
    return {
        "config": {
            "batch_size": 8, "device": "cuda:0", "fewshot_seed": 1234, "limit": None, "model": "hf",
            "model_args": {"dtype": "bfloat16", "pretrained": name}, "model_dtype": "torch.bfloat16",
            "model_num_parameters": _SIZES[seed % len(_SIZES)] * 10**6, "model_revision": "main",
            "model_sha": key[:40], "recipe_mpr_identity": key, "use_cache": None,
        },
        "configs": {TASK: settings}, "date": float(_FIRST_DATE + seed * 60), "lm_eval_version": "0.4.13",
        "n-shot": {TASK: 0}, "recipe_mpr_around": "[the item's own prompt]",
        "recipe_mpr_cost": {"hardware": hardware, "items": len(_items()), "peak_memory_bytes": 10**9 + seed,
                            "seconds": seconds, "seconds_per_item": seconds / len(_items()), "tasks": 1,
                            "tokens_per_second": 1000.0 + seed},
        "recipe_mpr_model": {"commits": {}, "files": files, "handed_over": False, "random_weights": False,
                             "request_cache": False, "sha256": sha256_of(json.dumps(files).encode()),
                             "sources": {"pretrained": "hub"}, "unaccounted": []},
        "recipe_mpr_training": {"reason": "no training manifest beside the weights"},
        "results": {TASK: {"acc,none": accuracy, "alias": TASK, "sample_len": len(_items())}},
        "total_evaluation_time_seconds": str(seconds + 5), "transformers_version": "5.23.0",
    }  # fmt: skip
