"""Pool a system's rows for five folds, or for several prompts, into one row.

Scores are computed from the items of all folds, because the number of items of a query type differs between folds.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from leaderboard.rank.cost import differing_hardware, pooled_cost
from leaderboard.rank.duplicates import is_measurement
from leaderboard.rank.item_scores import position_profile, score, type_scores
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import LoadedNames, Metric, Spread
from leaderboard.verify.items import ItemResult
from leaderboard.verify.prompts import Evidence
from leaderboard.verify.statuses import RANKED
from recipe_mpr_task.result_records import TrainingRecord
from recipe_mpr_task.splits import N_FOLDS
from recipe_mpr_task.task_specs import task_spec
from recipe_mpr_task.tasks import TASKS_PATH

MAIN_BOARD = "recipe_mpr"
_PROMPT_TASKS = tuple(sorted(path.stem for path in TASKS_PATH.glob("recipe_mpr_prompt_*.yaml")))

# How a training record's fields are pooled over folds. All prompts use one checkpoint, so they need no pooling.
_TRAINING_TOTALS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "wall_time_s": math.fsum,
    "samples_per_second": statistics.fmean,
    "seconds_per_item": statistics.fmean,
    "tokens_per_second": statistics.fmean,
    "peak_memory_bytes": max,
}


@dataclass(frozen=True)
class Pool:
    """A group of tasks. If a system has a row for each task, these rows are pooled into one row.

    `tasks` maps each task to its fold number or prompt name. `prompt`, if set, is the prompt name of the pooled row.
    """

    task: str
    tasks: dict[str, str]
    board: str
    over: Literal["folds", "prompts"]
    protocol: str = ""
    prompt: str | None = None


POOLS = (
    Pool("recipe_mpr_folds", {f"recipe_mpr_fold{k}": str(k) for k in range(N_FOLDS)}, MAIN_BOARD, "folds",
         protocol=f"{N_FOLDS} folds pooled"),
    Pool("recipe_mpr_prompts", {task: task_spec(task).prompt for task in _PROMPT_TASKS}, "recipe_mpr_prompts",
         "prompts", prompt="all"),
)  # fmt: skip


def pool(group: Pool, rows: Iterable[Row]) -> list[Row]:
    """Return one pooled row for each system that ran all tasks. Also return all other rows, without rank.

    `rows` come from `duplicates.mark_repeats`, so each system has at most one ranked row per task.
    """
    by_system: dict[str, list[Row]] = defaultdict(list)
    listed = []
    for row in rows:
        if is_measurement(row):
            by_system[row.keys.identity].append(row)
        else:
            listed.append(replace(row, board=group.board))
    for same in by_system.values():
        missing = sorted(set(group.tasks) - {row.task for row in same})
        if missing:
            reason = f"{group.over} missing: {', '.join(missing)}; a row needs all {len(group.tasks)}"
            listed += [replace(row, board=group.board, status="excluded", reason=reason) for row in same]
        else:
            listed.append(_pooled(group, sorted(same, key=lambda row: row.task)))
    return listed


def _pooled(group: Pool, rows: Sequence[Row]) -> Row:
    # The pooled row has the status of its most doubtful row.
    first = max(rows, key=lambda row: (*RANKED, "excluded").index(row.status))
    items = [item for row in rows for item in row.items]
    if group.over == "prompts":
        items = _means(items)
    others = f"; the other {group.over} likewise" if len({row.reason for row in rows}) > 1 else ""
    packed = _pooled_items(items, rows)
    accs = {group.tasks[row.task]: row.score.acc for row in rows if row.score.acc is not None}
    return replace(
        first,
        reason=first.reason + others,
        task=group.task,
        board=group.board,
        score=score(packed.accuracies),
        types=type_scores(packed),
        source=", ".join(sorted({row.source for row in rows})),
        protocol=group.protocol,
        metrics=_pooled_metrics(first, rows),
        spread=Spread(group.over, statistics.stdev(accs.values()), accs, statistics.fmean(accs.values())),
        asked=replace(first.asked, prompt=group.prompt or first.asked.prompt),
        loaded=LoadedNames(**_combined([row.loaded for row in rows], vars(first.loaded), {})),
        training=_pooled_training(group, [row.training for row in rows if row.training], len(rows)),
        cost=pooled_cost([row.cost for row in rows], of_folds=group.over == "folds"),
        evidence=max((row.evidence for row in rows), key=get_args(Evidence).index),
        **_combined(rows, ["date"], {"date": min}),
        items=packed,
        position=position_profile(packed, task_spec(rows[0].task).order) if first.position else None,
        flags=tuple(dict.fromkeys(flag for row in rows for flag in row.flags)),
        curve=_mean_curve([row.curve for row in rows]),
        around=tuple(dict.fromkeys(text for row in rows for text in row.around)),
        gold_letters=_pooled_letters(group, rows),
    )


def _means(results: Iterable[ItemResult]) -> list[ItemResult]:
    """Return one result for each item, with the mean accuracy of the item's results."""
    by_item: dict[str, list[ItemResult]] = defaultdict(list)
    for item in results:
        by_item[item.item_id].append(item)
    return [
        ItemResult(item_id, statistics.fmean(item.accuracy for item in same), same[0].types)
        for item_id, same in by_item.items()
    ]


