"""What travels with a number into every format: interval, items, status and its reason, how it was asked."""

from dataclasses import dataclass
from datetime import UTC, datetime

from leaderboard.rank.row import Row, Score
from leaderboard.site.text import line
from recipe_mpr_task.data import COMMIT, FILE_NAME, REPOSITORY, URL_FOLDER
from recipe_mpr_task.files import sha256_of

SAMPLE_TASK = "recipe_mpr_sample"
NOT_RUN_HERE = "imported, not run here"
_LONGEST_REASON = 500
_DIGITS = 6


@dataclass(frozen=True)
class Dataset:
    """What was scored on.

    Attributes:
        id: as a hub would name it.
        name: for people.
        revision: the pinned commit; None where there is none.
        url: the pinned file; None where there is none.
    """

    id: str
    name: str
    revision: str | None
    url: str | None


DATASET = Dataset(REPOSITORY, "Recipe-MPR", COMMIT, URL_FOLDER + FILE_NAME)
SAMPLE = Dataset(
    "recipe-mpr/embedded-sample", "60 items of our own: shows that it runs, not how good a model is", None, None
)


def dataset_of(row: Row) -> Dataset:
    """Return the dataset that a row's items are of."""
    return SAMPLE if row.task == SAMPLE_TASK else DATASET


def run_hash(row: Row) -> str:
    """Return what tells a row's files from those of other runs of the same model.

    Not `Row.id`, which changes with the place of the result file: what is published keeps its name.
    """
    key = [row.extra.get("identity"), row.board, row.task, row.extra.get("date")]
    return sha256_of(repr(key).encode(errors="replace"))[:10]


def accuracy(row: Row) -> float:
    """Return a ranked row's accuracy, a fraction in [0, 1]."""
    if row.score.acc is None:
        raise ValueError(f"{line(row.system)}: ranked without an accuracy")
    return row.score.acc


def interval(score: Score) -> tuple[float, float] | None:
    """Return the 95% Wilson interval, rounded so that every machine writes the same; None where there is none."""
    if score.low is None or score.high is None:
        return None
    return round(score.low, _DIGITS), round(score.high, _DIGITS)


def standard_error(row: Row) -> float | None:
    """Return the accuracy's standard error, rounded likewise."""
    return None if row.stderr is None else round(row.stderr, _DIGITS)


def interval_words(row: Row) -> str:
    """Return "95% Wilson interval [0.3, 0.4], n 500"."""
    ends = interval(row.score)
    between = f"95% Wilson interval [{ends[0]:.4f}, {ends[1]:.4f}], " if ends else ""
    return f"{between}n {row.score.n}"


def status_words(row: Row) -> str:
    """Return the status with its reason: a number is never shown without."""
    imported = f"{NOT_RUN_HERE}; " if row.kind == "imported" else ""
    return f"{imported}status {row.status}: {line(row.reason, _LONGEST_REASON)}"


def conduct(row: Row) -> dict[str, str]:
    """Return how the number came about, by name; what is not known is absent."""
    dataset = dataset_of(row)
    asked = row.extra if row.kind == "causal" else {}  # the others read no prompt, or nobody knows which
    found = {
        "kind": row.kind,
        "num_fewshot": asked.get("shots"),
        "prompt": asked.get("prompt"),
        "chat_template": asked.get("chat_template"),
        "protocol": row.extra.get("protocol"),
        "task_version": row.task_version,
        "lm_eval_version": lm_eval_version(row),
        "dataset": dataset.name if dataset is SAMPLE else None,
        "flags": "; ".join(row.flags) or None,
    }
    return {key: line(value, _LONGEST_REASON) for key, value in found.items() if value is not None}


def lm_eval_version(row: Row) -> str | None:
    """Return the harness's version; None for what it did not run, or did not say."""
    version = row.extra.get("lm_eval_version")
    return None if row.kind == "imported" or version in (None, "None") else line(version, 40)


def notes(row: Row) -> str:
    """Return all that must stand beside the number, in one line."""
    error = standard_error(row)
    parts = [
        f"accuracy, a fraction in [0, 1]; {interval_words(row)}",
        *([f"standard error {error:.4f}"] if error is not None else []),
        status_words(row),
        *(f"{key} {value}" for key, value in conduct(row).items()),
    ]
    return "; ".join(parts)


def iso_date(row: Row) -> str | None:
    """Return when the run was made, such as 2026-01-31T12:00:00Z; None if it does not say."""
    seconds = row.extra.get("date")
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):  # a date that no calendar has
        return None
