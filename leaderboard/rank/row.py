"""A row of the leaderboard, and the interval that stands beside every score."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from statsmodels.stats.proportion import proportion_confint

from leaderboard.rank.position_bias import Position
from leaderboard.rank.row_items import NO_ITEMS, PackedItems
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import N_OPTIONS

LONGEST_NAME = 200
"""Characters of a system's name; a longer one is cut."""


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
        status: see `validate.run.STATUSES`.
        reason: why it has that status, in words.
        board: the board's key; ranks exist only inside a board.
        rank: 1 for the best; None where the row is not ranked.
        types: query type to Score; a type without items is absent.
        params: number of parameters; None if unknown.
        extra: further columns for the JSON, by name.
        identity: what two rows of one system share, asked the same way, see `validate.identity`; "" for reported rows.
        items: what the numbers were computed from; empty for a reported row.
        position: see `position.position_profile`; None where the options stood in no one order, or nobody knows it.
        flags: what a reader should know of a row though it keeps its rank, in words.
        history: values logged in training, by step.
        around: the constant texts around the prompts that the model was shown, in full, with placeholders for prompts
            and answers; one for each way that the row's runs were asked, empty where no prompts were logged or read.
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
    identity: str = ""
    items: PackedItems = NO_ITEMS
    position: Position | None = None
    flags: tuple[str, ...] = ()
    history: tuple[dict[str, float], ...] = ()
    around: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """A name for files and URLs: of the same row, found at the same place, the same in any build."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.system[:60].lower()).strip("-")[:40].strip("-")
        key = f"{self.extra.get('identity')}|{self.board}|{self.task}|{self.source}|{self.reason}|{self.system}"
        return f"{slug or 'system'}-{sha256_of(key.encode(errors='replace'))[:10]}"

    @property
    def stderr(self) -> float | None:
        """Standard error of the accuracy over items, sd / sqrt(n), as lm-eval computes it; None without items."""
        n = len(self.items)
        if n < 2 or self.score.acc is None:
            return None
        return math.sqrt(math.fsum((self.items.accuracies - self.score.acc) ** 2) / (n - 1) / n)

    @property
    def chance_corrected(self) -> float | None:
        """(acc - 1/5) / (1 - 1/5): 0 is chance, 1 is perfect."""
        return None if self.score.acc is None else (self.score.acc - 1 / N_OPTIONS) / (1 - 1 / N_OPTIONS)

    def _around_prompts(self) -> dict[str, Any] | None:
        """Hash and number of characters of the texts around the prompts; the system's page has the texts."""
        text = "\n".join(self.around)
        return {"characters": len(text), "sha256": sha256_of(text.encode(errors="replace"))} if text else None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as `leaderboard.json` shows it."""
        return {
            "id": self.id,
            "system": self.system,
            "kind": self.kind,
            "status": self.status,
            "reason": self.reason,
            "flags": list(self.flags),
            "rank": self.rank,
            "board": self.board,
            "task": self.task,
            "task_version": self.task_version,
            "n": self.score.n,
            "acc": self.score.acc,
            "acc_low": self.score.low,
            "acc_high": self.score.high,
            "stderr": self.stderr,
            "chance_corrected": self.chance_corrected,
            "types": {name: score.as_dict() for name, score in self.types.items()},
            "params": self.params,
            "source": self.source,
            "around_prompts": self._around_prompts(),
            **self.extra,
        }
