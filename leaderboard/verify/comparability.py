"""Reasons to exclude a run with genuine items: other items, orders or numbers than comparable runs have."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from scipy.stats import binom

from leaderboard.load.schema import Run
from leaderboard.verify.documents import counted
from leaderboard.verify.identity import IMPORTED, kind
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import EXPLOITABLE_ORDERS
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task_specs import TaskSpec

_BY_CHANCE = 1e-6
_TOLERANCE = 1e-9


def comparability_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Give, in words, each reason for not comparing a run with others.

    Args:
        run: its documents are genuine.
        spec: its task.
    """
    is_import = run.is_record and kind(run) == IMPORTED
    orders = (spec.order, run.args.text("order") if is_import else "")
    for order in [order for order in EXPLOITABLE_ORDERS if order in orders]:
        yield f"{order} order: the gold option is always A"
    if is_import and (predictable := predictable_gold(run.args.gold_letters)):
        yield predictable
    if run.config.limit is not None:
        yield f"--limit {str(run.config.limit).removesuffix('.0')[:40]}"
    counts = Counter(sample.item_id for sample in run.items)
    wanted = scored_ids(spec.split)
    for ids, what in (
        (wanted - counts.keys(), "missing"),
        (counts.keys() - wanted, "not of its split"),
        ({i for i, n in counts.items() if n > 1}, "there more than once"),
    ):
        if ids:
            yield counted(sorted(ids), what)


def predictable_gold(counts: Sequence[int]) -> str | None:
    """Return the letters at which the right option stood more often than chance allows, in words; None without such.

    Args:
        counts: how often it stood at A to E; empty if unknown.
    """
    total, usual = sum(counts), sorted(range(len(counts)), key=lambda k: -counts[k])
    for size in range(1, N_OPTIONS) if total else ():
        most = sum(counts[k] for k in usual[:size])
        # Exact binomial tail of the most frequent letters, times the number of ways to take so many of five.
        if math.comb(N_OPTIONS, size) * binom.sf(most - 1, total, size / N_OPTIONS) < _BY_CHANCE:
            letters = " or ".join(LETTERS[k] for k in sorted(usual[:size]))
            return f"the right option stood at {letters} in {most} of {total}, so a constant answer scores well"
    return None


def number_faults(run: Run, items: Sequence[ItemResult]) -> Iterator[str]:
    """Give, in words, each number that is not finite or other than the logged scores give."""
    unusable = [item.item_id for item in items if math.isnan(item.accuracy)]
    if unusable:
        yield counted(unusable, "with a score that is not finite")
        return
    pairs = zip(run.items, items, strict=True)
    edited = [item.item_id for sample, item in pairs if not _equal(sample.accuracy, item.accuracy)]
    if edited:
        yield counted(edited, "with another accuracy logged than the scores give")
    total = math.fsum(item.accuracy for item in items) / len(items) if items else math.nan
    logged = run.results.metrics.get("acc,none")
    if not _equal(logged, total):
        yield f"the results file says acc {logged}, the samples give {total:.4f}"


def _equal(logged: object, computed: float) -> bool:
    return isinstance(logged, (int, float)) and 0 <= logged <= 1 and math.isclose(logged, computed, abs_tol=_TOLERANCE)
