"""Boards as one object of plain values: `leaderboard.json`, and all that `index.html` shows."""

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from leaderboard.load.find import Skipped
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.system_data import has_page
from recipe_mpr_task import TASK_VERSION

_LONGEST_TEXT = 500


def content_of(boards: Sequence[Board], skipped: Sequence[Skipped], target: float | None = None) -> dict[str, Any]:
    """Return the object of `leaderboard.json`, which is also all that `index.html` shows.

    Args:
        boards: see `compute.boards.build_boards`.
        skipped: files that hold no run.
        target: an accuracy to draw a line at, a fraction.

    Returns:
        `rows` in board order, fractions in [0, 1]; of a board its sizes by query type, the smallest differences that
        can be detected, and the matrix of pairs.
    """
    return {
        "task_version": TASK_VERSION,
        "floors": floors(),
        "target": target,
        "boards": [
            {
                "board": board.key,
                "title": board.title,
                "rows": len(board.rows),
                "sizes": board.sizes,
                "minimal_detectable_effect": board.detectable or None,
                "pairwise": board.matrix,
            }
            for board in boards
        ],
        "rows": [_with_page(row) for board in boards for row in board.rows],
        "skipped": [{"source": short(s.source), "reason": short(s.reason)} for s in skipped],
    }


def _with_page(row: Row) -> dict[str, Any]:
    shown: dict[str, Any] = _bounded(row.as_dict())
    return shown | {"page": f"systems/{row.id}.html" if has_page(row) else None}


def _bounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bounded(inner) for inner in value]
    return short(value) if isinstance(value, str) else value


def short(text: str) -> str:
    """Cut a text that would swell the files."""
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def to_json(content: dict[str, Any]) -> str:
    """Return `leaderboard.json`."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@lru_cache(maxsize=1)
def floors() -> dict[str, float]:
    """Return what rules that cannot see the order reach without answering, from the committed audit."""
    found = json.loads((files("recipe_mpr_task") / "audit.json").read_text())["artifacts"]
    return {a["name"]: a["acc"] for a in found if "position" not in a["reads"]}
