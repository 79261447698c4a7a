"""List the statuses of rows: what each means, whether it is ranked, how it is marked."""

from dataclasses import dataclass
from typing import Literal

StatusName = Literal["clean", "unknown", "overlap", "reported", "excluded"]


@dataclass(frozen=True)
class Status:
    """One status.

    Attributes:
        badge: how tables mark it.
        tone: which of the page's colours marks it: good, doubtful, bad or neutral.
        help: what it means, in one sentence.
    """

    name: StatusName
    is_ranked: bool
    badge: str
    tone: Literal["good", "doubtful", "bad", "neutral"]
    help: str


_STATUSES = (
    Status("clean", True, "clean", "good", "Never trained, or its training record names none of the scored items."),
    Status("unknown", True, "unknown ⚠", "doubtful",
           "Nothing tells what it was trained on, these items perhaps included."),
    Status("overlap", False, "overlap", "bad",
           "Trained or selected on scored items: no rank; its score on the other items is shown."),
    Status("reported", False, "reported", "neutral", "Published by others, not run here: no rank."),
    Status("excluded", False, "excluded", "neutral", "Not comparable, for the reason given: no rank."),
)  # fmt: skip

STATUSES = {status.name: status for status in _STATUSES}
"""By name, the least doubtful first."""

RANKED = tuple(status.name for status in _STATUSES if status.is_ranked)
"""Names of the statuses that have a rank, the least doubtful first."""
