"""Kill a sweep at random moments, restart it until it finishes, and compare it with an uninterrupted sweep.

    python -m benchmarks.sweep SWEEP [--kills 20] [--jobs 2] [--seed 0] [--out DIR]

SWEEP is a sweep file or the name of a shipped sweep, such as `small`. Only the sweep's own process gets SIGKILL. Its
workers must then end by themselves.

Claims: no complete result is computed twice or lost, and each cell has one result. Both sites are equal except for
dates, file names and measured cost.
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_MEASURED = ("seconds_an_item", "date", "eval_seconds", "cost", "source", "id", "page")
"""Keys of a row that differ between two runs of one cell."""

_FILE = re.compile(r"[^\s,;]*results_\d[^\s,;]*\.json")


def command(sweep: str, out: Path, jobs: int) -> list[str]:
    """Return the command that runs a sweep."""
    return [sys.executable, "-m", "recipe_mpr_task.cli", "sweep", sweep, "--out", str(out), "--jobs", str(jobs)]


def results_in(out: Path) -> set[str]:
    """Return the paths of all results files, relative to the sweep's folder. File names contain the time of the run."""
    return {str(file.relative_to(out)) for file in out.glob("runs/**/results_*.json")}


def kill_after(arguments: list[str], seconds: float) -> bool:
    """Start a sweep, kill it after `seconds`, and return True. Return False if the sweep ended earlier."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    if process.returncode:
        raise SystemExit(f"the sweep failed: {errors[-2000:]}")
    return False


def interrupted(arguments: list[str], out: Path, moments: list[float]) -> tuple[int, list[str]]:
    """Run a sweep with SIGKILLs until it finishes. Return the number of kills, and a text for each fault.

    Args:
        arguments: the command that runs the sweep.
        out: the sweep's folder.
        moments: for each kill, the seconds after which the sweep is killed.
    """
    faults: list[str] = []
    n_kills, before = 0, results_in(out)
    for seconds in moments:
        n_kills += kill_after(arguments, seconds)
        after = results_in(out)
        if lost := before - after:
            faults.append(f"results lost after a kill: {', '.join(sorted(lost))}")
        before = after
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        faults.append(f"the last run has exit code {done.returncode}: {done.stderr[-500:]}")
    if lost := before - results_in(out):
        faults.append(f"results lost in the last run: {', '.join(sorted(lost))}")
    return n_kills, faults


def comparable(out: Path) -> str:
    """Return a site's content as text, without dates, file names and measured cost."""
    rows = json.loads((out / "site" / "leaderboard.json").read_text())["rows"]
    names = {row["id"]: f"{row['system']} on {row['task']}" for row in rows}

    def scrubbed(value: Any) -> Any:
        if isinstance(value, dict):
            return {names.get(key, key): scrubbed(inner) for key, inner in value.items() if key not in _MEASURED}
        if isinstance(value, list):
            return [scrubbed(inner) for inner in value]
        return _FILE.sub("FILE", names.get(value, value)) if isinstance(value, str) else value

    return "\n".join(sorted(json.dumps(scrubbed(row), sort_keys=True) for row in rows))


def main() -> None:
    """Run the benchmark, print the results, and exit with code 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweep", help="a sweep file, or the name of a shipped sweep")
    parser.add_argument("--kills", type=int, default=20, help="number of kills; default: %(default)s")
    parser.add_argument("--jobs", type=int, default=2, help="jobs of the sweep; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments; default: %(default)s")
    parser.add_argument("--out", type=Path, help="folder for both sweeps; default: a temporary folder")
    asked = parser.parse_args()
    out = asked.out or Path(tempfile.mkdtemp(prefix="sweep-"))
    whole, killed = out / "whole", out / "killed"
    started = time.perf_counter()
    done = subprocess.run(command(asked.sweep, whole, asked.jobs), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the uninterrupted sweep failed: {done.stderr[-2000:]}")
    seconds = time.perf_counter() - started
    print(f"uninterrupted: {seconds:.0f} s, {len(results_in(whole))} results", flush=True)
    rng = random.Random(asked.seed)  # noqa: S311 (reproducible)
    moments = [rng.uniform(0, 2 * seconds / max(1, asked.kills)) for _ in range(asked.kills)]
    n_kills, faults = interrupted(command(asked.sweep, killed, asked.jobs), killed, moments)
    total = time.perf_counter() - started - seconds
    if len(results_in(killed)) != len(results_in(whole)):
        faults.append(f"{len(results_in(killed))} results with kills, {len(results_in(whole))} without kills")
    if comparable(whole) != comparable(killed):
        faults.append(f"the sites differ: compare {whole}/site with {killed}/site")
    print(
        f"with {n_kills} kills: {total:.0f} s, {len(results_in(killed))} results; faults: {'; '.join(faults) or 'none'}"
    )
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