def _pooled_letters(group: Pool, rows: Sequence[Row]) -> tuple[int, ...]:
    """Return the counts over all folds. All prompts show the same items in the same order."""
    counts = [row.gold_letters for row in rows]
    if not all(counts) or (group.over == "prompts" and len({*counts}) > 1):
        return ()
    return counts[0] if group.over == "prompts" else tuple(map(sum, zip(*counts, strict=True)))


def _pooled_items(items: list[ItemResult], rows: Sequence[Row]) -> RowItems:
    """Return the pooled items. If pooling over prompts leaves no choices, take the first row's to detect copies."""
    pooled, first = RowItems.of(items), rows[0].items
    if pooled.choices or pooled.ids != first.ids:
        return pooled
    return replace(pooled, choices=first.choices, answers=first.answers, has_own_choices=False)


def _pooled_metrics(first: Row, rows: Sequence[Row]) -> dict[str, Metric]:
    """Return the first row's metrics, with the mean Brier score over all items. Omit Brier if a row has none."""
    sums = [row.metrics["brier"].value * len(row.items) for row in rows if "brier" in row.metrics]
    metrics = {name: metric for name, metric in first.metrics.items() if name != "brier"}
    if len(sums) == len(rows):
        metrics["brier"] = Metric(math.fsum(sums) / sum(len(row.items) for row in rows))
    return metrics


def _pooled_training(group: Pool, trainings: Sequence[TrainingRecord], n: int) -> TrainingRecord | None:
    """Return what the records of `n` runs have in common, and their pooled cost; None if a run has no record."""
    if len(trainings) < n:
        return None
    totals: Mapping[str, Callable[[Sequence[Any]], Any]] = _TRAINING_TOTALS if group.over == "folds" else {}
    combined = _combined(trainings, TrainingRecord.model_fields, totals)
    if differing_hardware([training.hardware for training in trainings]):
        combined |= dict.fromkeys(totals)
    return TrainingRecord(**combined)


def _combined(
    parts: Sequence[Any], names: Iterable[str], totals: Mapping[str, Callable[[Sequence[Any]], Any]]
) -> dict[str, Any]:
    """Return the pooled value of each named field.

    If `totals` has a function for the field, apply the function to the parts' values, or return None if a value is
    None. For any other field, return the value that all parts have, or None if their values differ.
    """
    combined = {}
    for name in names:
        values = [getattr(part, name) for part in parts]
        if name in totals:
            combined[name] = None if None in values else totals[name](values)
        else:
            combined[name] = values[0] if len({repr(value) for value in values}) == 1 else None
    return combined


def _mean_curve(curves: Sequence[tuple[dict[str, float], ...]]) -> tuple[dict[str, float], ...]:
    """Return the mean of several runs' training curves, at the steps that all runs logged."""
    by_step = [{entry["step"]: entry for entry in curve} for curve in curves]
    mean = []
    for step in sorted(set.intersection(*(set(curve) for curve in by_step))):
        entries = [curve[step] for curve in by_step]
        shared = set.intersection(*(set(entry) for entry in entries)) - {"step"}
        mean.append({"step": step, **{k: statistics.fmean(e[k] for e in entries) for k in sorted(shared)}})
    return tuple(mean)
