"""Make the leaderboard and a naive table from folders of runs, for `test_exploits.py` and `test_honest.py`."""

import importlib
import json
import statistics
from pathlib import Path
from typing import Any

from leaderboard.collect import read_rows
from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.boards import build_boards
from leaderboard.rank.row import Row
from leaderboard.site.item_board import board_files, calibrations_of
from leaderboard.site.page import index_page, system_page
from leaderboard.site.page_data import content_of, system_content, to_json
from leaderboard.site.tables import to_csv, to_markdown

HONEST = "org/honest"


def collected(prefix: str, name: str) -> dict[str, Any]:
    """Return the merged dictionaries `name` of the modules in `tests/exploits/` whose names start with `prefix`."""
    entries: dict[str, Any] = {}
    for path in sorted((Path(__file__).parents[1] / "exploits").glob(f"{prefix}*.py")):
        entries |= getattr(importlib.import_module(f"tests.exploits.{path.stem}"), name, {})
    return entries


class Table:
    """The leaderboard of a folder, built as `recipe-mpr leaderboard` builds it."""

    def __init__(self, folder: Path) -> None:
        rows, skipped = read_rows([folder])
        boards = build_boards(rows)
        self.rows = [row for board in boards for row in board.rows if row.kind != "reported"]
        self.skipped = [s.reason for s in skipped]
        self.markdown, self.csv = to_markdown(boards, skipped), to_csv(boards)
        content = content_of(boards, skipped)
        self.json, self.page = to_json(content), index_page(content)
        shown = {row["id"]: row for row in content["rows"]}
        self.systems = [
            system_page(system_content(row, shown[row.id], row.board)) for row in self.rows if shown[row.id]["page"]
        ]
        answers = {board.key: BoardAnswers.of(board) for board in boards}
        known = calibrations_of(answers.values())
        made = (board_files(board, answers[board.key], known, shown) for board in boards)
        self.board_files = [text for files in made for _, text in files]

    @property
    def honest(self) -> Row:
        """Return the row of the honest run, on its own board."""
        (row,) = [row for row in self.rows if row.system == HONEST and not row.no_rank]
        return row

    def rank_is_right(self) -> bool:
        """Return whether the honest row's rank is 1 plus the number of ranked rows with a higher accuracy."""
        mine = self.honest
        rivals = [row for row in self.rows if row.board == mine.board and row.rank]
        return mine.rank == 1 + sum(_accuracy(row) > _accuracy(mine) for row in rivals)


def _accuracy(row: Row) -> float:
    assert row.score.acc is not None
    return row.score.acc


def naive_table(folder: Path) -> dict[str, float]:
    """Return each name's mean accuracy over its tasks, best first, as a table without checks would show it."""
    best: dict[str, dict[str, float]] = {}
    for file in (*folder.rglob("results_*.json"), *folder.rglob("*.record.json")):
        content = json.loads(file.read_text())
        content = content.get("run", content)
        for task, metrics in content["results"].items():
            arguments = content["config"]["model_args"]
            named = content["configs"][task]["metadata"].get("recipe_mpr_system")
            by_task = best.setdefault(named or arguments.get("pretrained") or arguments.get("name"), {})
            by_task[task] = max(metrics["acc,none"], by_task.get(task, 0))
    means = {name: statistics.fmean(by_task.values()) for name, by_task in best.items()}
    return dict(sorted(means.items(), key=lambda entry: (-entry[1], entry[0])))
