"""From checked runs to rows with ranks: repeats, pooled folds, boards."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from leaderboard import identity as who
from leaderboard.published import boards_with_published_rows, published_rows
from leaderboard.row import Row, Score
from leaderboard.validate import RANKED, CheckedRun, ItemResult
from recipe_mpr_task.item import QUERY_TYPES, UNTYPED
from recipe_mpr_task.splits import N_FOLDS

FOLD_TASKS = tuple(f"recipe_mpr_fold{k}" for k in range(N_FOLDS))
MAIN_BOARD = "recipe_mpr"
_TITLES = {
    MAIN_BOARD: "All 500 items",
    "recipe_mpr_test": "Published held-out split, 50 items",
    "recipe_mpr_sample": "Embedded sample, 60 items of our own: shows that it runs, not how good a model is",
    "recipe_mpr_file_order": "File order, the flaw for demonstration: the gold option is always A",
    "recipe_mpr_test_file_order": "File order on the held-out split, the flaw for demonstration",
}


@dataclass(frozen=True)
class Board:
    """Rows that may be compared: one task, task version, item set and option order."""

    key: str
    title: str
    rows: tuple[Row, ...]


def build_boards(runs: Iterable[CheckedRun]) -> list[Board]:
    """Make every board from checked runs and the reported rows.

    Returns:
        The main board first; rows sorted by rank, then those without rank.
    """
    kept = mark_repeats(runs)
    folds = [run for run in kept if run.run.task in FOLD_TASKS]
    rows = [row_of(run) for run in kept if run.run.task not in FOLD_TASKS] + pool_folds(folds)
    by_board: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_board[row.board].append(row)
    for key in boards_with_published_rows():
        by_board[key] += published_rows(key)
    known = list(_TITLES)
    keys = sorted(by_board, key=lambda key: (known.index(key) if key in known else len(known), key))
    return [Board(key, _TITLES.get(key, key), tuple(rank(by_board[key]))) for key in keys]


def mark_repeats(runs: Iterable[CheckedRun]) -> list[CheckedRun]:
    """Of several valid runs of one identity let the earliest count, so that nobody picks the best."""
    seen: dict[tuple[str, str], str] = {}
    kept = []
    for run in sorted(runs, key=_when):
        key = (run.run.task, who.identity(run.run))
        if run.status in RANKED and key in seen:
            reason = f"repeat of {seen[key]}: of one system's runs the earliest counts"
            kept.append(replace(run, status="excluded", reason=reason))
            continue
        if run.status in RANKED:
            seen[key] = run.run.source
        kept.append(run)
    return kept


def _when(run: CheckedRun) -> tuple[float, str, str]:
    date = run.run.results.get("date")
    return (float(date) if isinstance(date, (int, float)) else math.inf, run.run.source, run.run.task)


def row_of(run: CheckedRun) -> Row:
    """Make the row of one run, on the board of its task."""
    params = run.run.config.get("model_num_parameters")
    return Row(
        system=who.system_name(run.run),
        kind=who.kind(run.run),
        status=run.status,
        reason=run.reason,
        board=run.run.task,
        task=run.run.task,
        task_version=run.run.version,
        score=score(run.items),
        types=type_scores(run.items),
        params=params if isinstance(params, int) and params >= 0 else None,
        source=run.run.source,
        extra={
            "shots": run.run.n_shot,
            "prompt": who.prompt_name(run.run),
            "chat_template": who.has_chat_template(run.run),
            "lm_eval_version": str(run.run.results.get("lm_eval_version")),
        },
    )


def pool_folds(runs: Sequence[CheckedRun]) -> list[Row]:
    """Pool the five fold runs of one system into one row of 500; list those that cannot be pooled.

    Pooling goes over items: fold means weighted by the folds' sizes would be wrong for a type, whose
    items are spread unevenly.
    """
    by_system: dict[str, list[CheckedRun]] = defaultdict(list)
    rows = []
    for run in runs:
        if run.status in RANKED:
            by_system[who.identity(run.run)].append(run)
        else:
            rows.append(replace(row_of(run), board=MAIN_BOARD))
    for group in by_system.values():
        missing = sorted(set(FOLD_TASKS) - {run.run.task for run in group})
        if missing:
            reason = f"folds missing: {', '.join(missing)}; a row needs all {N_FOLDS}"
            rows += [replace(row_of(run), board=MAIN_BOARD, status="excluded", reason=reason) for run in group]
        else:
            rows.append(_pooled(sorted(group, key=lambda run: run.run.task)))
    return rows


def _pooled(group: Sequence[CheckedRun]) -> Row:
    rows = [row_of(run) for run in group]
    # As doubtful as the most doubtful fold.
    first = max(rows, key=lambda row: RANKED.index(row.status))
    items = [item for run in group for item in run.items]
    accs = [math.fsum(item.accuracy for item in run.items) / len(run.items) for run in group]
    spread = {"fold_accs": accs, "fold_mean": statistics.fmean(accs), "fold_sd": statistics.stdev(accs)}
    return replace(
        first,
        task="recipe_mpr_folds",
        board=MAIN_BOARD,
        score=score(items),
        types=type_scores(items),
        source=", ".join(sorted({row.source for row in rows})),
        extra={**first.extra, **spread, "protocol": f"{N_FOLDS} folds pooled"},
    )


def score(items: Iterable[ItemResult]) -> Score:
    """Score a set of items; those without a finite score leave the whole set without a number."""
    accuracies = [item.accuracy for item in items]
    if any(math.isnan(accuracy) for accuracy in accuracies):
        return Score(None, len(accuracies), None, None)
    # fsum: five hundred times 0.2 is then 100 exactly.
    return Score.of(math.fsum(accuracies), len(accuracies))


def type_scores(items: Sequence[ItemResult]) -> dict[str, Score]:
    """Score each query type over its items; a type without items is absent."""
    by_type: dict[str, list[ItemResult]] = defaultdict(list)
    for item in items:
        for name in item.types or (UNTYPED,):
            by_type[name].append(item)
    return {name: score(by_type[name]) for name in (*QUERY_TYPES, UNTYPED) if name in by_type}


def rank(rows: Iterable[Row]) -> list[Row]:
    """Rank a board's rows by accuracy; equal accuracies share a rank."""
    rows = sorted(rows, key=lambda row: (-(row.score.acc or 0.0), row.system, row.source, row.reason))
    contenders = [row for row in rows if row.status in RANKED and row.score.acc is not None]
    better = {id(row): sum(other.score.acc > row.score.acc for other in contenders) for row in contenders}  # type: ignore[operator]
    return [row.ranked(better[id(row)] + 1) for row in contenders] + [row for row in rows if id(row) not in better]
