"""What travels with a number into every format: interval, items, status with its reason, settings."""

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
        id: as a hub would name it.
        name: for people.
        collection: its folder in every_eval_ever's datastore.
        revision: the pinned commit; None where there is none.
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
    """Return 10 hex digits that tell a row's files from those of other runs of the same model.

    Not `Row.id`, which changes with the path of the result file: a published file keeps its name.
    """
    key = [row.keys.identity[:12], row.board, row.task, row.date]
    return sha256_of(repr(key).encode(errors="replace"))[:10]


def interval(score: Score) -> tuple[float, float] | None:
    """Return the 95% Wilson interval, rounded so that every machine writes the same; None where there is none."""
    if score.low is None or score.high is None:
        return None
    return round(score.low, _DIGITS), round(score.high, _DIGITS)


def standard_error(row: Row) -> float | None:
    """Return the accuracy's standard error, rounded likewise."""
    return None if row.stderr is None else round(row.stderr, _DIGITS)


def interval_words(row: Row) -> str:
    """Return the interval with its number of items, such as "95% Wilson interval [0.3, 0.4], n 500"."""
    ends = interval(row.score)
    return (f"95% Wilson interval [{ends[0]:.4f}, {ends[1]:.4f}], " if ends else "") + f"n {row.score.n}"


def status_words(row: Row) -> str:
    """Return the status with its reason: no number is shown without it."""
    imported = "imported, not run here; " if row.kind == "imported" else ""
    return f"{imported}status {row.status}: {line(row.reason, LONGEST)}"


def settings(row: Row) -> dict[str, str]:
    """Return how the number came about, by name; what is not known is absent."""
    asked, dataset = row.asked, dataset_of(row)
    prompting = {"num_fewshot": asked.shots, "prompt": asked.prompt, "chat_template": asked.chat_template}
    known = {
        "kind": row.kind,
        **(prompting if row.kind == "causal" else {}),  # the others read no prompt, or it is not known
        "protocol": row.protocol or None,
        "task_version": row.task_version,
        "lm_eval_version": lm_eval_version(row),
        "dataset": dataset.name if dataset is SAMPLE else None,
        "flags": "; ".join(row.flags) or None,
    }
    return {key: line(value, LONGEST) for key, value in known.items() if value is not None}


def means(row: Row) -> dict[str, float]:
    """Return the row's metrics beside accuracy, and the spread of what was pooled, by name."""
    values = {key: metric.value for key, metric in row.metrics.items() if key != SEEN}
    if row.spread and row.spread.over == "folds":
        values["fold_sd"] = row.spread.sd
    elif row.spread:
        accs = row.spread.accs.values()
        values |= {"prompt_sd": row.spread.sd, "prompt_min": min(accs), "prompt_max": max(accs)}
    return values


def lm_eval_version(row: Row) -> str | None:
    """Return the harness's version; None where it did not run the system, or did not say."""
    known = row.lm_eval_version
    return None if row.kind == "imported" or known is None else line(known, 40)
