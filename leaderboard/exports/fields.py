"""Return the values that every format exports with a score, such as interval, status and settings."""

from typing import NamedTuple

from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import Score
from leaderboard.site.text import LONGEST, line
from recipe_mpr_task.data import COMMIT, REPOSITORY
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.metrics import SEEN

_DIGITS = 6


class Dataset(NamedTuple):
    """A set of scored items.

    Attributes:
        id: id of the form `owner/name`, as on a hub.
        name: display name.
        collection: the dataset's folder in every_eval_ever's datastore.
        revision: the dataset's pinned commit; None if the dataset has no commit.
    """

    id: str
    name: str
    collection: str
    revision: str | None = None


DATASET = Dataset(REPOSITORY, "Recipe-MPR", "recipe-mpr", COMMIT)
SAMPLE = Dataset("recipe-mpr/embedded-sample", "60 sample items: shows that the tools run, not how good a model is",
                 "recipe-mpr-sample")  # fmt: skip


def dataset_of(row: Row) -> Dataset:
    """Return the dataset that the row's items come from."""
    return SAMPLE if row.task == "recipe_mpr_sample" else DATASET


def run_hash(row: Row) -> str:
    """Return a hash of 10 hex digits. Different runs of one model have different hashes.

    If the results file moves, `Row.id` changes but the hash does not, so an exported file keeps its name.
    """
    key = [row.keys.identity[:12], row.board, row.task, row.date]
    return sha256_of(repr(key).encode(errors="replace"))[:10]


def interval(score: Score) -> tuple[float, float] | None:
    """Return the 95% Wilson interval, rounded so that all machines write the same digits; None if it is unknown."""
    if score.low is None or score.high is None:
        return None
    return round(score.low, _DIGITS), round(score.high, _DIGITS)


def standard_error(row: Row) -> float | None:
    """Return the accuracy's standard error, rounded to 6 decimals; None if it is unknown."""
    return None if row.stderr is None else round(row.stderr, _DIGITS)


def interval_words(row: Row) -> str:
    """Return the interval and the number of items, such as "95% Wilson interval [0.3000, 0.4000], n 500"."""
    ends = interval(row.score)
    return (f"95% Wilson interval [{ends[0]:.4f}, {ends[1]:.4f}], " if ends else "") + f"n {row.score.n}"


def status_words(row: Row) -> str:
    """Return the status and its reason in words. Every exported score has these words."""
    imported = "imported, not run here; " if row.kind == "imported" else ""
    return f"{imported}status {row.status}: {line(row.reason, LONGEST)}"


def settings(row: Row) -> dict[str, str]:
    """Return the settings of the row's runs, by name. Unknown settings are absent."""
    asked, dataset = row.asked, dataset_of(row)
    prompting = {"num_fewshot": asked.shots, "prompt": asked.prompt, "chat_template": asked.chat_template}
    known = {
        "kind": row.kind,
        **(prompting if row.kind == "causal" else {}),  # only causal models read prompts
        "protocol": row.protocol or None,
        "task_version": row.task_version,
        "lm_eval_version": lm_eval_version(row),
        "dataset": dataset.name if dataset is SAMPLE else None,
        "flags": "; ".join(row.flags) or None,
    }
    return {key: line(value, LONGEST) for key, value in known.items() if value is not None}


def means(row: Row) -> dict[str, float]:
    """Return the row's metrics by name, except `SEEN`. Add the accuracy's spread over folds or prompts, if known."""
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
