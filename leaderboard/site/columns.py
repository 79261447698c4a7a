"""Define the columns of all outputs: page, Markdown, CSV and terminal.

To add a column, define it in `COLUMNS`. Then list its key in the outputs at the end of this file. To show a metric of
the task as a column, set `in_row` in `recipe_mpr_task.metrics.METRICS`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal

from leaderboard.rank.row import Row
from recipe_mpr_task.item import QUERY_TYPES, UNTYPED
from recipe_mpr_task.metrics import METRICS, SEEN, Metric

TYPES = (*QUERY_TYPES, UNTYPED)
"""The query types, in the order of their columns."""

Type = Literal["rank", "name", "accuracy", "status", "leader", "p", "score", "share", "number", "count", "whole",
               "duration", "bytes", "link", "text"]  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of the outputs.

    Attributes:
        key: the column's unique name. Also the key in `leaderboard.json`, unless `path` is set.
        label: heading of the column.
        read: returns a row's value; None if the row has no value.
        type: format of the value. "whole" writes an integer in full, "count" shortens an integer, as in 1.23M.
        help: text for the page's section "How to read this page"; "" if the label is enough.
        short: heading in Markdown; "" to use `label`.
        on_page: heading on the page; "" to use `label`.
        path: keys that lead to the value in a row of `leaderboard.json`; () if `key` alone leads to the value.
        parts: (CSV header, attribute of the value) pairs if the value fills several CSV columns, else ().
        higher_is_better: None if neither direction is better.
        is_signed: whether positive numbers have a plus sign.
        of_position: whether the value measures position bias. The cell then says "invariant" for a model that cannot
            have position bias.
        is_optional: whether a JSON row omits an unknown value, and a text table omits a column without values.
        stage: "evaluation" or "training" for a column of costs, else "". Costs are compared only between rows whose
            stage ran on the same hardware.
        group: name of the group of columns that the page's menu shows together; "" for none.
    """

    key: str
    label: str
    read: Callable[[Row], Any]
    type: Type = "text"
    help: str = ""
    short: str = ""
    on_page: str = ""
    path: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    higher_is_better: bool | None = None
    is_signed: bool = False
    of_position: bool = False
    is_optional: bool = False
    stage: Literal["", "evaluation", "training"] = ""
    group: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the fields that the page's script needs to sort and format the column."""
        is_number = self.type not in ("name", "status", "link", "text")
        return {
            "key": self.key,
            "label": self.on_page or self.label,
            "type": self.type,
            "path": self.path or (self.key,),
            "signed": self.is_signed,
            "of_position": self.of_position,
            "number": is_number,
            "stage": self.stage,
            "group": self.group,
            # The first click sorts numbers from high to low, unless lower is better.
            "descends": is_number and self.higher_is_better is not False,
        }

    def csv_cells(self, row: Row) -> list[Any]:
        """Return the row's CSV cells for this column, one for each header."""
        value = self.read(row)
        values = [None if value is None else attrgetter(attribute)(value) for _, attribute in self.parts]
        return values or [value]


def _metric(metric: Metric) -> Column:
    return Column(
        metric.key, metric.label, lambda row: row.metrics[metric.key].value if metric.key in row.metrics else None,
        "share" if metric.unit == "fraction" else "number", metric.help, higher_is_better=metric.higher_is_better,
        of_position=metric.of_position, is_optional=True,
    )  # fmt: skip


def _of_type(name: str) -> Column:
    parts = tuple((f"{name.lower()}_{part}", part) for part in ("n", "acc", "low", "high"))
    return Column(name.lower(), name, lambda row: row.types.get(name), "score", path=("types", name), parts=parts,
                  higher_is_better=True, is_optional=True)  # fmt: skip


def _cost(key: str, label: str, type_: Type, help_: str = "", *, higher_is_better: bool = False) -> Column:
    """Return the column of a field of `Cost`. Numbers are compared only between rows with the same hardware."""
    prefix = key.partition("_")[0]
    stage: Literal["evaluation", "training"] = "evaluation" if prefix == "eval" else "training"
    is_figure = type_ != "text"
    return Column(
        key, label, attrgetter(f"cost.{key}"), type_, help_,
        path=("cost", stage, key.removeprefix(f"{prefix}_")), higher_is_better=higher_is_better if is_figure else None,
        is_optional=True, stage=stage if is_figure else "", group="Cost",
    )  # fmt: skip


