"""Return what every format gives with a score: interval, number of items, status with its reason, settings."""

from typing import NamedTuple

from leaderboard.rank.row import Row, Score
from leaderboard.site.text import LONGEST, line
from recipe_mpr_task.data import COMMIT, REPOSITORY
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.metrics import SEEN

_DIGITS = 6


class Dataset(NamedTuple):
    """A set of scored items.

    Attributes:
        id: an id of a hub's form.
        name: display name.
        collection: its folder in every_eval_ever's datastore.
        revision: the pinned commit; None if there is none.
    """

    id: str
    name: str
    collection: str
    revision: str | None = None


DATASET = Dataset(REPOSITORY, "Recipe-MPR", "recipe-mpr", COMMIT)
SAMPLE = Dataset("recipe-mpr/embedded-sample", "60 items of our own: shows that it runs, not how good a model is",
                 "recipe-mpr-sample")  # fmt: skip


def dataset_of(row: Row) -> Dataset:
    """Return the dataset of a row's items."""
    return SAMPLE if row.task == "recipe_mpr_sample" else DATASET


def run_hash(row: Row) -> str:
    """Return 10 hex digits that distinguish a row's files from those of other runs of the same model.

    Unlike `Row.id`, they do not depend on the result file's path: a published file keeps its name.
    """
    key = [row.keys.identity[:12], row.board, row.task, row.date]
    return sha256_of(repr(key).encode(errors="replace"))[:10]


def interval(score: Score) -> tuple[float, float] | None:
    """Return the 95% Wilson interval, rounded so that every machine writes the same; None if there is none."""
    if score.low is None or score.high is None:
        return None
    return round(score.low, _DIGITS), round(score.high, _DIGITS)


def standard_error(row: Row) -> float | None:
    """Return the accuracy's standard error, rounded as `interval`."""
    return None if row.stderr is None else round(row.stderr, _DIGITS)


def interval_words(row: Row) -> str:
    """Return the interval with its number of items, such as "95% Wilson interval [0.3, 0.4], n 500"."""
    ends = interval(row.score)
    return (f"95% Wilson interval [{ends[0]:.4f}, {ends[1]:.4f}], " if ends else "") + f"n {row.score.n}"


def status_words(row: Row) -> str:
    """Return the status with its reason; every exported score has it."""
    imported = "imported, not run here; " if row.kind == "imported" else ""
    return f"{imported}status {row.status}: {line(row.reason, LONGEST)}"


def settings(row: Row) -> dict[str, str]:
    """Return the settings of the row's runs, by name; unknown ones are absent."""
    asked, dataset = row.asked, dataset_of(row)
    prompting = {"num_fewshot": asked.shots, "prompt": asked.prompt, "chat_template": asked.chat_template}
    known = {
        "kind": row.kind,
        **(prompting if row.kind == "causal" else {}),  # other kinds read no prompt, or it is unknown
        "protocol": row.protocol or None,
        "task_version": row.task_version,
        "lm_eval_version": lm_eval_version(row),
        "dataset": dataset.name if dataset is SAMPLE else None,
        "flags": "; ".join(row.flags) or None,
    }
    return {key: line(value, LONGEST) for key, value in known.items() if value is not None}


def means(row: Row) -> dict[str, float]:
    """Return the row's metrics beside accuracy, and the spread over pooled folds or prompts, by name."""
    values = {key: metric.value for key, metric in row.metrics.items() if key != SEEN}
    if row.spread and row.spread.over == "folds":
        values["fold_sd"] = row.spread.sd
    elif row.spread:
        accs = row.spread.accs.values()
        values |= {"prompt_sd": row.spread.sd, "prompt_min": min(accs), "prompt_max": max(accs)}
    return values


def lm_eval_version(row: Row) -> str | None:
    """Return lm-eval's version; None if lm-eval did not run the system, or the version is unknown."""
    known = row.lm_eval_version
    return None if row.kind == "imported" or known is None else line(known, 40)
