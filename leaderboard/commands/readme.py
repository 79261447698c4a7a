"""Render the generated tables and pictures of README and docs, from the committed records and the registries.

In a checkout, run `python -m leaderboard.commands.readme`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from tabulate import tabulate

from leaderboard.collect import read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.rank.seeds import median_seeds
from leaderboard.site.columns import MARKDOWN
from leaderboard.site.figures import write_figures
from leaderboard.site.results import to_results
from leaderboard.site.tables import ranked_table
from leaderboard.verify.forensics import RESULTS
from leaderboard.verify.statuses import STATUSES
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.metrics import METRICS

_EXPLOIT_TASKS = ("recipe_mpr_test_file_order", "recipe_mpr_test")
_README, _DOCS = Path("README.md"), Path("docs")
_PICTURES = ("accuracy-recipe-mpr", "dataset-flaw")
_SHOWN = ("rank", "system", "evidence", "params", "acc", "status")
_N_BEST = 5
_CONSTANT_LETTER = "first"
"""The baseline that always answers "A"."""


def documents(folder: Path = RESULTS) -> dict[Path, str]:
    """Return each document that has generated parts, by path in the checkout, computed from a folder of records.

    - README.md, "results": the five best systems of the main board, and the baseline that always answers "A". Of
      several seeds of one recipe, only the median is listed.
    - docs/results.md: all boards and claims. The whole file is generated.
    - docs/findings.md, "exploit": each causal model's accuracy with the options in file order and in shuffled order,
      and its share of answers "A" in shuffled order.
    - docs/tasks.md, "metrics", and docs/trust.md, "statuses": the registries.

    Raises:
        RecipeMPRError: a record is broken, or a document lacks a marker.
    """
    rows, skipped = read_rows([folder])
    if skipped:
        raise RecipeMPRError("; ".join(f"{s.source}: {s.reason}" for s in skipped))
    boards = build_boards(rows)
    blocks = {
        _README: {"results": _results(boards)},
        _DOCS / "findings.md": {"exploit": _exploit(rows)},
        _DOCS / "tasks.md": {"metrics": _metrics()},
        _DOCS / "trust.md": {"statuses": _statuses()},
    }
    texts = {document: rendered(document.read_text(), tables) for document, tables in blocks.items()}
    return {**texts, _DOCS / "results.md": to_results(boards)}


def _results(boards: Sequence[Board]) -> str:
    (board,) = (board for board in boards if board.key == MAIN_BOARD)
    ranked = median_seeds([row for row in board.rows if row.rank is not None])
    baseline = [row for row in ranked[_N_BEST:] if row.system == _CONSTANT_LETTER]
    return ranked_table([*ranked[:_N_BEST], *baseline], leave_out={column.key for column in MARKDOWN} - set(_SHOWN))


def _metrics() -> str:
    cells = [[f"`{metric.key}`", metric.help, "higher" if metric.higher_is_better else "lower"] for metric in METRICS]
    return _table(cells, ["Metric", "Meaning", "Better"])


def _statuses() -> str:
    cells = [[f"`{status.name}`", "yes" if status.is_ranked else "no", status.help] for status in STATUSES.values()]
    return _table(cells, ["Status", "Rank", "Meaning"])


def _table(cells: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(cells, headers, tablefmt="pipe", disable_numparse=True)


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
    return _table(lines, headers)


def _by_size(entry: tuple[str, dict[str, Row]]) -> tuple[int, str]:
    system, of_task = entry
    return -min(row.params or 0 for row in of_task.values()), system


def _whole(row: Row, fraction: float | None) -> str:
    if fraction is None:
        raise RecipeMPRError(f"{row.source}: {row.reason}")
    return f"{100 * fraction:.0f}"


def rendered(text: str, blocks: dict[str, str]) -> str:
    """Return the document with each block's table between its markers. Raise RecipeMPRError if a marker is missing."""
    for name, table in blocks.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, has_start, rest = text.partition(start)
        _, has_end, after = rest.partition(end)
        if not (has_start and has_end):
            raise RecipeMPRError(f"the document lacks '{start}' or '{end}'; add both markers")
        text = f"{before}{start}\n\n{table}\n\n{end}{after}"
    return text


def write_pictures(folder: Path) -> list[Path]:
    """Write README's pictures to a folder: the main board's chart and the dataset's flaw. Return their paths."""
    rows, _ = read_rows([RESULTS])
    main = [board for board in build_boards(rows) if board.key == MAIN_BOARD]
    return write_figures(main, folder, _PICTURES)


if __name__ == "__main__":
    for document, text in documents().items():
        write_atomic(document, text)
    for picture in write_pictures(_DOCS / "figures"):
        if picture.suffix == ".png":
            picture.unlink()
