"""Measure how much time our start-up files (the autoload) add to the start of Python.

    python -m benchmarks.autoload [--runs 500]

Each round starts `python -I -c pass` once in each of three virtual environments. The first is empty. In the second, a
start-up file imports an empty module. The third has the three start-up files that our wheel puts into site-packages.
Each start in the second and the third environment is compared with the first environment's start in the same round.
The benchmark prints the median difference and the median ratio over all rounds.

Claim: the autoload adds less than 0.5 ms. The empty module shows that most of this time is the first import from
site-packages. Any program that imports an installed package needs this time anyway.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
import venv
from pathlib import Path

from tqdm import trange

AUTOLOAD = Path(__file__).parent.parent / "recipe_mpr_task" / "autoload"


def make_environment(folder: Path, files: dict[str, str]) -> Path:
    """Create a virtual environment and return the path of its interpreter.

    Args:
        folder: folder of the new environment.
        files: content by file name. The environment's site-packages hold only these files.
    """
    venv.create(folder, with_pip=False)
    (site_packages,) = (folder / "lib").glob("python*/site-packages")
    for name, text in files.items():
        (site_packages / name).write_text(text)
    return folder / "bin" / "python"


def start_ms(python: Path) -> float:
    """Start the interpreter once; return the wall time in milliseconds."""
    started = time.perf_counter()
    subprocess.run([python, "-I", "-c", "pass"], check=True)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Run the benchmark and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="number of rounds; default: %(default)s")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        ours = {file.name: file.read_text() for file in AUTOLOAD.iterdir() if file.is_file()}
        empty = {"empty.pth": "import empty_module\n", "empty_module.py": ""}
        pythons = [make_environment(Path(folder) / str(n), files) for n, files in enumerate(({}, empty, ours))]
        for python in pythons:  # the first start compiles the modules, so it is not timed
            start_ms(python)
        rounds = [[start_ms(python) for python in pythons] for _ in trange(runs, desc="interpreter starts")]
    bare, with_empty, with_ours = zip(*rounds, strict=True)
    print(f"start of Python in an empty environment, median of {runs} rounds: {statistics.median(bare):.2f} ms")
    for name, times in (("an empty start-up module", with_empty), ("the autoload", with_ours)):
        added = statistics.median(b - a for a, b in zip(bare, times, strict=True))
        ratio = statistics.median(b / a for a, b in zip(bare, times, strict=True))
        print(f"added by {name}, median of {runs} rounds: {added:.2f} ms, ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
