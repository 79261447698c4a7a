"""Measure training and scoring on one GPU, and print a Markdown table with the hardware.

    python -m benchmarks.gpu                                # Qwen3-8B's and BERT-large's shapes; under 9 minutes
    python -m benchmarks.gpu --shape tiny --device cpu      # the same code on any machine

The models have random weights, created on the device, so no network is needed. Training and scoring run the code of
`recipe-mpr finetune`, `recipe-mpr run` and the encoder adapter.

Data: the dataset that RECIPE_MPR_DATA names, else the cached dataset, else items made from the embedded sample.

Progress goes to stderr. If a step fails or takes too long, its row gives the reason, and the exit code is 1. A missing
optional package, such as flash-attn, is not a failure.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.gpu.results import Missing, Result
from benchmarks.gpu.shapes import SHAPES
from benchmarks.gpu.steps import STEPS, Step, make_bench
from benchmarks.gpu.table import table
from benchmarks.gpu.worker import Worker

_SHORTEST = 10
"""A step starts only if at least this many seconds are left."""


def main() -> int:
    """Run the benchmark, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="qwen3_8b")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tokenizer", help="folder of a Qwen3 tokenizer; default: train a tokenizer on the items")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="run only the steps whose names contain a TEXT")
    parser.add_argument("--minutes", type=float, default=8.5, help="time limit of all steps; default: %(default)s")
    given = parser.parse_args()
    _use_one_device(given.device)
    if given.device == "cuda" and not _has_gpu():
        parser.error("no CUDA GPU was found; to run the same code without one: --shape tiny --device cpu")
    steps = [step for step in STEPS if step.table == "setting" or _is_chosen(step.name, given.only)]
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(partial(make_bench, given.shape, given.device, Path(folder), given.tokenizer))
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # also stop the worker
        try:
            results = _measured(steps, worker, time.monotonic() + 60 * given.minutes, SHAPES[given.shape].patience)
        finally:
            worker.stop()
    print(table(results))
    return int(any(isinstance(result, Missing) and result.is_failure for result in results.values()))


def _is_chosen(name: str, only: list[str] | None) -> bool:
    return not only or any(text in name for text in only)


def _use_one_device(device: str) -> None:
    """Hide all GPUs but one from the worker process, because Trainer would use all of them."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible[0] if device == "cuda" else ""


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _measured(steps: list[Step], worker: Worker, deadline: float, patience: float) -> dict[str, Result | Missing]:
    results: dict[str, Result | Missing] = {}
    for number, step in enumerate(steps, 1):
        left, started = deadline - time.monotonic(), time.monotonic()
        if left < _SHORTEST:
            results[step.name] = Missing("not run: no time left")
        else:
            print(f"[{number}/{len(steps)}] {step.name}", file=sys.stderr, flush=True)
            results[step.name] = worker.run(step, min(step.limit * patience, left))
        result = results[step.name]
        what = result.reason if isinstance(result, Missing) else "done"
        print(f"[{number}/{len(steps)}] {what}, {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
    return results


if __name__ == "__main__":
    sys.exit(main())
