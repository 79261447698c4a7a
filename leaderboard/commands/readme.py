"""Render README's result tables and docs/results.md from the committed records.

In a checkout, run `python -m leaderboard.commands.readme`.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from leaderboard.collect import read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.rank.row import Row
from leaderboard.site.results import to_results
from leaderboard.site.tables import ranked_table
from leaderboard.verify.forensics import RESULTS
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import write_atomic

_EXPLOIT_TASKS = ("recipe_mpr_test_file_order", "recipe_mpr_test")


_README, _RESULTS = Path("README.md"), Path("docs/results.md")
_OF_IMPORTS = ("origin", "published", "importer_note")


def documents(folder: Path = RESULTS) -> dict[Path, str]:
    """Return README and docs/results.md, by path in the checkout, computed from a folder of records.

    README's table "results" has the ranked rows of the main board. Its table "exploit" has each causal model's accuracy
    with the options in file order and in shuffled order, and its share of answers "A" in shuffled order.

    Raises:
        RecipeMPRError: a record is broken, or README lacks a marker.
    """
    rows, skipped = read_rows([folder])
    if skipped:
        raise RecipeMPRError("; ".join(f"{s.source}: {s.reason}" for s in skipped))
    boards = build_boards(rows)
    (board,) = (board for board in boards if board.key == MAIN_BOARD)
    results = ranked_table([row for row in board.rows if row.rank is not None], leave_out=_OF_IMPORTS)
    blocks = {"results": results, "exploit": _exploit(rows)}
    return {_README: rendered(_README.read_text(), blocks), _RESULTS: to_results(boards)}


def _exploit(rows: Iterable[Row]) -> str:
    by_system: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if row.task in _EXPLOIT_TASKS and row.kind == "causal":
            by_system[row.system][row.task] = row
    lines = []
    for system, of_task in sorted(by_system.items(), reverse=True, key=_by_size):
        if len(of_task) < len(_EXPLOIT_TASKS):
            continue
        in_file_order, shuffled = (of_task[task] for task in _EXPLOIT_TASKS)
        share_of_a = shuffled.position.answers[0] if shuffled.position else None
        cells = [_whole(in_file_order, in_file_order.score.acc), _whole(shuffled, shuffled.score.acc)]
        marked = f"{system} (notes ⚠)" if in_file_order.flags or shuffled.flags else system
        lines.append([marked, *cells, _whole(shuffled, share_of_a)])
    headers = ["System", "File order", "Shuffled", 'Answers "A" when shuffled']
    return tabulate(lines, headers, tablefmt="pipe", disable_numparse=True)


def _by_size(entry: tuple[str, dict[str, Row]]) -> tuple[int, str]:
    system, of_task = entry
    return -min(row.params or 0 for row in of_task.values()), system


def _whole(row: Row, fraction: float | None) -> str:
    if fraction is None:
        raise RecipeMPRError(f"{row.source}: {row.reason}")
    return f"{100 * fraction:.0f}"


def rendered(text: str, blocks: dict[str, str]) -> str:
    """Return the document with each block's table between the block's two markers. Raise if a marker is missing."""
    for name, table in blocks.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, has_start, rest = text.partition(start)
        _, has_end, after = rest.partition(end)
        if not (has_start and has_end):
            raise RecipeMPRError(f"no '{start}' and '{end}' in the document")
        text = f"{before}{start}\n\n{table}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    for document, text in documents().items():
        write_atomic(document, text)
