"""A row of the leaderboard: one system on one board, every field typed."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from statsmodels.stats.proportion import proportion_confint

from leaderboard.rank.row_items import NO_ITEMS, RowItems
from leaderboard.verify.identity import Kind
from leaderboard.verify.prompts import Evidence
from leaderboard.verify.statuses import StatusName
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.names import slug
from recipe_mpr_task.result_records import TrainingRecord
from recipe_mpr_task.statistics import Comparison


@dataclass(frozen=True)
class Score:
    """An accuracy and its 95% Wilson interval, fractions in [0, 1]; None without items.

    `n`, the number of items, is None for a level that was not measured, such as chance.
    """

    acc: float | None
    n: int | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, correct: float, n: int) -> "Score":
        """Score `correct` of `n` items, with the interval of Wilson (1927); shared ties make `correct` fractional."""
        if n == 0:
            return cls(None, 0)
        low, high = proportion_confint(correct, n, alpha=0.05, method="wilson")
        return cls(correct / n, n, float(low), float(high))


@dataclass(frozen=True)
class Metric:
    """The mean of one metric of `recipe_mpr_task.metrics.METRICS`, with its 95% interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PositionProfile:
    """Position bias by letter, A to E: the share of a row's answers, and the accuracy where gold is at the letter.

    `recall` is None where gold never is, or an accuracy is missing; tied options share an answer.
    """

    answers: tuple[float, ...]
    recall: tuple[float | None, ...]


@dataclass(frozen=True)
class Asked:
    """How a causal model was asked; unknown for imported systems. Encoders and baselines read no prompt.

    Attributes:
        shots: number of few-shot examples; None if unknown.
        prompt: the template's name, "other" for a text that is none of ours, "all" where prompts are pooled.
        generation: settings of generated text; None if options were scored.
    """

    shots: int | None = None
    prompt: str | None = None
    chat_template: bool = False
    system_text: bool = False
    generation: dict[str, Any] | None = None


@dataclass(frozen=True)
class LoadedNames:
    """The names of what was loaded; of a folder's path only the last part. None if unknown.

    `base_from` and `adapter_from` are "hub" or "folder"; `backend` is lm-eval's name of the model type.
    """

    base: str | None = None
    base_from: str | None = None
    adapter: str | None = None
    adapter_from: str | None = None
    revision: str | None = None
    baseline: str | None = None
    backend: str | None = None


@dataclass(frozen=True)
class Keys:
    """Hashes that rows of one model, system or recipe share, see `verify.identity`; None if unknown.

    All but `identity` are cut to 12 digits.

    Attributes:
        identity: one measurement: the model, and how it was asked. "" for reported rows.
        same_as: for a run that was read twice, the identity of the row that counts.
        content: the files that were loaded.
        system: the system, whatever its settings, backend or precision.
        server: address and model name of a server.
        setting: how the model was asked.
        recipe: a training recipe without its seed.
        dtype: of the loaded weights.
    """

    identity: str = ""
    same_as: str | None = None
    content: str | None = None
    system: str | None = None
    server: str | None = None
    setting: str | None = None
    recipe: str | None = None
    seed: int | float | str | None = None
    dtype: str | None = None

    @property
    def measurement(self) -> str:
        """The identity under which the row counts: `same_as` if the run was read twice."""
        return self.same_as or self.identity


@dataclass(frozen=True)
class Cost:
    """The cost of a row; None if it was not recorded, or if several tasks shared it.

    A pooled row has the seconds of all folds together. Seconds per item exclude loading the model. Memory is the peak.
    Only `eval_seconds` is measured by lm-eval.
    """

    eval_seconds: float | None = None
    eval_seconds_per_item: float | None = None
    eval_tokens_per_second: float | None = None
    eval_memory_bytes: int | None = None
    eval_hardware: str | None = None
    train_seconds: float | None = None
    train_seconds_per_item: float | None = None
    train_tokens_per_second: float | None = None
    train_memory_bytes: int | None = None
    train_hardware: str | None = None
    trainable_params: int | None = None


