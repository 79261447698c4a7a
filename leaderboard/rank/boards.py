"""Make boards from the rows of single runs: exclude repeats, pool folds and prompts, add reported rows, rank."""

from collections import defaultdict
from collections.abc import Iterable

from leaderboard.rank.copies import mark_copies, mark_one_letter
from leaderboard.rank.duplicates import mark_read_twice, mark_repeated_rows, mark_repeats
from leaderboard.rank.pooling import MAIN_BOARD, POOLS, pool
from leaderboard.rank.published import published_rows
from leaderboard.rank.ranking import Board, board_of
from leaderboard.rank.row import Row
from leaderboard.rank.tries import mark_namesakes, mark_tries

_TITLES = {
    MAIN_BOARD: "All 500 items",
    "recipe_mpr_test": "Published held-out split, 50 items",
    "recipe_mpr_circular": "Every item in five rotations: accuracy averaged over positions",
    "recipe_mpr_prompts": "Prompt sensitivity: mean accuracy over five templates",
    "recipe_mpr_generate": "Letters read from generated text",
    "recipe_mpr_cloze": "Likelihood of the option texts",
    "recipe_mpr_options_only": "The query withheld: what the options give away",
    "recipe_mpr_sample": "Embedded sample, 60 items of our own: shows that it runs, not how good a model is",
    "recipe_mpr_file_order": "File order, the flaw for demonstration: the gold option is always A",
    "recipe_mpr_test_file_order": "File order on the held-out split, the flaw for demonstration",
}


def build_boards(runs: Iterable[Row]) -> list[Board]:
    """Return all boards that have rows, the main board first. On each board, ranked rows come first."""
    runs = list(runs)
    kept = mark_repeats(runs)
    pooled = {task for group in POOLS for task in group.tasks}
    rows = [row for row in kept if row.task not in pooled]
    for group in POOLS:
        rows += pool(group, [row for row in kept if row.task in group.tasks])
    by_board: dict[str, list[Row]] = defaultdict(list)
    once = mark_read_twice(mark_repeated_rows(rows))
    flagged = mark_namesakes(mark_copies(mark_one_letter(once)))
    for row in (*mark_tries(flagged, runs), *published_rows()):
        by_board[row.board].append(row)
    titles = _TITLES | {key: key for key in sorted(by_board) if key not in _TITLES}
    return [board_of(key, title, by_board[key]) for key, title in titles.items() if key in by_board]
