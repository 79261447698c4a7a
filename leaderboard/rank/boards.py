"""Make boards from the rows of single runs: exclude repeats, pool folds and prompts, add reported rows, rank."""

from collections import defaultdict
from collections.abc import Iterable

from leaderboard.rank.copies import mark_copies, mark_one_letter
from leaderboard.rank.duplicates import mark_read_twice, mark_repeated_rows, mark_repeats
from leaderboard.rank.item_set_boards import complete
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
    "recipe_mpr_options_only": "Query withheld: accuracy from the options alone",
    "recipe_mpr_sample": "Embedded sample of 60 items: shows that the tools run, not how good a model is",
    "recipe_mpr_file_order": "File order, to demonstrate the flaw: the right option is always A",
    "recipe_mpr_test_file_order": "File order on the held-out split, to demonstrate the flaw",
}


def build_boards(runs: Iterable[Row], known: Iterable[Row] = ()) -> list[Board]:
    """Return all boards that have rows, the main board first. On each board, ranked rows come first.

    Args:
        runs: the rows of single runs.
        known: rows of other runs, which boards of imported sets show for comparison.
    """
    runs = list(runs)
    rows = complete(_rows(runs), _rows(list(known)) if any(row.item_set for row in runs) else ())
    by_board: dict[str, list[Row]] = defaultdict(list)
    for row in (*rows, *published_rows()):
        by_board[row.board].append(row)
    own = {row.board: row.item_set.title for row in rows if row.item_set}
    # Boards of imported sets come last, so the page never opens with one.
    titles = _TITLES | {
        key: own.get(key, key) for key in sorted(by_board, key=lambda k: (k in own, k)) if key not in _TITLES
    }
    return [board_of(key, title, by_board[key]) for key, title in titles.items() if key in by_board]


def _rows(runs: list[Row]) -> list[Row]:
    """Return the rows of all boards: repeats excluded, folds and prompts pooled, flags added."""
    kept = mark_repeats(runs)
    pooled = {task for group in POOLS for task in group.tasks}
    rows = [row for row in kept if row.task not in pooled]
    for group in POOLS:
        rows += pool(group, [row for row in kept if row.task in group.tasks])
    once = mark_read_twice(mark_repeated_rows(rows))
    return mark_tries(mark_namesakes(mark_copies(mark_one_letter(once))), runs)
