"""Measure what it costs to build the leaderboard's site from many runs: wall time, CPU time and memory.

    RECIPE_MPR_DATA=500QA.json python -m benchmarks.leaderboard [100 300 1000]

For each number of runs, the site is built with an empty cache, and then built again with one more run. The first
build's time per run is compared with the time per run at the smallest number of runs. The second build's time is
compared with the first build's time.

Every run has a samples file as lm-eval writes it for an LLM on the 500 items, including the prompts. If other programs
run at the same time, compare CPU seconds instead of wall time.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipe_mpr_task.data import load_items
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.metrics import letter_metrics
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render, template
from recipe_mpr_task.task import record_of

SIZES = (100, 300, 1000)
_TASK = "recipe_mpr"


def main() -> None:
    """Measure how the site is built, and print one line for each number of runs."""
    sizes = sorted(int(size) for size in sys.argv[1:]) or list(SIZES)
    asked = [_asked(record_of(display(item, "shuffled"))) for item in load_items()]
    with tempfile.TemporaryDirectory() as folder:
        runs, first = Path(folder) / "runs", None
        for size in sizes:
            done = len(list(runs.iterdir())) if runs.is_dir() else 0
            for k in range(done, size):
                _write_run(runs / f"run{k:04}", k, asked)
            megabytes = (runs / "run0000" / "samples_recipe_mpr_2026-01-01T00-00-00.000000.jsonl").stat().st_size / 1e6
            full = _build(Path(folder), f"out{size}", f"cache{size}")
            _write_run(runs / f"run{size:04}", size, asked)
            rebuild = _build(Path(folder), f"out{size}", f"cache{size}")
            first = first or full.seconds / size
            print(
                f"{size} runs of {megabytes:.2f} MB: {full}; per run {full.seconds / size / first:.2f} of {sizes[0]} "
                f"runs; with one more run {rebuild}, {rebuild.seconds / full.seconds:.2f} of the full build",
                flush=True,
            )


@dataclass(frozen=True)
class Cost:
    """The cost of one build.

    Attributes:
        seconds: wall time.
        cpu_seconds: user CPU time of all the build's processes.
        peak_bytes: largest resident memory of all the build's processes together.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int

    def __str__(self) -> str:
        """Return the cost as text."""
        return f"{self.seconds:.1f} s, {self.cpu_seconds:.1f} CPU s, peak {self.peak_bytes / 1e9:.2f} GB"


def _asked(doc: dict[str, Any]) -> dict[str, Any]:
    """Return an item's entry in a samples file, without the model's responses and the metrics."""
    context = render("default", doc)
    arguments = {f"gen_args_{k}": {"arg_0": context, "arg_1": f" {letter}"} for k, letter in enumerate(LETTERS)}
    return {"doc": doc, "target": str(doc["gold"]), "arguments": arguments, "filter": "none", "doc_hash": "0" * 64,
            "prompt_hash": "0" * 64, "target_hash": "0" * 64}  # fmt: skip


def _write_run(folder: Path, seed: int, asked: list[dict[str, Any]]) -> None:
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
        "results": {_TASK: {"acc,none": right / len(asked)}},
        "configs": {_TASK: {"doc_to_text": template("default"), "metadata": {"version": 1}}},
        "config": {"model": "hf", "model_args": {"pretrained": f"org/model-{seed}"}, "limit": None,
                   "model_num_parameters": 10**6 * (seed + 1)},
        "date": float(seed),
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "results_2026-01-01T00-00-00.000000.json").write_text(json.dumps(results))
    (folder / "samples_recipe_mpr_2026-01-01T00-00-00.000000.jsonl").write_text("\n".join(lines) + "\n")


def _build(folder: Path, out: str, cache: str) -> Cost:
    """Build the site in a separate process, and return the cost of the build."""
    environment = os.environ | {"RECIPE_MPR_CACHE": str(folder / cache)}
    program = "import sys; from recipe_mpr_task.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "leaderboard", str(folder / "runs"), "--out", str(folder / out)]
    started, cpu_before = time.monotonic(), _cpu_seconds_of_children()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _held_by(process.pid))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"the build failed with code {process.returncode}")
    return Cost(time.monotonic() - started, _cpu_seconds_of_children() - cpu_before, peak)


def _cpu_seconds_of_children() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def _held_by(pid: int) -> int:
    """Return the resident bytes of a process and its descendants, read from /proc.

    A memory page that several processes share is counted once for each process.
    """
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_held_by(int(child)) for child in children)


if __name__ == "__main__":
    main()
