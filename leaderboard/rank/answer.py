"""Find a board's main result: the best system that was measured here, and the gap to the next system."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.rank.published import Claim, published_claims
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import AgainstLeader
from leaderboard.rank.seeds import median_seeds, seeds_of
from recipe_mpr_task import statistics


@dataclass(frozen=True)
class Rival:
    """Another ranked system that was measured here, compared with the best system on the same items.

    `against_best` has the rival's accuracy minus the best system's accuracy.
    """

    row: Row
    against_best: AgainstLeader

    @property
    def is_level(self) -> bool:
        """Whether the paired test finds no difference between the rival and the best system."""
        return self.against_best.p_holm >= statistics.LEVEL


@dataclass(frozen=True)
class Answer:
    """The main result of one board. None means that the board has no such row.

    Attributes:
        best: the ranked row with the highest accuracy among the rows that were run here. Of several
            seeds of one recipe, only the median seed is considered.
        n_seeds: number of ranked seeds of the best row's recipe.
        rivals: ranked rows of other systems that were run here, highest accuracy first, one seed of each recipe.
        recounted: the ranked row with the highest accuracy among those recomputed from published answers.
        claim: the highest published claim on these items. Claims with items seen in training are left out.
    """

    best: Row | None
    n_seeds: int
    rivals: tuple[Rival, ...]
    recounted: Row | None
    claim: Claim | None

    @property
    def level(self) -> tuple[Rival, ...]:
        """The rivals that are tied with the best system in the paired test."""
        return tuple(rival for rival in self.rivals if rival.is_level)


def answer_of(board: Board) -> Answer:
    """Return a board's main result. Only a row that was run here can be the best row."""
    ranked = [row for row in board.rows if row.rank is not None]
    measured = [row for row in ranked if row.evidence == "run here"]
    systems = median_seeds(measured)
    best = systems[0] if systems else None
    return Answer(
        best,
        len(seeds_of(best, measured)) if best else 0,
        _rivals(best, ranked, systems) if best else (),
        next((row for row in ranked if row.evidence == "recounted"), None),
        _highest_claim(board.key),
    )


def _rivals(best: Row, ranked: Sequence[Row], systems: Sequence[Row]) -> tuple[Rival, ...]:
    """Return the rivals: the rows of `systems` except the best one.

    All ranked rows are tested and corrected together, as for the range of the best row's rank.
    """
    others = [row for row in ranked if row is not best]
    if best is ranked[0]:
        compared = [row.against_leader for row in others]
    else:
        accuracies = np.column_stack([row.items.accuracies for row in others])
        corrected, agreeing = statistics.holm_agreeing(statistics.compare_with(accuracies, best.items.accuracies))
        compared = [
            AgainstLeader.rounded(comparison, p_holm)
            for comparison, p_holm in zip(agreeing, corrected.tolist(), strict=True)
        ]
    ids = {row.id for row in systems}
    return tuple(
        Rival(row, against) for row, against in zip(others, compared, strict=True) if against and row.id in ids
    )


def _highest_claim(board: str) -> Claim | None:
    usable = [
        claim
        for claim in published_claims()
        if claim.board == board and not claim.overlap and claim.data == "pinned" and claim.score.acc is not None
    ]
    return max(usable, key=lambda claim: claim.score.acc or 0.0, default=None)
