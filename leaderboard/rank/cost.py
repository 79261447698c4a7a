"""Compute a row's cost from a run or from pooled runs, and compare two costs measured on the same hardware."""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from leaderboard.load.run import Run
from leaderboard.rank.row_parts import Cost
from leaderboard.verify.forensics import used_cache
from recipe_mpr_task.cost import CPU, EvaluationCost, names_hardware

_CACHED = "not measured: answers may come from lm-eval's request cache"
_OF_A_PART = "not shown: measured over the whole run, but this row has only a part of its items"

# How each figure is pooled. All tasks of a pool have equally many items, so the mean over tasks is the mean over items.
_TOTALS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "seconds": math.fsum,
    "gpu_seconds": math.fsum,
    "seconds_per_item": statistics.fmean,
    "tokens_per_second": statistics.fmean,
    "memory_bytes": max,
}


def cost_of(run: Run) -> Cost:
    """Return the cost of one run. Figures that do not describe this run alone are None, and `eval_note` says why."""
    training, note = run.training, _why_not(run)
    own = run.results.cost if note is None else None
    return Cost(
        eval_seconds=None if used_cache(run) else run.results.eval_seconds,
        eval_seconds_per_item=own.seconds / own.items if own else None,
        eval_tokens_per_second=own.tokens_per_second if own else None,
        eval_memory_bytes=own.peak_memory_bytes if own else None,
        eval_gpu_seconds=gpu_seconds(own) if own else None,
        eval_hardware=str(own.hardware) if own and own.hardware else None,
        eval_note=note,
        train_seconds=training.wall_time_s,
        train_seconds_per_item=training.seconds_per_item,
        train_tokens_per_second=training.tokens_per_second,
        train_memory_bytes=training.peak_memory_bytes,
        train_hardware=training.hardware,
        trainable_params=training.trainable_parameters,
    )


def _why_not(run: Run) -> str | None:
    """Return why the recorded cost does not describe this run; None if it does, or if no cost was recorded."""
    cost = run.results.cost
    if used_cache(run):
        return _CACHED if cost or run.results.eval_seconds is not None else None
    if cost and cost.tasks > 1:
        return f"measured only for {cost.tasks} tasks together"
    if cost and cost.items != len(run.items):
        return f"measured for {cost.items} items, but the run has {len(run.items)}"
    return None


def gpu_seconds(cost: EvaluationCost) -> float | None:
    """Return the evaluation's seconds times the number of GPUs; None on a CPU, or if the hardware is unknown."""
    if cost.hardware is None or cost.hardware.device == CPU or cost.hardware.n_devices < 1:
        return None
    return cost.seconds * cost.hardware.n_devices


def without_evaluation(cost: Cost) -> Cost:
    """Return a cost without the figures of the evaluation, for a row that has a part of its run's items."""
    measured = any(value is not None for name, value in vars(cost).items() if name.startswith("eval_"))
    return replace(cost, **_blank("eval") | {"eval_note": _OF_A_PART if measured else None})


def pooled_cost(costs: Sequence[Cost], *, of_folds: bool) -> Cost:
    """Return the cost of several runs as one. If their hardware differs, the figures are None, and a note says why.

    Args:
        costs: the costs of the runs, in a fixed order.
        of_folds: whether each run has its own training. If not, all runs have the same training.
    """
    training = _pooled("train", costs) if of_folds else {name: _common(name, costs) for name in _blank("train")}
    return Cost(**_pooled("eval", costs), **training, trainable_params=costs[0].trainable_params)


def _pooled(stage: str, costs: Sequence[Cost]) -> dict[str, Any]:
    if note := differing_hardware([getattr(cost, f"{stage}_hardware") for cost in costs]):
        known = [text for cost in costs if (text := getattr(cost, f"{stage}_note"))]
        return _blank(stage) | {f"{stage}_note": "; ".join(dict.fromkeys((*known, note)))}
    pooled = {}
    for name in _blank(stage):
        values = [getattr(cost, name) for cost in costs]
        total = _TOTALS.get(name.removeprefix(f"{stage}_"))
        if total:
            pooled[name] = None if None in values else total(values)
        else:  # all runs have the same hardware; of several notes, keep the first
            pooled[name] = next(filter(None, values), None)
    return pooled


def _common(name: str, costs: Sequence[Cost]) -> Any:
    values = {getattr(cost, name) for cost in costs}
    return values.pop() if len(values) == 1 else None


def differing_hardware(names: Sequence[str | None]) -> str | None:
    """Return in words how the hardware of pooled runs differs; None if all name the same one, or none at all."""
    counts = Counter(names)
    if len(counts) < 2:
        return None
    listed = ", ".join(f"{name or 'not recorded'} ({n})" for name, n in sorted(counts.items(), key=str))
    return f"no figure, because the {len(names)} runs had different hardware: {listed}"


def _blank(stage: str) -> dict[str, Any]:
    return {name: None for name in Cost.__dataclass_fields__ if name.startswith(f"{stage}_")}


def cost_lines(a: Cost, b: Cost) -> Iterator[str]:
    """Yield lines that compare two rows' costs. Give a ratio only if both were measured on the same hardware."""
    if why := _not_comparable("eval", a, b, a.eval_seconds_per_item, b.eval_seconds_per_item):
        yield f"Cost of evaluation not compared: {why}."
    else:
        yield f"Cost of evaluation, both on {a.eval_hardware}:"
        yield _ratio("seconds per item", a.eval_seconds_per_item, b.eval_seconds_per_item)
        yield from filter(None, (
            _ratio("tokens per second", a.eval_tokens_per_second, b.eval_tokens_per_second),
            _ratio("peak memory in GB", _gigabytes(a.eval_memory_bytes), _gigabytes(b.eval_memory_bytes)),
        ))  # fmt: skip
    if a.train_seconds is None or b.train_seconds is None:
        return
    if why := _not_comparable("train", a, b, a.train_seconds, b.train_seconds):
        yield f"Cost of training not compared: {why}."
    else:
        yield f"Cost of training, both on {a.train_hardware}:"
        yield _ratio("seconds", a.train_seconds, b.train_seconds)


def _not_comparable(stage: str, a: Cost, b: Cost, of_a: float | None, of_b: float | None) -> str | None:
    """Return why the two rows' figures of a stage cannot be compared; None if they can."""
    for letter, cost, figure in (("A", a, of_a), ("B", b, of_b)):
        hardware, note = getattr(cost, f"{stage}_hardware"), getattr(cost, f"{stage}_note")
        if figure is None:
            return f"the time of {letter} without loading the model is not recorded{f' ({note})' if note else ''}"
        if hardware is None:
            return f"the hardware of {letter} is not recorded"
        if not names_hardware(hardware):
            return f"the hardware of {letter} is not named exactly ({hardware})"
    ran_on = (getattr(a, f"{stage}_hardware"), getattr(b, f"{stage}_hardware"))
    return None if ran_on[0] == ran_on[1] else f"A ran on {ran_on[0]}, B on {ran_on[1]}"


def _ratio(what: str, of_a: float | None, of_b: float | None) -> str:
    """Return a line with both figures and their ratio; "" if one is unknown."""
    if of_a is None or of_b is None:
        return ""
    ratio = f", A / B = {of_a / of_b:.3g}" if of_a > 0 and of_b > 0 else ""
    return f"  {what}: A {of_a:.3g}, B {of_b:.3g}{ratio}"


def _gigabytes(n_bytes: int | None) -> float | None:
    return None if n_bytes is None else n_bytes / 1e9
