"""Build a site like `recipe-mpr leaderboard`, and print the seconds of the search for copies to stderr.

python -m benchmarks.timed_build RUNS... --out DIR
"""

import sys
import time
from collections.abc import Sequence

from leaderboard.rank import copies
from leaderboard.rank.row import Row
from recipe_mpr_task.cli import main

MARK = "seconds of the search for copies:"
_search = copies.find_alike


def _timed(rows: Sequence[Row]) -> list[list[str]]:
    started = time.monotonic()
    flags = _search(rows)
    print(f"{MARK} {time.monotonic() - started:.3f}", file=sys.stderr, flush=True)
    return flags


if __name__ == "__main__":
    copies.find_alike = _timed  # type: ignore[assignment]
    main(sys.argv[1:])
