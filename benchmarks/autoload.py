"""What the autoload adds to a Python start: the same interpreter with and without our start-up files.

    python -m benchmarks.autoload [--runs 500]

Two empty virtual environments, one with the three files that our wheel puts at the root of
site-packages; `python -I -c pass` in turn, median of the paired differences. Claim: under 0.5 ms.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
import venv
from pathlib import Path

from tqdm import trange

AUTOLOAD = Path(__file__).parent.parent / "recipe_mpr_task" / "autoload"


def make_environment(folder: Path, *, with_autoload: bool) -> Path:
    """Create a bare environment and return its interpreter."""
    venv.create(folder, with_pip=False)
    (site_packages,) = (folder / "lib").glob("python*/site-packages")
    for file in AUTOLOAD.iterdir() if with_autoload else ():
        if file.is_file():
            shutil.copy(file, site_packages)
    return folder / "bin" / "python"


def start_ms(python: Path) -> float:
    """Return the wall time of one interpreter start, in milliseconds."""
    started = time.perf_counter()
    subprocess.run([python, "-I", "-c", "pass"], check=True)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        bare = make_environment(Path(folder) / "bare", with_autoload=False)
        ours = make_environment(Path(folder) / "ours", with_autoload=True)
        for python in (bare, ours):  # compiles the module once, as any later start finds it
            start_ms(python)
        pairs = [(start_ms(bare), start_ms(ours)) for _ in trange(runs, desc="interpreter starts")]
    added = statistics.median(with_autoload - baseline for baseline, with_autoload in pairs)
    ratio = statistics.median(with_autoload / baseline for baseline, with_autoload in pairs)
    print(f"python start, median of {runs}: {statistics.median(b for b, _ in pairs):.2f} ms bare")
    print(f"added by the autoload, median of the pairs: {added:.2f} ms, ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
