"""Write the main plots as SVG and PNG files, for papers and READMEs. The page shows the same numbers.

accuracy-BOARD        accuracy with intervals, and claims
forest-BOARD          difference from the leader
parameters-BOARD      accuracy against parameters
calibration-BOARD     accuracy by confidence
difficulty-BOARD      number of items by the number of systems that are right
dataset-flaw          accuracy of always answering "A", in file order and in shuffled order
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.ranking import Board
from leaderboard.site.item_board import board_name

Draw = Callable[[Board, BoardAnswers], Any]
"""Return a board's figure; None if the board has nothing to draw."""


def write_figures(boards: Sequence[Board], folder: Path, names: Container[str] | None = None) -> list[Path]:
    """Draw the figures of all boards with at least two ranked systems. Return the paths of the files.

    If `names` is given, only figures with these names are written.
    """
    from leaderboard.site.figures.style import look, save

    with look():
        drawn = ((name, figure) for name, figure in _figures(boards) if names is None or name in names)
        return [path for name, figure in drawn for path in save(figure, folder, name)]


def _figures(boards: Sequence[Board]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the figure of each plot. Only one figure is open at a time."""
    from leaderboard.site.figures.flaw import draw_flaw

    yield "dataset-flaw", draw_flaw()
    for board in boards:
        if sum(row.rank is not None for row in board.rows) < 2:
            continue
        answers = BoardAnswers.of(board)
        for kind, draw in _draws().items():
            if (figure := draw(board, answers)) is not None:
                yield f"{kind}-{board_name(board.key)}", figure


def _draws() -> Mapping[str, Draw]:
    from leaderboard.site.figures.accuracy import draw_accuracy, draw_parameters
    from leaderboard.site.figures.forest import draw_forest
    from leaderboard.site.figures.items import draw_calibration, draw_difficulty

    return {
        "accuracy": draw_accuracy,
        "forest": draw_forest,
        "parameters": draw_parameters,
        "calibration": draw_calibration,
        "difficulty": draw_difficulty,
    }
