"""Write the leaderboard's ranked rows in the formats of other projects.

`EXPORTS` lists the writers. `credit` decides who is credited with a score, and `fields` returns the values that are
exported with a score. The same boards give the same bytes, because no writer uses a clock or random numbers.
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
"""The writer of each format, as text, so that `--help` does not import the formats' libraries.

A writer takes a list of `credit.CreditedRow`, the dataset's items by id or None, and the dataset's id on the Hub or
None. It returns file texts by path.
"""


def export(
    boards: "Sequence[Board]", texts: "Mapping[str, Item] | None", hub_dataset: str | None = None
) -> dict[str, str]:
    """Export all ranked rows in every format. Return the file texts by path in the exports folder.

    Args:
        boards: all boards of the leaderboard.
        texts: the dataset's items by id; None to export no dataset texts.
        hub_dataset: id of the dataset on the Hugging Face Hub, OWNER/NAME; None to name the GitHub repository.

    Raises:
        RecipeMPRError: a format's library is missing or too old.
    """
    try:
        from leaderboard.exports.credit import credited

        writers = [resolve_name(writer) for writer in EXPORTS.values()]
    except ImportError as error:
        raise RecipeMPRError(
            f"--exports needs huggingface-hub 1.4 or newer ({error}); run pip install -U huggingface-hub"
        ) from None
    ranked = (row for board in boards for row in board.rows if row.rank is not None)
    # Other projects have no task for an imported set.
    rows = [(row, credited(row)) for row in ranked if row.item_set is None]
    return dict(sorted(entry for write in writers for entry in write(rows, texts, hub_dataset).items()))