@dataclass(frozen=True)
class Spread:
    """Accuracies of pooled runs, by fold number or prompt name, and their sample standard deviation.

    `accs` is empty and `mean` None where only the standard deviation was reported.
    """

    over: Literal["folds", "prompts"]
    sd: float
    accs: dict[str, float] = field(default_factory=dict)
    mean: float | None = None


@dataclass(frozen=True)
class Tries:
    """The numbers of seeds and settings that were tried for a row, as far as this build knows.

    `seeds_shown` counts the recipe's seeds ranked on the board, `seeds_known` those in all runs read. `settings` counts
    the system's settings on the board; None if there is one.
    """

    text: str
    seeds_shown: int | None = None
    seeds_known: int | None = None
    settings: int | None = None


@dataclass(frozen=True)
class AgainstLeader:
    """A paired comparison with the board's leader, Holm-corrected over the board: interval and p agree."""

    comparison: Comparison
    p_holm: float


@dataclass(frozen=True)
class Row:
    """One system on one board; ranks exist only inside a board.

    Attributes:
        reason: why the row has its status.
        types: query type to score; a type without items is absent.
        source: the file that the row was read from; the files of a pooled row joined by ", ".
        rank: 1 for the best; None where the row is not ranked.
        rank_low, rank_high: the best and the worst rank that the test cannot exclude, see `ranking.rank_ranges`.
        metrics: key of a registered metric to its mean; a metric that the task lacks is absent.
        is_invariant: whether a system on a circular board scores each option alone, so that no rotation changes it.
        protocol: how the score was obtained, such as "5 folds pooled"; "" for a single run.
        clean_subset: the score on items known to be unseen, for a row of status overlap.
        from_random_weights: whether the model has random weights, or was trained from one that has.
        date: when the run was made, seconds since 1970.
        items: what the numbers were computed from; empty for a reported row.
        position: None if the options had no single order, or an unknown one.
        flags: notes for a reader, which do not change the rank.
        around: the constant texts around the prompts, with placeholders for prompts and answers; one for each way that
            the row's runs were asked, empty if no prompts were logged or read.
        is_tied: whether the test does not separate the row from the leader; None if there is no leader.
        against_leader: None for the leader itself.
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
    asked: Asked = Asked()
    loaded: LoadedNames = LoadedNames()
    training: TrainingRecord | None = None
    keys: Keys = Keys()
    cost: Cost = Cost()
    date: float | None = None
    lm_eval_version: str | None = None
    tries: Tries | None = None
    items: RowItems = NO_ITEMS
    position: PositionProfile | None = None
    flags: tuple[str, ...] = ()
    curve: tuple[dict[str, int | float], ...] = ()
    around: tuple[str, ...] = ()
    is_tied: bool | None = None
    against_leader: AgainstLeader | None = None

    @property
    def id(self) -> str:
        """A name for files and URLs: the same in any build for a row of the same source."""
        identity = self.keys.identity[:12] or None
        key = f"{identity}|{self.board}|{self.task}|{self.source}|{self.reason}|{self.system}"
        return f"{slug(self.system[:60].lower(), 40)}-{sha256_of(key.encode(errors='replace'))[:10]}"

    @property
    def stderr(self) -> float | None:
        """Standard error of the accuracy over items, sd / sqrt(n), as lm-eval computes it; None without items."""
        if (n := len(self.items)) < 2 or self.score.acc is None:
            return None
        return math.sqrt(math.fsum((self.items.accuracies - self.score.acc) ** 2) / (n - 1) / n)

    @property
    def chance_corrected(self) -> float | None:
        """(acc - 1/5) / (1 - 1/5): 0 is chance, 1 is perfect."""
        return None if self.score.acc is None else (self.score.acc - 1 / N_OPTIONS) / (1 - 1 / N_OPTIONS)
