"""Find reasons to exclude a run because its documents, items, option orders or numbers are not comparable."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence, Set
from contextlib import suppress

from scipy.stats import binom, fisher_exact

from leaderboard.load.item_sets import LEAST_ITEMS, ItemSet, base_task, missing_of, task_cut_short
from leaderboard.load.run import Run
from leaderboard.load.samples import Sample
from leaderboard.verify.items import ItemResult, responses_of
from leaderboard.verify.verified import Case
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import EXPLOITABLE_ORDERS, NOT_SHOWN, ORDERS, digest_of_record, pinned_items
from recipe_mpr_task.splits import scored_ids

_BY_CHANCE = 1e-6
_TOLD = (*ORDERS, NOT_SHOWN)
_TOLERANCE = 1e-9
_SHOWN_IDS = 3


def document_faults(case: Case) -> Iterator[str]:
    """Yield one text for each kind of fault in the logged items, with the number and first ids of the faulty items.

    These faults make all numbers of the run unreliable. An item with several faults is listed only under the first.
    """
    spec, is_record, pinned = case.spec, case.run.is_record, pinned_items()
    tests: tuple[tuple[str, Callable[[Sample], bool]], ...] = (
        ("not of the pinned dataset", _is_genuine),
        (
            f"with options not in {spec.order} order",
            lambda sample: tuple(sample.doc.option_ids) == pinned[sample.doc.item_id].shown_ids(spec.order),
        ),
        (
            f"without the expected {spec.n_responses} responses",
            lambda sample: sample.chosen is not None or len(responses_of(sample, spec)) == spec.n_responses,
        ),
        ("with responses that are not the first raw responses", lambda sample: sample.is_first_of_raw),
    )
    if is_record:  # a record has no raw responses, and the loader makes its documents itself
        tests = tests[2:3]
    left = list(case.run.items)
    for fault, passes in tests:
        if faulty := [sample.item_id for sample in left if not passes(sample)]:
            yield counted(faulty, fault)
            left = [sample for sample in left if passes(sample)]


def _is_genuine(sample: Sample) -> bool:
    """Return whether a document is from the dataset, by its hash."""
    document = sample.document
    if document is None or document.item_id not in pinned_items():
        return False
    with suppress(KeyError, IndexError, TypeError, ValueError):  # a malformed document is not genuine
        digest = pinned_items()[document.item_id].digest
        return document.has_texts and digest_of_record(document.as_record()) == digest
    return False


def comparability_faults(case: Case) -> Iterator[str]:
    """Yield each fault in a run's option order or set of items. The documents must be from the dataset."""
    run, spec = case.run, case.spec
    orders = (spec.order, run.args.text("order") if run.is_import else "")
    for order in [order for order in EXPLOITABLE_ORDERS if order in orders]:
        yield f"{order} order: the gold option is always A"
    if run.is_import and (predictable := predictable_gold(gold_letters(run))):
        yield predictable
    if run.config.limit is not None:
        yield f"run with --limit {str(run.config.limit).removesuffix('.0')[:40]}"
    counts = Counter(sample.item_id for sample in run.items)
    if run.item_set:
        yield from _set_faults(run.item_set, run.facts.source, counts.keys())
    wanted = counts.keys() if run.item_set else scored_ids(spec.split)
    for ids, what in (
        (wanted - counts.keys(), "missing"),
        (counts.keys() - wanted, "not in its task's split"),
        ({i for i, n in counts.items() if n > 1}, "appearing more than once"),
    ):
        if ids:
            yield counted(sorted(ids), what)


def _set_faults(item_set: ItemSet, source: str | None, ids: Set[str]) -> Iterator[str]:
    """Yield reasons to exclude a set of items that an importer named."""
    if item_set.n < LEAST_ITEMS:
        yield f"a set of {item_set.n} items; at least {LEAST_ITEMS} are needed"
    if base_task(ids) is None:
        yield "items of the dataset and of the embedded sample are mixed"
    if not source and (task := task_cut_short(ids)):
        missing, n = missing_of(task, ids)
        yield f"{missing} of the {n} items of {task} are left out; name the publisher of the set with --source"


