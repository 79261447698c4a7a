"""Define the statuses of rows: what each status means, whether it allows a rank, and how tables mark it."""

from dataclasses import dataclass
from typing import Literal

StatusName = Literal["clean", "unknown", "overlap", "reported", "excluded"]


@dataclass(frozen=True)
class Status:
    """One status.

    Attributes:
        is_ranked: whether rows with this status get a rank.
        badge: the text that marks the status in tables.
        words: the status in plain words, for the page.
        tone: the badge's colour on the page.
        help: what the status means, in one sentence.
    """

    name: StatusName
    is_ranked: bool
    badge: str
    words: str
    tone: Literal["good", "doubtful", "bad", "neutral"]
    help: str


_STATUSES = (
    Status("clean", True, "clean", "held out", "good",
           "Never trained, or the training record lists none of the scored items."),
    Status("unknown", True, "unknown ⚠", "training data unknown", "doubtful",
           "No record of the training data, which may include these items."),
    Status("overlap", False, "overlap", "trained on these items", "bad",
           "Trained or selected on scored items: no rank. The accuracy on the other items is shown."),
    Status("reported", False, "reported", "claim", "neutral", "Published by others, not run here: no rank."),
    Status("excluded", False, "excluded", "not comparable", "neutral",
           "Not comparable, for the reason given: no rank."),
)  # fmt: skip

STATUSES = {status.name: status for status in _STATUSES}
"""The statuses by name, from clean to excluded."""

RANKED = tuple(status.name for status in _STATUSES if status.is_ranked)
"""Names of the statuses whose rows get a rank: clean, then unknown."""
