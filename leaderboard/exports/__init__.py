"""The leaderboard's ranked rows in the formats of others, each as the library or schema of that format has it.

`credit` (whom a number belongs to) and `facts` (what travels with it) feed the writers: `hub` (Hugging Face's
`.eval_results` and model-index), `every_eval_ever` (aggregate) and `samples` (its item by item companion).
Same boards, same bytes: no clock and no randomness is read. Texts of the dataset go in only if they are handed in.
"""

from collections.abc import Mapping, Sequence

from leaderboard.exports.credit import Credit, credited
from leaderboard.exports.every_eval_ever import aggregate_and_samples
from leaderboard.exports.hub import eval_results_file, model_index_file
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from recipe_mpr_task.item import Item


def export(boards: Sequence[Board], texts: Mapping[str, Item] | None) -> dict[str, str]:
    """Render every export of every ranked row; a row without rank is in none.

    Args:
        boards: the leaderboard's.
        texts: items by id, where the dataset is at hand; None leaves every text of it out.

    Returns:
        Path below the exports folder, with "/", to the file's text.
    """
    files: dict[str, str] = {}
    by_model: dict[str, list[tuple[Row, Credit]]] = {}
    for row in (row for board in boards for row in board.rows if row.rank is not None):
        credit = credited(row)
        files |= aggregate_and_samples(row, credit, texts)
        if credit.has_card:
            files |= eval_results_file(row, credit)
            by_model.setdefault(credit.id, []).append((row, credit))
    for of_model in by_model.values():
        files |= model_index_file([row for row, _ in of_model], of_model[0][1])
    return dict(sorted(files.items()))
