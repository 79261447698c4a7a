"""Results files and samples as lm-eval 0.4.13 writes them, with chosen faults."""

import json
import math
import random

from leaderboard.collect import read_rows
from leaderboard.load.find import find_files
from leaderboard.load.results import runs_of
from leaderboard.rank.boards import build_boards
from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.metrics import letter_metrics
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render, template
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task import record_of


def scores_for(doc, skill, seed):
    """Five seeded log-likelihoods; the gold's is raised with probability `skill`."""
    rng = random.Random(f"{seed}:{doc['item_id']}")
    row = [rng.uniform(-3, -1) for _ in range(5)]
    if rng.random() < skill:
        row[doc["gold"]] = -0.5
    return row


def run_files(
    folder, task="recipe_mpr_sample", *, model="hf", name="org/model", skill=0.5, seed=0, date=1.0, **changes
):
    """Write a results file and its samples as lm-eval 0.4.13 does."""
    known = {"recipe_mpr_sample": "sample", "recipe_mpr": "all", "recipe_mpr_test": "published"}
    split = known.get(task, task.removeprefix("recipe_mpr_"))
    items = load_sample() if split == "sample" else load_items()
    samples = []
    for item in items:
        if item.item_id in scored_ids(split):
            doc = record_of(display(item, changes.get("order", "shuffled")))
            scores = scores_for(doc, skill, seed)
            results = [(score, False) for score in scores]
            context = render(changes.get("shown", "default"), doc)
            asked = {f"gen_args_{k}": {"arg_0": context, "arg_1": f" {letter}"} for k, letter in enumerate("ABCDE")}
            samples.append(
                {"doc_id": len(samples), "doc": doc, "target": str(doc["gold"]), "arguments": asked,
                 "filtered_resps": [[str(score), "False"] for score in scores], **letter_metrics(doc, results)}
            )  # fmt: skip
    changes.get("edit_samples", lambda _: None)(samples)
    if changes.get("log_raw", True):
        with_raw_responses(samples)
    acc = math.fsum(s["acc"] for s in samples) / max(len(samples), 1)
    results = {
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
        "config": {"model": model, "model_args": {"pretrained": name}, "limit": None, "model_num_parameters": 7},
        "date": date,
        "lm_eval_version": "0.4.13",
    }
    changes.get("edit_results", lambda _: None)(results)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"2026-01-01T00-00-{date:09.6f}"
    (folder / f"results_{stamp}.json").write_text(json.dumps(results))
    if changes.get("log_samples", True):
        text = "".join(json.dumps(sample) + "\n" for sample in samples)
        (folder / f"samples_{task}_{stamp}.jsonl").write_text(text)
    return samples


def with_raw_responses(samples):
    """Log the raw responses beside the filtered ones, one a request, where they are not there yet."""
    for sample in samples:
        if isinstance(sample, dict) and isinstance(sample.get("filtered_resps"), list):
            sample.setdefault("resps", [[response] for response in sample["filtered_resps"]])


def rows_of(*folders):
    return [row for board in build_boards(read_rows(folders)[0]) for row in board.rows if row.kind != "reported"]


def run_in(folder):
    """The one run of a folder, as it is read."""
    ((file, source),), _ = find_files([folder])
    (run,) = runs_of(file, source)
    return run
