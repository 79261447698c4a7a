"""The README's result tables, rendered from the committed records: `python -m leaderboard.render.readme README.md`."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from leaderboard.compute.boards import build_boards
from leaderboard.compute.pooling import MAIN_BOARD
from leaderboard.compute.rows import row_of, score
from leaderboard.compute.standing import Board
from leaderboard.load.files import Run, load_runs
from leaderboard.render.tables import ranked_table
from leaderboard.validate.baselines import RESULTS
from leaderboard.validate.identity import kind, system_name
from leaderboard.validate.run import CheckedRun, check
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.metrics import share_choosing

_EXPLOIT_TASKS = ("recipe_mpr_test_file_order", "recipe_mpr_test")
_BLOCK = "<!-- {name} -->\n\n{table}\n\n<!-- end of {name} -->"


def tables(folder: Path = RESULTS) -> dict[str, str]:
    """Render the tables of a folder of records.

    Returns:
        Name of the README's block to Markdown table: "results", the ranked rows of the main board, and "exploit",
        the causal models' accuracy in file order and in shuffled order.

    Raises:
        RecipeMPRError: a record is broken.
    """
    runs, skipped = load_runs([folder])
    if skipped:
        raise RecipeMPRError("; ".join(f"{s.source}: {s.reason}" for s in skipped))
    checked = [check(run) for run in runs]
    return {"results": _results(build_boards(map(row_of, checked))), "exploit": _exploit(checked)}


def _results(boards: Iterable[Board]) -> str:
    (board,) = (board for board in boards if board.key == MAIN_BOARD)
    return ranked_table([row for row in board.rows if row.rank is not None])


def _exploit(checked: Iterable[CheckedRun]) -> str:
    by_system: dict[str, dict[str, CheckedRun]] = {}
    for run in checked:
        if run.run.task in _EXPLOIT_TASKS and kind(run.run) == "causal":
            by_system.setdefault(system_name(run.run), {})[run.run.task] = run
    rows = []
    for system, of_task in sorted(by_system.items(), key=lambda entry: entry[0], reverse=True):
        in_file_order, shuffled = (of_task[task] for task in _EXPLOIT_TASKS)
        cells = (_accuracy(in_file_order), _accuracy(shuffled), _share_of_a(shuffled.run))
        rows.append([system, *(f"{100 * cell:.0f}" for cell in cells)])
    headers = ["System", "File order", "Shuffled", 'Answers "A" when shuffled']
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def _accuracy(run: CheckedRun) -> float:
    acc = score(run.items).acc
    if acc is None:
        raise RecipeMPRError(f"{run.run.source}: {run.reason or 'no accuracy'}")
    return acc


def _share_of_a(run: Run) -> float:
    return share_choosing([[float(ll) for ll, _ in sample["filtered_resps"]] for sample in run.samples or []], 0)


def rendered(text: str, blocks: dict[str, str]) -> str:
    """Return a document with the table between each block's two markers replaced.

    Raises:
        RecipeMPRError: a block's markers are not there.
    """
    for name, table in blocks.items():
        pattern = re.compile(f"<!-- {re.escape(name)} -->.*?<!-- end of {re.escape(name)} -->", re.DOTALL)
        if not pattern.search(text):
            raise RecipeMPRError(f"no '<!-- {name} -->' and '<!-- end of {name} -->' in the document")
        new = _BLOCK.format(name=name, table=table)
        text = pattern.sub(lambda _, new=new: new, text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    document = Path(sys.argv[1])
    write_atomic(document, rendered(document.read_text(), tables()))
