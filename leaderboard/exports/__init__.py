"""Write the leaderboard's ranked rows in the formats of other projects, by each format's library or schema.

`credit` (who is credited with a score) and `fields` (what is exported with it) feed the writers in `EXPORTS`.
The same boards give the same bytes: no clock and no random number is read.
"""

from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from recipe_mpr_task.errors import RecipeMPRError

if TYPE_CHECKING:
    from leaderboard.rank.ranking import Board
    from recipe_mpr_task.item import Item


EXPORTS = {
    ".eval_results": "leaderboard.exports.hub:eval_results_files",
    "model-index": "leaderboard.exports.hub:model_index_files",
    "every_eval_ever": "leaderboard.exports.every_eval_ever:aggregate_and_sample_files",
}
"""Each format's writer, named as text, so that help texts load no format's library.

A writer takes `credit.CreditedRow`s and the dataset's texts. It returns the text of each file by its relative path.
"""


def export(boards: "Sequence[Board]", texts: "Mapping[str, Item] | None") -> dict[str, str]:
    """Return the text of every export of all ranked rows, by path below the exports folder.

    Args:
        boards: all boards of the leaderboard.
        texts: items by id; None omits all dataset texts.

    Raises:
        RecipeMPRError: a format's library is missing or too old.
    """
    try:
        from leaderboard.exports.credit import credited

        writers = [resolve_name(writer) for writer in EXPORTS.values()]
    except ImportError as error:
        raise RecipeMPRError(f"--exports needs huggingface-hub 1.4 or newer ({error})") from None
    rows = [(row, credited(row)) for board in boards for row in board.rows if row.rank is not None]
    return dict(sorted(entry for write in writers for entry in write(rows, texts).items()))