def gold_letters(run: Run) -> tuple[int, ...]:
    """Count, for each letter A to E, the imported items whose stated right option has that letter. Shape (5,)."""
    stated = Counter(sample.gold_place for sample in run.items)
    counts = tuple(stated[k] for k in range(N_OPTIONS))
    return counts if any(counts) else run.args.gold_letters or counts


def order_is_untold(run: Run) -> bool:
    """Return whether the option order of an import is unknown: no --order, and some items without gold_letter."""
    return run.is_import and run.args.text("order") not in _TOLD and sum(gold_letters(run)) < len(run.items)


def seen_are_the_wrong_ones(items: Sequence[ItemResult]) -> bool:
    """Return whether the accuracy on the items named as seen is far lower than on the other items.

    The test is Fisher's exact test, one-sided. A system should do better on items that it has seen. Declaring only
    wrong items as seen inflates the accuracy on the other items.
    """
    right = {seen: [item.accuracy == 1 for item in items if item.seen == seen] for seen in (0, 1)}
    table = [[sum(right[seen]), len(right[seen]) - sum(right[seen])] for seen in (1, 0)]
    return all(right.values()) and bool(fisher_exact(table, alternative="less").pvalue < _BY_CHANCE)


def predictable_gold(counts: Sequence[int]) -> str | None:
    """Return a fault as text if a letter, or a set of letters, has the right option too often for chance; else None.

    Args:
        counts: for each letter A to E, the number of items whose right option has this letter; empty if unknown.
    """
    total, usual = sum(counts), sorted(range(len(counts)), key=lambda k: -counts[k])
    for size in range(1, N_OPTIONS) if total else ():
        most = sum(counts[k] for k in usual[:size])
        # Multiply the exact binomial tail by the number of possible sets of letters (Bonferroni correction).
        if math.comb(N_OPTIONS, size) * binom.sf(most - 1, total, size / N_OPTIONS) < _BY_CHANCE:
            letters = " or ".join(LETTERS[k] for k in sorted(usual[:size]))
            return f"the right option was {letters} in {most} of {total} items, so a constant answer is often right"
    return None


def number_faults(case: Case) -> Iterator[str]:
    """Yield a fault if a score is not finite, or if a logged accuracy differs from the recomputed accuracy."""
    run, items = case.run, case.items
    if unusable := [item.item_id for item in items if math.isnan(item.accuracy)]:
        yield counted(unusable, "with a score that is not finite")
        return
    pairs = zip(run.items, items, strict=True)
    differing = [(sample, item) for sample, item in pairs if sample.accuracy != item.accuracy]
    if edited := [item.item_id for sample, item in differing if not _equal(sample.accuracy, item.accuracy)]:
        yield counted(edited, "with another logged accuracy than the recomputed one")
    total = math.fsum(item.accuracy for item in items) / len(items) if items else math.nan
    logged = run.results.accuracy
    if not _equal(logged, total):
        yield f"acc is {logged} in the results file, but {total:.4f} in the samples"


def _equal(logged: object, computed: float) -> bool:
    return isinstance(logged, (int, float)) and 0 <= logged <= 1 and math.isclose(logged, computed, abs_tol=_TOLERANCE)


def counted(ids: Collection[str], what: str) -> str:
    """Return "1 item WHAT (mpr-000)" or "N items WHAT (mpr-000, mpr-001, mpr-002, ...)"."""
    number = "1 item" if len(ids) == 1 else f"{len(ids)} items"
    shown = [item_id[:40].encode(errors="replace").decode() for item_id in list(ids)[:_SHOWN_IDS]]
    return f"{number} {what} ({', '.join(shown)}{', ...' * (len(ids) > _SHOWN_IDS)})"
