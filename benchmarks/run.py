"""Compare the wall time of `recipe-mpr run` with the wall time of `lm_eval run`.

    python -m benchmarks.run [--runs 5]

Both commands run the same task with the same tiny model, in turn. For each pair of runs, the process time of
`recipe-mpr run` (wall time) is divided by that of `lm_eval run`. The benchmark prints the median of these ratios.
`lm_eval run` is slower because it indexes the 14,000 task files of lm-eval. `recipe-mpr run` skips these files if every
task is from this project.

Claim: `recipe-mpr run` needs at most 0.65 times the wall time of `lm_eval run`, and both commands write exactly the
same metrics. Data: the file that RECIPE_MPR_DATA names, else the cached dataset, else the embedded sample.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import trange

from recipe_mpr_task.data import local_source
from tests.support.tiny_models import save_tiny_qwen

COMMANDS = {"lm_eval run": ["-m", "lm_eval", "run"], "recipe-mpr run": ["-m", "recipe_mpr_task.cli", "run"]}


def timed(command: str, arguments: list[str], out: Path) -> tuple[float, str]:
    """Run a command once; return the wall time in seconds and the written metrics as JSON text."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *COMMANDS[command], *arguments, "--output_path", str(out)], check=True, capture_output=True
    )
    seconds = time.perf_counter() - started
    (file,) = out.rglob("results_*.json")
    return seconds, json.dumps(json.loads(file.read_text())["results"])


def main() -> None:
    """Run the benchmark and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="number of pairs of runs; default: %(default)s")
    runs = parser.parse_args().runs
    task = "recipe_mpr" if local_source() else "recipe_mpr_sample"
    with tempfile.TemporaryDirectory() as folder:
        model = save_tiny_qwen(Path(folder) / "model")
        arguments = ["--model", "hf", "--model_args", f"pretrained={model}", "--tasks", task]
        arguments += ["--device", "cpu", "--batch_size", "32"]
        pairs, metrics = [], set()
        for i in trange(runs + 1, desc="pairs of runs"):  # the first pair warms the file cache
            found = {name: timed(name, arguments, Path(folder) / f"{i}-{n}") for n, name in enumerate(COMMANDS)}
            metrics |= {text for _, text in found.values()}
            pairs += [tuple(seconds for seconds, _ in found.values())] if i else []
    theirs, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{task}, tiny Qwen3, medians of {runs} runs: lm_eval run {theirs:.1f} s, recipe-mpr run {ours:.1f} s")
    print(f"median ratio of the pairs: {ratio:.2f}; metrics {'equal' if len(metrics) == 1 else 'DIFFER'}")


if __name__ == "__main__":
    main()
