"""Write fake results files and samples as lm-eval 0.4.13 does, with chosen faults."""

import json
import math
import random
from functools import cache
from pathlib import Path
from typing import Any

from leaderboard.collect import read_rows
from leaderboard.load.find import find_files
from leaderboard.load.results import runs_of
from leaderboard.load.run import Run
from leaderboard.rank.boards import build_boards
from leaderboard.rank.row import Row
from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.item import Item
from recipe_mpr_task.metrics import letter_metrics
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render, template
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task import record_of
from tests.support.run_edits import Json


def scores_for(doc: Json, skill: float, seed: int) -> list[float]:
    """Return five seeded log-likelihoods. With probability `skill`, the gold option has the highest."""
    rng = random.Random(f"{seed}:{doc['item_id']}")
    row = [rng.uniform(-3, -1) for _ in range(5)]
    if rng.random() < skill:
        row[doc["gold"]] = -0.5
    return row


def run_files(
    folder: Path,
    task: str = "recipe_mpr_sample",
    *,
    model: str = "hf",
    name: str = "org/model",
    skill: float = 0.5,
    seed: int = 0,
    date: float = 1.0,
    **changes: Any,
) -> list[Json]:
    """Write a results file and its samples as lm-eval 0.4.13 does; return the samples.

    Args:
        folder: where to write.
        task: the task's name.
        model: the type of model, as lm-eval names it.
        name: `pretrained` of the model.
        skill: probability that the gold option gets the highest score. Other items can be right by chance.
        seed: seed of the scores.
        date: date of the run, in seconds since 1970.
        changes: other settings. `order` is the option order, and `shown` the name of the shown prompt. `prompt` and
            `version` are the task's recorded template and version. `edit_samples` and `edit_results` change the content
            before it is written. `log_raw` and `log_samples` say whether to write raw responses and samples.
    """
    samples = _samples(task, skill, seed, changes.get("order", "shuffled"), changes.get("shown", "default"))
    changes.get("edit_samples", lambda _: None)(samples)
    if changes.get("log_raw", True):
        with_raw_responses(samples)
    results = _results(task, samples, changes)
    results["config"] |= {"model": model, "model_args": {"pretrained": name}}
    results["date"] = date
    changes.get("edit_results", lambda _: None)(results)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"2026-01-01T00-00-{date:09.6f}"
    (folder / f"results_{stamp}.json").write_text(json.dumps(results))
    if changes.get("log_samples", True):
        text = "".join(json.dumps(sample) + "\n" for sample in samples)
        (folder / f"samples_{task}_{stamp}.jsonl").write_text(text)
    return samples


def _samples(task: str, skill: float, seed: int, order: str, prompt: str) -> list[Json]:
    known = {"recipe_mpr_sample": "sample", "recipe_mpr": "all", "recipe_mpr_test": "published"}
    split = known.get(task, task.removeprefix("recipe_mpr_"))
    items = load_sample() if split == "sample" else load_items()  # fail without the dataset, even if prompts are cached
    ids = scored_ids(split)
    samples: list[Json] = []
    for item in items:
        if item.item_id in ids:
            text, context = _shown(item, order, prompt)
            doc = json.loads(text)
            scores = scores_for(doc, skill, seed)
            asked = {f"gen_args_{k}": {"arg_0": context, "arg_1": f" {letter}"} for k, letter in enumerate("ABCDE")}
            samples.append(
                {"doc_id": len(samples), "doc": doc, "target": str(doc["gold"]), "arguments": asked,
                 "filtered_resps": [[str(score), "False"] for score in scores],
                 **letter_metrics(doc, [(score, False) for score in scores])}
            )  # fmt: skip
    return samples


@cache
def _shown(item: Item, order: str, prompt: str) -> tuple[str, str]:
    """Return an item's document as JSON, and its rendered prompt. Cache both, because all runs share them."""
    doc = record_of(display(item, order))
    return json.dumps(doc), render(prompt, doc)


def _results(task: str, samples: list[Json], changes: Json) -> Json:
    acc = math.fsum(s["acc"] for s in samples) / max(len(samples), 1)
    return {
        "results": {task: {"acc,none": acc, "acc_stderr,none": 0.01}},
        "group_subtasks": {},
        "configs": {
            task: {
                "task": task,
                "doc_to_text": changes.get("prompt", template("default")),
                "metadata": {"version": changes.get("version", 1)},
            }
        },
        "n-shot": {task: 0},
        "config": {"model": "", "model_args": {}, "limit": None, "model_num_parameters": 7},
        "date": 0.0,
        "lm_eval_version": "0.4.13",
    }


def with_raw_responses(samples: list[Json]) -> None:
    """Add raw responses to the samples that have none: one per request, equal to the filtered response."""
    for sample in samples:
        if isinstance(sample, dict) and isinstance(sample.get("filtered_resps"), list):
            sample.setdefault("resps", [[response] for response in sample["filtered_resps"]])


def rows_of(*folders: Path) -> list[Row]:
    """Return the rows of the runs in the folders, as the boards show them."""
    return [row for board in build_boards(read_rows(folders)[0]) for row in board.rows if row.kind != "reported"]


def run_in(folder: Path) -> Run:
    """Return the only run of a folder, as the leaderboard reads it."""
    ((file, source),), _ = find_files([folder])
    (run,) = runs_of(file, source)
    return run
