"""Rows that only together make a row: the five folds of a system, the prompts of a system.

Pooling goes over items: means over tasks weighted by their sizes would be wrong for a type, whose
items are spread unevenly over the folds.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leaderboard.load.task_specs import task_spec
from leaderboard.rank.position_bias import position_profile
from leaderboard.rank.row import Row
from leaderboard.rank.row_from_run import score, type_scores
from leaderboard.rank.row_items import PackedItems
from leaderboard.verify.checks import RANDOM_WEIGHTS, RANKED
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.splits import N_FOLDS
from recipe_mpr_task.tasks import TASKS_PATH

MAIN_BOARD = "recipe_mpr"
_PROMPT_TASKS = tuple(sorted(path.stem for path in TASKS_PATH.glob("recipe_mpr_prompt_*.yaml")))


@dataclass(frozen=True)
class Pool:
    """Tasks whose rows of one system make one row.

    Attributes:
        task: the group's name.
        tasks: its tasks; a pooled row needs a row of each.
        board: where the pooled row stands.
        what: the rows in words.
        items: from the rows to the pooled row's items.
        spread: from the rows' accuracies, in the order of `tasks`, to further columns.
    """

    task: str
    tasks: tuple[str, ...]
    board: str
    what: str
    items: Callable[[Sequence[Row]], list[ItemResult]]
    spread: Callable[[list[float]], dict[str, Any]]


def _union(rows: Sequence[Row]) -> list[ItemResult]:
    return [item for row in rows for item in row.items]


def _mean_over_rows(rows: Sequence[Row]) -> list[ItemResult]:
    by_item: dict[str, list[ItemResult]] = defaultdict(list)
    for item in _union(rows):
        by_item[item.item_id].append(item)
    return [
        ItemResult(item_id, math.fsum(item.accuracy for item in same) / len(same), same[0].types)
        for item_id, same in by_item.items()
    ]


def _fold_spread(accs: list[float]) -> dict[str, Any]:
    return {
        "fold_accs": accs,
        "fold_mean": statistics.fmean(accs),
        "fold_sd": statistics.stdev(accs),
        "protocol": f"{N_FOLDS} folds pooled",
    }


def _prompt_spread(accs: list[float]) -> dict[str, Any]:
    names = [task_spec(task).prompt for task in _PROMPT_TASKS]
    return {
        "prompt": "all",
        "prompt_accs": dict(zip(names, accs, strict=True)),
        "prompt_mean": statistics.fmean(accs),
        "prompt_sd": statistics.stdev(accs),
        "prompt_min": min(accs),
        "prompt_max": max(accs),
    }


POOLS = (
    Pool("recipe_mpr_folds", tuple(f"recipe_mpr_fold{k}" for k in range(N_FOLDS)), MAIN_BOARD, "folds",
         _union, _fold_spread),
    Pool("recipe_mpr_prompts", _PROMPT_TASKS, "recipe_mpr_prompts", "prompts",
         _mean_over_rows, _prompt_spread),
)  # fmt: skip


def pool(group: Pool, rows: Iterable[Row]) -> list[Row]:
    """Pool the rows of each system into one; list those that cannot be pooled, and why.

    Args:
        group: what is pooled.
        rows: of its tasks, `repeats.mark_repeats` behind them: a system's ranked rows are one a task.
    """
    by_system: dict[str, list[Row]] = defaultdict(list)
    found = []
    for row in rows:
        if row.status in RANKED or _is_demonstration(row):
            by_system[row.identity].append(row)
        else:
            found.append(replace(row, board=group.board))
    for same in by_system.values():
        missing = sorted(set(group.tasks) - {row.task for row in same})
        if missing:
            reason = f"{group.what} missing: {', '.join(missing)}; a row needs all {len(group.tasks)}"
            found += [replace(row, board=group.board, status="excluded", reason=reason) for row in same]
        else:
            found.append(_pooled(group, sorted(same, key=lambda row: row.task)))
    return found


def _is_demonstration(row: Row) -> bool:
    """Whether nothing but its random weights keeps a row from a rank: its folds are one row, too."""
    return row.status == "excluded" and row.reason.startswith(RANDOM_WEIGHTS)


def _pooled(group: Pool, rows: Sequence[Row]) -> Row:
    # As doubtful as the most doubtful of its rows.
    first = max(rows, key=lambda row: (*RANKED, "excluded").index(row.status))
    items = group.items(rows)
    accs = [row.score.acc for row in rows if row.score.acc is not None]
    kept = {**first.extra, **_totals(rows)}
    others = ", and so on for the others" if len({row.reason for row in rows}) > 1 else ""
    return replace(
        first,
        reason=first.reason + others,
        task=group.task,
        board=group.board,
        score=score(items),
        types=type_scores(items),
        source=", ".join(sorted({row.source for row in rows})),
        items=_packed(items, rows),
        position=position_profile(items, task_spec(group.tasks[0]).order) if first.position else None,
        flags=tuple(dict.fromkeys(flag for row in rows for flag in row.flags)),
        history=_mean_history([row.history for row in rows]),
        around=tuple(dict.fromkeys(text for row in rows for text in row.around)),
        extra={**kept, **group.spread(accs)},
    )


def _packed(items: list[ItemResult], rows: Sequence[Row]) -> PackedItems:
    """Pack pooled items. Where no choice is the row's (over prompts), the first task's tell whom it answers like."""
    packed, first = PackedItems.of(items), rows[0].items
    if packed.choices or packed.ids != first.ids:
        return packed
    return replace(packed, choices=first.choices, answers=first.answers)


def _totals(rows: Sequence[Row]) -> dict[str, Any]:
    """What is told of all rows together: score of the probabilities, model, training, times, first date; else None."""
    found: dict[str, Any] = {"brier": _mean_brier(rows), "model": _shared([row.extra["model"] for row in rows])}
    if any("training" in row.extra for row in rows):
        found["training"] = _training_of_all([row.extra.get("training", {}) for row in rows])
    for column, together in (("eval_seconds", math.fsum), ("train_seconds", math.fsum), ("date", min)):
        values = [row.extra[column] for row in rows if row.extra.get(column) is not None]
        found[column] = together(values) if len(values) == len(rows) else None
    return found


def _mean_brier(rows: Sequence[Row]) -> float | None:
    """The mean over all items of all rows."""
    sums = [row.extra["brier"] * len(row.items) for row in rows if "brier" in row.extra]
    return math.fsum(sums) / sum(len(row.items) for row in rows) if len(sums) == len(rows) else None


def _training_of_all(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the trainings share, their time together, their mean speed and highest memory."""
    together: dict[str, Callable[[Sequence[float]], float]] = {
        "wall_time_s": math.fsum,
        "samples_per_second": statistics.fmean,
        "peak_memory_bytes": max,
    }
    found = _shared(records)
    for key, combine in together.items():
        values = [record.get(key) for record in records]
        if all(isinstance(value, (int, float)) for value in values):
            found[key] = combine(values)  # type: ignore[arg-type]
    return found


def _shared(mappings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What all say alike."""
    return {key: value for key, value in mappings[0].items() if all(other.get(key) == value for other in mappings)}


def _mean_history(histories: Sequence[tuple[dict[str, float], ...]]) -> tuple[dict[str, float], ...]:
    """Training curves averaged over runs, at the steps that all of them logged."""
    by_step = [{entry["step"]: entry for entry in history} for history in histories]
    steps = sorted(set.intersection(*(set(curve) for curve in by_step)))
    mean = []
    for step in steps:
        entries = [curve[step] for curve in by_step]
        shared = set.intersection(*(set(entry) for entry in entries)) - {"step"}
        mean.append({"step": step, **{k: statistics.fmean(e[k] for e in entries) for k in sorted(shared)}})
    return tuple(mean)
