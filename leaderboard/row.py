"""A row of the leaderboard, and the interval that stands beside every score."""

from dataclasses import dataclass, field, replace
from typing import Any

from statsmodels.stats.proportion import proportion_confint


@dataclass(frozen=True)
class Score:
    """An accuracy with what it rests on.

    Attributes:
        acc: fraction in [0, 1]; None where there is no item.
        n: number of items; None for a level that was not measured, such as chance.
        low: lower end of the 95% Wilson interval, a fraction.
        high: its upper end.
    """

    acc: float | None
    n: int | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, correct: float, n: int) -> "Score":
        """Score `correct` of `n` items; shared ties make `correct` fractional.

        Wilson (1927), (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), by statsmodels.
        """
        if n == 0:
            return cls(None, 0, None, None)
        low, high = proportion_confint(correct, n, alpha=0.05, method="wilson")
        return cls(correct / n, n, float(low), float(high))

    def as_dict(self) -> dict[str, Any]:
        """Return {n, acc, low, high}."""
        return {"n": self.n, "acc": self.acc, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Row:
    """One system on one board.

    Attributes:
        kind: causal, encoder, baseline, imported or reported.
        status: see `validate.STATUSES`.
        reason: why it has that status, in words.
        board: the board's key; ranks exist only inside a board.
        rank: 1 for the best; None where the row is not ranked.
        types: query type to Score; a type without items is absent.
        params: number of parameters; None if unknown.
        extra: further columns for the JSON, by name.
    """

    system: str
    kind: str
    status: str
    reason: str
    board: str
    task: str
    task_version: int | None
    score: Score
    types: dict[str, Score]
    params: int | None
    source: str
    rank: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def ranked(self, rank: int) -> "Row":
        """Return the row with its rank."""
        return replace(self, rank=rank)

    def as_dict(self) -> dict[str, Any]:
        """Return the row as `leaderboard.json` shows it."""
        return {
            "system": self.system,
            "kind": self.kind,
            "status": self.status,
            "reason": self.reason,
            "rank": self.rank,
            "board": self.board,
            "task": self.task,
            "task_version": self.task_version,
            "n": self.score.n,
            "acc": self.score.acc,
            "acc_low": self.score.low,
            "acc_high": self.score.high,
            "types": {name: score.as_dict() for name, score in self.types.items()},
            "params": self.params,
            "source": self.source,
            **self.extra,
        }