def _over(name: Literal["folds", "prompts"], of: Callable[[Any], float | None]) -> Callable[[Row], float | None]:
    return lambda row: of(row.spread) if row.spread and row.spread.over == name else None


_COMPARED = (("difference", "comparison.difference"), ("low", "comparison.low"), ("high", "comparison.high"),
             ("p", "comparison.p"), ("p_holm", "p_holm"))  # fmt: skip
# The status already shows SEEN.
_METRICS = tuple(_metric(metric) for metric in METRICS if metric.in_row and metric.key != SEEN)

COLUMNS = {column.key: column for column in (
    Column("rank", "#", attrgetter("rank"), "rank", higher_is_better=False),
    Column("system", "System", attrgetter("system"), "name"),
    Column("acc", "Accuracy", attrgetter("score"), "accuracy",
           "Percent, with the 95% Wilson interval. If m options tie for the best score and one is right, the item "
           "counts 1/m. For means over rotations or prompts, the Wilson interval is conservative. A system's page has "
           "the standard error over items.",
           parts=(("acc", "acc"), ("acc_low", "low"), ("acc_high", "high")), higher_is_better=True),
    Column("status", "Status", attrgetter("status"), "status", on_page="Trust"),
    Column("leader", "Against the leader", attrgetter("against_leader"), "leader",
           on_page="From the leader",
           help="Accuracy minus the leader's, in points, on the same items. Brackets: bootstrap interval, widened to "
           "the level of the Holm-corrected test. The interval includes 0 exactly if the row is tied.",
           path=("vs_leader",), parts=tuple((f"vs_leader_{name}", part) for name, part in _COMPARED),
           higher_is_better=True, is_signed=True),
    Column("p", "p (Holm)", lambda row: row.against_leader and row.against_leader.p_holm, "p",
           "Exact McNemar test against the leader, Holm-corrected over the board.",
           path=("vs_leader", "p_holm"), higher_is_better=False),
    Column("kind", "Kind", attrgetter("kind")),
    Column("evidence", "Evidence", attrgetter("evidence"), "text",
           "run here: computed from logged prompts and answers. recounted: recomputed from imported answers to each "
           "item. claimed: only a number is published."),
    Column("chance_corrected", "Above chance", attrgetter("chance_corrected"), "share",
           "100 (accuracy - 20) / 80, with the accuracy in percent: 0 is chance, 100 is perfect.",
           higher_is_better=True),
    Column("n", "Items", attrgetter("score.n"), "whole", short="n"),
    *_METRICS,
    Column("prompt_sd", "sd over prompts", _over("prompts", lambda spread: spread.sd), "share",
           "Sample standard deviation of the accuracies over the prompt templates.",
           higher_is_better=False, is_optional=True),
    Column("prompt_min", "Worst prompt", _over("prompts", lambda spread: min(spread.accs.values())), "share",
           higher_is_better=True, is_optional=True),
    Column("prompt_max", "Best prompt", _over("prompts", lambda spread: max(spread.accs.values())), "share",
           higher_is_better=True, is_optional=True),
    *map(_of_type, TYPES),
    Column("fold_sd", "sd over folds", _over("folds", lambda spread: spread.sd), "share",
           "Sample standard deviation of the five folds' accuracies.", higher_is_better=False, is_optional=True),
    Column("shots", "Shots", attrgetter("asked.shots"), "whole"),
    Column("prompt", "Prompt", attrgetter("asked.prompt")),
    Column("params", "Parameters", attrgetter("params"), "count", short="Params", on_page="Size"),
    Column("trainable_params", "Trained", attrgetter("cost.trainable_params"), "count",
           "Number of parameters that were trained.", is_optional=True, group="Cost"),
    Column("train_seconds", "Training", attrgetter("cost.train_seconds"), "duration",
           "Recorded training time, summed over the folds.", is_optional=True, stage="training", group="Cost"),
    Column("eval_seconds", "Evaluation", attrgetter("cost.eval_seconds"), "duration",
           "Recorded evaluation time, including the time to load the model. Blank if one run had several tasks, or "
           "if answers may come from a cache.", is_optional=True, stage="evaluation", group="Cost"),
    _cost("eval_seconds_per_item", "Seconds per item", "duration",
          "Excludes the time to load the model. Costs are sorted only among rows with the same hardware. The hardware "
          "with the most rows is first. Rows with unknown hardware are last and unsorted."),
    _cost("eval_tokens_per_second", "Tokens per second", "number", higher_is_better=True),
    _cost("eval_memory_bytes", "Peak memory", "bytes", "Memory of all GPUs together; on a CPU, memory of the process."),
    _cost("eval_gpu_seconds", "GPU seconds", "duration",
          "Seconds of the evaluation times the number of GPUs. Blank on a CPU."),
    _cost("eval_hardware", "Hardware", "text",
          "Recorded GPUs of the evaluation, or the processor and its number of threads."),
    _cost("eval_note", "Why a cost is missing", "text"),
    _cost("train_tokens_per_second", "Training: tokens per second", "number", higher_is_better=True),
    _cost("train_memory_bytes", "Training: peak memory", "bytes"),
    _cost("train_hardware", "Training: hardware", "text"),
    Column("board", "Board", attrgetter("board")),
    Column("task", "Task", attrgetter("task")),
    Column("task_version", "Task version", attrgetter("task_version"), "whole"),
    Column("reason", "Why", attrgetter("reason")),
    Column("source", "Source", attrgetter("source")),
    Column("origin", "Published at", attrgetter("origin.source"), "link", is_optional=True),
    Column("published", "Published", attrgetter("origin.published"), is_optional=True),
    Column("importer_note", "Importer's note", attrgetter("origin.note"), is_optional=True),
    Column("constant_letter", "Constant letter", lambda row: row.constant_letter and row.constant_letter.score.acc,
           "share", "Accuracy of the best constant letter on the same items, in the order that the system saw.",
           path=("constant_letter", "acc"), is_optional=True),
    Column("stderr", "Standard error", attrgetter("stderr"), "share", higher_is_better=False),
    Column("with_leader", "Tied", attrgetter("is_tied"), is_optional=True),
    Column("flags", "Notes", lambda row: list(row.flags)),
)}  # fmt: skip
"""Every column by key."""


