"""A run with its verdict: what the checks hand on to ranking."""

from dataclasses import dataclass

from leaderboard.load.schema import Run
from leaderboard.verify.items import ItemResult
from leaderboard.verify.statuses import StatusName


@dataclass(frozen=True)
class VerifiedRun:
    """A run, its items computed anew, and its status.

    Attributes:
        items: the items whose numbers can be believed; empty if the run's documents are not genuine.
        reason: why the run has its status.
        flags: notes for a reader, which leave the rank as it is.
        around: the text around the prompts, see `surroundings.Surroundings.as_text`; "" if it is not known.
    """

    run: Run
    items: tuple[ItemResult, ...]
    status: StatusName
    reason: str
    flags: tuple[str, ...] = ()
    around: str = ""

    @property
    def unseen_items(self) -> tuple[ItemResult, ...]:
        """The items known to be neither trained nor validated on."""
        return tuple(item for item in self.items if item.seen == 0)
