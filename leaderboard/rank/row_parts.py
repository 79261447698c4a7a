"""Define the parts of a leaderboard row: scores, keys, costs, and how the system was prompted, trained and loaded."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from statsmodels.stats.proportion import proportion_confint

from recipe_mpr_task.statistics import Comparison

_DIGITS = 9


@dataclass(frozen=True)
class Score:
    """An accuracy and its 95% Wilson interval from `low` to `high`, as fractions in [0, 1].

    `n` is the number of items. `acc`, `low` and `high` are None if there are no items, or if an item's accuracy is
    unknown. If only the accuracy was reported, `n`, `low` and `high` are None.
    """

    acc: float | None
    n: int | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, correct: float, n: int) -> "Score":
        """Return the score of `correct` right answers on `n` items. Tied options can make `correct` fractional."""
        if n == 0:
            return cls(None, 0)
        return cls(correct / n, n, *_wilson(correct, n))


@lru_cache(maxsize=65536)  # thousands of rows have the same counts
def _wilson(correct: float, n: int) -> tuple[float, float]:
    low, high = proportion_confint(correct, n, alpha=0.05, method="wilson")
    return float(low), float(high)


@dataclass(frozen=True)
class Metric:
    """The value of one metric of `recipe_mpr_task.metrics.METRICS`, and its 95% interval if one was computed."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PositionProfile:
    """A row's position bias, with one number for each letter A to E.

    Attributes:
        answers: fraction of the items that were answered with the letter. If k options tie, each counts 1/k.
        recall: accuracy on the items whose right option has the letter; None if no right option has the letter, or
            if an item's accuracy is unknown.
    """

    answers: tuple[float, ...]
    recall: tuple[float | None, ...]


@dataclass(frozen=True)
class Asked:
    """The prompt settings of a causal model. Baselines and encoders read no prompt. Imports: unknown.

    Attributes:
        shots: number of few-shot examples; None if unknown.
        prompt: name of this project's prompt template; "other" for other templates; "all" for pooled prompts; None if
            unknown.
        generation: settings of text generation; None if the options were scored instead.
    """

    shots: int | None = None
    prompt: str | None = None
    chat_template: bool = False
    system_text: bool = False
    generation: dict[str, Any] | None = None


@dataclass(frozen=True)
class LoadedNames:
    """Names of the loaded model and adapter. A folder is named by the last part of its path. None means unknown.

    `base_from` and `adapter_from` are "hub" or "folder". `backend` is lm-eval's model type, such as "hf".
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
    """Keys that are equal in rows of the same measurement, model, system or recipe. None means unknown.

    Hashes are cut to 12 hex digits, except `identity` and `same_as`. `verify.identity` computes most of the hashes.

    Attributes:
        identity: hash of the model and the run's settings. "" for reported rows.
        same_as: if the run was read twice and this row is excluded, the identity of the kept row.
        content: hash of the loaded files.
        system: hash of the system's training, files or server. If all are unknown, a hash of `model_key`.
        server: hash of a server's address and model name.
        setting: hash of the run's settings.
        recipe: hash of the training recipe without its seed.
        seed: the training seed.
        dtype: data type of the loaded weights.
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
        """The identity to use for the row: `same_as` if it is set, else `identity`."""
        return self.same_as or self.identity


@dataclass(frozen=True)
class Cost:
    """Time and memory of evaluation and training; None if not recorded, or recorded only for several tasks together.

    A pooled row has the total seconds of all its runs. Seconds per item exclude the time to load the model. Memory is
    the peak. lm-eval measures `eval_seconds`; this project measures the other costs. Figures of two rows can be
    compared only if both name the same hardware.

    `eval_gpu_seconds` is the time of the evaluation times the number of GPUs; None on a CPU. `eval_note` and
    `train_note` say why figures are missing.
    """

    eval_seconds: float | None = None
    eval_seconds_per_item: float | None = None
    eval_tokens_per_second: float | None = None
    eval_memory_bytes: int | None = None
    eval_gpu_seconds: float | None = None
    eval_hardware: str | None = None
    eval_note: str | None = None
    train_seconds: float | None = None
    train_seconds_per_item: float | None = None
    train_tokens_per_second: float | None = None
    train_memory_bytes: int | None = None
    train_hardware: str | None = None
    train_note: str | None = None
    trainable_params: int | None = None


@dataclass(frozen=True)
class Spread:
    """The spread of accuracy over the folds or prompts of a pooled row.

    `accs` maps each fold number or prompt name to its accuracy. `mean` and `sd` are the mean and sample standard
    deviation of these accuracies. If only `sd` was reported, `accs` is empty and `mean` is None.
    """

    over: Literal["folds", "prompts"]
    sd: float
    accs: dict[str, float] = field(default_factory=dict)
    mean: float | None = None


@dataclass(frozen=True)
class Tries:
    """The numbers of seeds and settings that were tried for a row, as far as this build knows.

    `seeds_shown` counts the recipe's seeds in ranked rows on the board. `seeds_known` counts the recipe's seeds in all
    runs. Both are None if no seed is known. `settings` counts the system's settings on the board; None for 1.
    `checkpoints` counts other checkpoints of the same training in all runs, which training did not select; None for 0.
    """

    text: str
    seeds_shown: int | None = None
    seeds_known: int | None = None
    settings: int | None = None
    checkpoints: int | None = None


@dataclass(frozen=True)
class AgainstLeader:
    """A paired comparison with the leader, Holm-corrected. The interval excludes 0 exactly if `p_holm` is below 5%."""

    comparison: Comparison
    p_holm: float

    @classmethod
    def rounded(cls, comparison: Comparison, p_holm: float) -> "AgainstLeader":
        """Return a comparison with rounded numbers, so that all machines write the same digits."""
        digits = {name: round(value, _DIGITS) for name, value in vars(comparison).items()}
        return cls(Comparison(**digits), round(p_holm, _DIGITS))


@dataclass(frozen=True)
class Origin:
    """The source of an imported system's answers, as the importer states. None means not given.

    `claimed` is the accuracy that the source states, a fraction. `order` is how the system saw the options.
    """

    source: str | None = None
    published: str | None = None
    note: str | None = None
    claimed: float | None = None
    order: str | None = None


@dataclass(frozen=True)
class ConstantLetter:
    """The score of the letter that is right most often, on a row's items in the order that the system saw."""

    letter: str
    score: Score