def _of(keys: Iterable[str]) -> tuple[Column, ...]:
    return tuple(COLUMNS[key] for key in keys)


_SPREAD = ("prompt_sd", "prompt_min", "prompt_max")
_BY_TYPE = tuple(name.lower() for name in TYPES)

_COSTS = ("eval_seconds_per_item", "eval_tokens_per_second", "eval_memory_bytes", "eval_gpu_seconds", "eval_seconds",
          "eval_hardware", "eval_note", "train_seconds", "train_tokens_per_second", "train_memory_bytes",
          "train_hardware")  # fmt: skip

FIRST = ("rank", "system", "acc", "leader", "params", "status")
"""Keys of the columns that the page shows before a reader chooses others."""

PAGE = _of((*FIRST, "p", "kind", "evidence", "chance_corrected", "n", *(column.key for column in _METRICS), *_SPREAD,
            *_BY_TYPE, "fold_sd", "shots", "prompt", "trainable_params", *_COSTS))  # fmt: skip
MARKDOWN = _of(("rank", "system", "kind", "evidence", "params", "shots", "n", "acc", "leader",
                *(column.key for column in _METRICS if column.type == "share"), *_SPREAD, *_BY_TYPE,
                "status", "origin", "published", "importer_note"))  # fmt: skip
MARKDOWN_UNRANKED = _of(("system", "evidence", "params", "n", "acc", "constant_letter", "status", "reason", "source",
                         "origin", "published", "importer_note"))  # fmt: skip
TERMINAL = _of(("rank", "system", "acc", "leader", "status"))
CSV = _of(("board", "rank", "system", "kind", "evidence", "status", "reason", "task", "task_version", "n", "acc",
           "stderr", "chance_corrected", "with_leader", "params", "trainable_params", *_COSTS, "source", "origin",
           "published", "importer_note", "constant_letter", "leader", "flags", *_BY_TYPE))  # fmt: skip
