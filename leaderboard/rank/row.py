"""Define a row of the leaderboard: the result of one system on one board."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from leaderboard.load.item_sets import ItemSet
from leaderboard.rank.row_items import NO_ITEMS, RowItems
from leaderboard.rank.row_parts import (
    AgainstLeader,
    Asked,
    ConstantLetter,
    Cost,
    Keys,
    LoadedNames,
    Metric,
    Origin,
    PositionProfile,
    Score,
    Spread,
    Tries,
)
from leaderboard.verify.identity import Kind
from leaderboard.verify.prompts import Evidence
from leaderboard.verify.statuses import STATUSES, StatusName
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.names import slug
from recipe_mpr_task.result_records import TrainingRecord


@dataclass(frozen=True)
class Row:
    """The result of one system on one board.

    Attributes:
        reason: why the row has its status.
        types: score by query type; a type without items is absent.
        source: the file that the row was read from. A pooled row lists all its files, joined by ", ".
        rank: rank on the board, 1 for the best; None if the row is not ranked.
        rank_low, rank_high: best and worst possible rank, from `rank_ranges`; None if the row is not ranked.
        metrics: metrics by key; a metric that the task does not have is absent.
        is_invariant: on circular boards, whether the system scores each option alone, so rotations change nothing.
        protocol: how the score was obtained, such as "5 folds pooled"; "" for a single run.
        clean_subset: if the status is "overlap", the score on the items known to be unseen in training; else None.
        from_random_weights: whether the model has random weights, or was trained from a model with random weights.
        date: time of the run, in seconds since 1970.
        items: the results item by item; empty if unknown, as for a reported row.
        position: position bias; None if the options had several orders or an unknown order, or if no option was chosen.
        flags: notes for a reader. Notes do not change the rank.
        around: the constant texts around the prompts, with placeholders for prompts and answers. Runs with
            different settings have different texts. Empty if no prompts were logged or read.
        item_set: the set of items that an importer named; None for the items of a task.
        origin: where an imported system's answers were published.
        gold_letters: for each letter A to E, the number of items whose right option had the letter when the system saw
            the item, shape (5,); empty if the order is unknown or if an item was shown in several orders.
        no_rank: why the row has no rank, although the row's status allows one; "" if a rank is possible.
        is_tied: whether the paired test finds no difference from the leader; None if the row was not compared.
        against_leader: None for the leader, and for a row that was not compared.
    """

    system: str
    kind: Kind | Literal["reported"]
    status: StatusName
    reason: str
    board: str
    task: str
    task_version: int | None
    score: Score
    types: dict[str, Score]
    params: int | None
    source: str
    evidence: Evidence
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    metrics: dict[str, Metric] = field(default_factory=dict)
    is_invariant: bool = False
    protocol: str = ""
    spread: Spread | None = None
    clean_subset: Score | None = None
    has_samples: bool = True
    from_random_weights: bool = False
    asked: Asked = field(default_factory=Asked)
    loaded: LoadedNames = field(default_factory=LoadedNames)
    training: TrainingRecord | None = None
    keys: Keys = field(default_factory=Keys)
    cost: Cost = field(default_factory=Cost)
    date: float | None = None
    lm_eval_version: str | None = None
    tries: Tries | None = None
    items: RowItems = NO_ITEMS
    position: PositionProfile | None = None
    flags: tuple[str, ...] = ()
    curve: tuple[dict[str, int | float], ...] = ()
    around: tuple[str, ...] = ()
    item_set: ItemSet | None = None
    origin: Origin = field(default_factory=Origin)
    gold_letters: tuple[int, ...] = ()
    no_rank: str = ""
    is_tied: bool | None = None
    against_leader: AgainstLeader | None = None

    @cached_property  # a build of 10,000 rows reads the id more than 100,000 times
    def id(self) -> str:
        """A name for files and URLs. The name stays the same if the row is built again from the same results."""
        identity = self.keys.identity[:12] or None
        key = f"{identity}|{self.board}|{self.task}|{self.source}|{self.reason}|{self.system}"
        return f"{slug(self.system[:60].lower(), 40)}-{sha256_of(key.encode(errors='replace'))[:10]}"

    @property
    def is_contender(self) -> bool:
        """Whether the row gets a rank on its board."""
        return STATUSES[self.status].is_ranked and not self.no_rank and self.score.acc is not None

    @property
    def constant_letter(self) -> ConstantLetter | None:
        """The accuracy of answering all items with the best letter; None if the order is unknown."""
        total = sum(self.gold_letters)
        if not total:
            return None
        most = max(range(N_OPTIONS), key=lambda k: self.gold_letters[k])
        return ConstantLetter(LETTERS[most], Score.of(self.gold_letters[most], total))

    @property
    def stderr(self) -> float | None:
        """Standard error of the accuracy: sd over items / sqrt(n), as in lm-eval; None if unknown or if n < 2."""
        if (n := len(self.items)) < 2 or self.score.acc is None:
            return None
        return math.sqrt(math.fsum((self.items.accuracies - self.score.acc) ** 2) / (n - 1) / n)

    @property
    def chance_corrected(self) -> float | None:
        """Accuracy rescaled as (acc - 1/5) / (1 - 1/5): 0 is chance, 1 is perfect. None if the accuracy is unknown."""
        return None if self.score.acc is None else (self.score.acc - 1 / N_OPTIONS) / (1 - 1 / N_OPTIONS)
