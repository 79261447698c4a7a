"""Represent several training seeds of one recipe by the median seed, not by the luckiest one."""

from collections import defaultdict
from collections.abc import Sequence

from leaderboard.rank.row import Row


def seeds_of(row: Row, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that were trained by the row's recipe, the row included, in the given order."""
    return [other for other in rows if other is row or (row.keys.recipe and other.keys.recipe == row.keys.recipe)]


def median_seeds(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, with only the median seed of each recipe. Of an even number of seeds, keep the lower median.

    Args:
        rows: the rows of one board, highest accuracy first.
    """
    by_recipe: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.keys.recipe:
            by_recipe[row.keys.recipe].append(row)
    left_out = {id(row) for same in by_recipe.values() for row in same if row is not same[len(same) // 2]}
    return [row for row in rows if id(row) not in left_out]
