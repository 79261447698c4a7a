"""Make a training run's curve: the held-out accuracy and the validation scores of every kept checkpoint.

curves/NAME/curve.json    all numbers
curves/NAME/curve.txt     the table
curves/NAME/curve.svg     the plot, also as PNG

Only the checkpoint that was selected on validation has a row on the leaderboard.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from leaderboard.load.results import UnusableError, complete_results, runs_of
from leaderboard.rank.item_scores import score
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Score
from leaderboard.site.text import interval_text, percent
from leaderboard.verify.comparability import document_faults
from leaderboard.verify.verified import Case
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.manifest import TrainingManifest

WARNING = (
    "Held-out accuracy of every kept checkpoint. Do not choose a checkpoint by this curve: that is selection on the "
    "test items. Only the checkpoint that was selected in training has a row on the leaderboard."
)


@dataclass(frozen=True)
class Point:
    """One checkpoint and its scores.

    Attributes:
        split: the split that the checkpoint was trained on, such as "fold0"; "all" for the pooled folds.
        step: the optimizer step.
        selected: whether training selected this step. For pooled folds: whether any fold selected this step.
        held_out: accuracy on the held-out items.
        validation_accuracy: accuracy on the validation items, a fraction; None if it was not logged.
        validation_cross_entropy: mean cross-entropy on the validation items, in nats; None if it was not logged.
    """

    split: str
    step: int
    selected: bool
    held_out: Score
    validation_accuracy: float | None = None
    validation_cross_entropy: float | None = None


def point_of(manifest: TrainingManifest, folder: Path, task: str) -> Point:
    """Return the point of one checkpoint.

    Args:
        manifest: the checkpoint's manifest.
        folder: folder of the checkpoint's evaluation.
        task: the task that scored the checkpoint's held-out items.

    Raises:
        RecipeMPRError: the evaluation cannot be read, or has other items than the pinned ones.
    """
    try:
        run = next(run for file in complete_results(folder) for run in runs_of(file, file.name) if run.task == task)
    except (UnusableError, StopIteration) as error:
        why = f" ({error})" if str(error) else ""
        remedy = "remove this folder and score the checkpoint again"
        raise RecipeMPRError(f"{folder}: no evaluation on {task} can be read{why}; {remedy}") from None
    case = Case(run)
    if fault := next(document_faults(case), None):
        raise RecipeMPRError(f"{folder}: {fault}; remove this folder and score the checkpoint again")
    step = manifest.step or 0
    of_step = (entry for entry in manifest.history if entry.get("step") == step and "eval_accuracy" in entry)
    logged: Mapping[str, Any] = next(of_step, {})
    return Point(
        split=manifest.split,
        step=step,
        selected=not manifest.unselected,
        held_out=score(RowItems.of(case.items).accuracies),
        validation_accuracy=logged.get("eval_accuracy"),
        validation_cross_entropy=logged.get("eval_cross_entropy"),
    )


def pooled(points: Sequence[Point]) -> list[Point]:
    """Return one point for each step that every split has; [] if there is only one split."""
    splits = {point.split for point in points}
    if len(splits) < 2:
        return []
    by_step: dict[int, list[Point]] = {}
    for point in points:
        by_step.setdefault(point.step, []).append(point)
    return [_pool(by_step[step]) for step in sorted(by_step) if {point.split for point in by_step[step]} == splits]


def _pool(points: Sequence[Point]) -> Point:
    right = math.fsum((point.held_out.acc or 0) * (point.held_out.n or 0) for point in points)
    total = Score.of(right, sum(point.held_out.n or 0 for point in points))
    means = [
        _mean([getattr(point, name) for point in points])
        for name in ("validation_accuracy", "validation_cross_entropy")
    ]
    return Point("all", points[0].step, any(point.selected for point in points), total, *means)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if len(known) == len(values) else None


def table(points: Sequence[Point]) -> str:
    """Return the points as a text table with the selected steps marked."""
    several = len({point.split for point in points}) > 1
    lines = [
        [
            *([point.split] if several else []),
            point.step,
            interval_text(point.held_out),
            point.held_out.n,
            percent(point.validation_accuracy),
            "" if point.validation_cross_entropy is None else f"{point.validation_cross_entropy:.3f}",
            _selected(point),
        ]
        for point in points
    ]
    headers = ["Split", "Step", "Held out", "n", "Validation", "Cross-entropy", ""][0 if several else 1 :]
    return tabulate(lines, headers, tablefmt="simple", disable_numparse=True)


def _selected(point: Point) -> str:
    if not point.selected:
        return ""
    return "selected in a fold" if point.split == "all" else "selected; this step is on the leaderboard"


def write_curve(points: Sequence[Point], folder: Path, system: str) -> Iterator[Path]:
    """Write the curve's files into `folder`, and yield their paths."""
    from leaderboard.site.figures.curve import draw_curve
    from leaderboard.site.figures.style import look, save

    points = [*points, *pooled(points)]
    content = {"system": system, "warning": WARNING, "points": [asdict(point) for point in points]}
    for name, text in (("json", json.dumps(content, indent=1)), ("txt", f"{system}\n{WARNING}\n\n{table(points)}")):
        path = folder / f"curve.{name}"
        write_atomic(path, text + "\n")
        yield path
    with look():
        yield from save(draw_curve(points, system), folder, "curve")
