"""Measure the cost of building the leaderboard's site from many runs: wall time, CPU time and memory.

    RECIPE_MPR_DATA=500QA.json python -m benchmarks.leaderboard [100 300 1000]
    python -m benchmarks.leaderboard --records [1000 3000 10000]

For each number of runs, the site is built with an empty cache, and then built again with one more run. The first
build's time per run is compared with the time per run at the smallest number of runs. The second build's time is
compared with the first build's time.

Without --records, every run has a samples file with the prompts, as lm-eval writes it for an LLM on the 500 items. With
--records, every run is a compact record of the 500 items; the dataset is not needed. If other programs run at the same
time, compare CPU seconds instead of wall time.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.made_up_runs import SAMPLES, asked_of, record_name, write_log, write_record
from benchmarks.timed_build import MARK
from recipe_mpr_task.data import load_items
from recipe_mpr_task.orders import display
from recipe_mpr_task.task import record_of

SIZES, RECORD_SIZES = (100, 300, 1000), (1000, 3000, 10000)

Write = Callable[[int], int]
"""A function that adds a run to the folder of runs. It takes the run's number and returns the file's size in bytes."""


def main() -> None:
    """Measure the cost of building the site, and print one line for each number of runs."""
    parser = argparse.ArgumentParser(description="Measure the cost of building the leaderboard's site.")
    parser.add_argument("sizes", nargs="*", type=int, help="numbers of runs to measure")
    parser.add_argument("--records", action="store_true", help="compact records instead of full logs")
    parser.add_argument("--made", type=Path, help="with --records: a folder to keep the records for later measurements")
    parser.add_argument("--once", action="store_true", help="skip the second build, with one more run")
    arguments = parser.parse_args()
    sizes = sorted(arguments.sizes) or list(RECORD_SIZES if arguments.records else SIZES)
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        runs.mkdir()
        write = _records(runs, arguments.made or Path(folder) / "made") if arguments.records else _logs(runs)
        _measure(sizes, Path(folder), write, is_once=arguments.once)


def _measure(sizes: list[int], folder: Path, write: Write, *, is_once: bool) -> None:
    n_runs, per_run = 0, 0.0
    for size in sizes:
        while n_runs < size:
            megabytes, n_runs = write(n_runs) / 1e6, n_runs + 1
        full = _build(folder, f"out{size}", f"cache{size}")
        per_run = per_run or full.seconds / size
        text = (
            f"{size} runs of {megabytes:.2f} MB: {full}; time per run relative to {sizes[0]} runs "
            f"{full.seconds / size / per_run:.2f}"
        )
        if not is_once:
            n_runs += bool(write(n_runs))
            again = _build(folder, f"out{size}", f"cache{size}")
            text += f"; with one more run: {again}, {again.seconds / full.seconds:.2f} of the first build's time"
        print(text, flush=True)


def _logs(runs: Path) -> Write:
    asked = [asked_of(record_of(display(item, "shuffled"))) for item in load_items()]

    def write(seed: int) -> int:
        write_log(runs / f"run{seed:05}", seed, asked)
        return (runs / f"run{seed:05}" / SAMPLES).stat().st_size

    return write


def _records(runs: Path, made: Path) -> Write:
    made.mkdir(parents=True, exist_ok=True)

    def write(seed: int) -> int:
        path = made / record_name(seed)
        if not path.exists():
            write_record(path, seed)
        (runs / path.name).symlink_to(path.absolute())
        return path.stat().st_size

    return write


@dataclass(frozen=True)
class Cost:
    """The cost of one build.

    Attributes:
        seconds: wall time.
        cpu_seconds: user CPU time of all the build's processes.
        peak_bytes: largest resident memory of all the build's processes together.
        copy_seconds: wall time of the search for copied results.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    copy_seconds: float

    def __str__(self) -> str:
        """Return the cost as text."""
        return (
            f"{self.seconds:.1f} s, {self.cpu_seconds:.1f} CPU s, peak {self.peak_bytes / 1e9:.2f} GB, "
            f"{self.copy_seconds:.1f} s to search for copies"
        )


def _build(folder: Path, out: str, cache: str) -> Cost:
    """Build the site in a separate process, and return the cost of the build."""
    environment = os.environ | {"RECIPE_MPR_CACHE": str(folder / cache)}
    command = [sys.executable, "-m", "benchmarks.timed_build", "leaderboard", str(folder / "runs"), "--out"]
    started, cpu_before = time.monotonic(), _cpu_seconds_of_children()
    with (folder / "stderr").open("w+") as errors:
        process = subprocess.Popen(
            [*command, str(folder / out)], stdout=subprocess.DEVNULL, stderr=errors, env=environment
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _held_by(process.pid))
            time.sleep(0.1)
        seconds = time.monotonic() - started
        errors.seek(0)
        said = errors.read()
    if process.returncode:
        raise SystemExit(f"the build failed with code {process.returncode}: {said[-2000:]}")
    copies = sum(float(line.rpartition(" ")[2]) for line in said.splitlines() if line.startswith(MARK))
    return Cost(seconds, _cpu_seconds_of_children() - cpu_before, peak, copies)


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
