"""Faults of what a run scored: its items are right, but its number is not comparable with others."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from scipy.stats import binom

from leaderboard.load.results import Run
from leaderboard.load.task_specs import TaskSpec
from leaderboard.verify.identity import IMPORTED, kind, model_args
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import EXPLOITABLE_ORDERS
from recipe_mpr_task.splits import scored_ids

_BY_CHANCE = 1e-6
_MOST_ITEMS = 10_000


def conduct_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Give, in words, each reason for not comparing a run with others.

    Args:
        run: its documents found genuine.
        spec: its task.
    """
    is_import = run.is_record and kind(run) == IMPORTED
    orders = (spec.order, model_args(run).get("order") if is_import else None)
    for order in [order for order in EXPLOITABLE_ORDERS if order in orders]:
        yield f"{order} order: the gold option is always A"
    if is_import and (predictable := predictable_gold(gold_letters(run))):
        yield predictable
    if run.config.get("limit") is not None:
        yield f"--limit {str(run.config['limit']).removesuffix('.0')[:40]}"
    counts = Counter(sample["doc"]["item_id"] for sample in run.samples or [])
    wanted = scored_ids(spec.split)
    for ids, what in (
        (wanted - counts.keys(), "missing"),
        (counts.keys() - wanted, "not of its split"),
        ({i for i, n in counts.items() if n > 1}, "there more than once"),
    ):
        if ids:
            yield f"{n_items(ids)} {what} ({some(sorted(ids))})"


def gold_letters(run: Run) -> list[int]:
    """Return how often the right option stood at A to E, of the items for which an import tells it; [] if for none."""
    counts = model_args(run).get("gold_letters")
    if not isinstance(counts, list) or len(counts) != len(LETTERS):
        return []
    return counts if all(type(n) is int and 0 <= n <= _MOST_ITEMS for n in counts) else []


def predictable_gold(counts: Sequence[int]) -> str | None:
    """Say that the right option stood at few letters more often than chance allows; None if it did not.

    Args:
        counts: how often it stood at A to E.
    """
    total, usual = sum(counts), sorted(range(len(counts)), key=lambda k: -counts[k])
    for size in range(1, N_OPTIONS) if total else ():
        most = sum(counts[k] for k in usual[:size])
        # Exact binomial tail of the most frequent letters, times the number of ways to take so many of five.
        if math.comb(N_OPTIONS, size) * binom.sf(most - 1, total, size / N_OPTIONS) < _BY_CHANCE:
            letters = " or ".join(LETTERS[k] for k in sorted(usual[:size]))
            return f"the right option stood at {letters} in {most} of {total}, so a constant answer scores well"
    return None


def n_items(ids: Collection[Any]) -> str:
    """Return "1 item" or "N items"."""
    return "1 item" if len(ids) == 1 else f"{len(ids)} items"


def some(ids: Collection[Any]) -> str:
    """Return the first three ids, for a message."""
    shown = list(ids)[:3]
    return ", ".join(str(i)[:40].encode(errors="replace").decode() for i in shown) + (
        ", ..." if len(ids) > len(shown) else ""
    )
