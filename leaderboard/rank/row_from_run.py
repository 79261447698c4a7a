"""Turn one verified run into one row: its scores, metrics and costs, and what is known about its system."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from leaderboard.load.import_facts import ImportFacts
from leaderboard.load.schema import Run
from leaderboard.rank.cost import cost_of
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Asked, Keys, LoadedNames, Metric, Origin, PositionProfile, Score
from leaderboard.verify import identity as who
from leaderboard.verify.comparability import gold_letters, order_is_untold, seen_are_the_wrong_ones
from leaderboard.verify.items import MEANS, ItemResult
from leaderboard.verify.prompts import evidence
from leaderboard.verify.statuses import RANKED
from leaderboard.verify.verified import VerifiedRun
from recipe_mpr_task.item import N_OPTIONS, QUERY_TYPES, UNTYPED
from recipe_mpr_task.metrics import SEEN, recall_std
from recipe_mpr_task.names import shown_text
from recipe_mpr_task.orders import ORDERS, pinned_items
from recipe_mpr_task.result_records import TrainingRecord
from recipe_mpr_task.task_specs import is_task, task_spec

_ORDER_UNTOLD = "no rank: the option order is not stated; import again with --order, or add the order to the file"
_LONGEST_NAME = 200
_RESAMPLES = 2000
_DIGITS = 4
_NOT_SHOWN = {"reason", "weights", "settings", "base_files", "history"}
"""Fields of a training record that a row omits. The field `Row.curve` has the curve from `history`."""


def row_of(verified: VerifiedRun) -> Row:
    """Return the row of one run, on the board of its task."""
    run, kind = verified.run, who.kind(verified.run)
    metrics = _further_metrics(verified)
    no_rank = _ORDER_UNTOLD if verified.status in RANKED and order_is_untold(run) else ""
    shown_training = run.training.model_dump(include=set(TrainingRecord.model_fields) - _NOT_SHOWN, exclude_none=True)
    return Row(
        system=who.system_name(run)[:_LONGEST_NAME],
        kind=kind,
        status=verified.status,
        reason=f"{no_rank}; {verified.reason}" if no_rank else verified.reason,
        board=run.board,
        task=run.board,
        task_version=run.version,
        score=score(verified.items),
        types=type_scores(verified.items),
        params=run.config.model_num_parameters,
        source=run.source,
        evidence=evidence(run),
        metrics=metrics,
        # A model that scores each option alone gives equal answers in all rotations. That is no sign of robustness.
        is_invariant="perf" in metrics and who.is_order_invariant(run),
        clean_subset=score(verified.unseen_items) if _shows_unseen(verified) else None,
        has_samples=run.samples is not None or not is_task(run.task),
        from_random_weights=who.is_from_random_weights(run),
        # A system that reads no prompt has 0 shots, whatever was requested. An imported system's shots are unknown.
        asked=Asked(
            shots=None if kind == who.IMPORTED else run.n_shot if kind == "causal" else 0,
            prompt=None if kind == who.IMPORTED else who.prompt_name(run),
            chat_template=run.has_chat_template,
            system_text=run.has_system_text,
            generation=who.generation(run),
        ),
        loaded=LoadedNames(**who.model_ids(run)),
        training=TrainingRecord(**shown_training) if shown_training else None,
        keys=_keys(run),
        cost=cost_of(run),
        date=run.results.date,
        lm_eval_version=None if run.results.lm_eval_version is None else str(run.results.lm_eval_version),
        items=RowItems.of(verified.items),
        position=_position(verified),
        flags=verified.flags,
        curve=run.training.curve,
        around=(verified.around,) if verified.around else (),
        item_set=run.item_set,
        origin=_origin(run.facts, (run.args.text("order") or None) if run.is_import else None),
        gold_letters=_gold_letters(verified),
        no_rank=no_rank,
    )


def _shows_unseen(verified: VerifiedRun) -> bool:
    return verified.status == "overlap" and not seen_are_the_wrong_ones(verified.items)


def _origin(facts: ImportFacts, order: str | None) -> Origin:
    texts = {"source": facts.source, "note": facts.note}
    shown = {key: shown_text(text) for key, text in texts.items() if text}
    return Origin(published=facts.published, claimed=facts.claimed, order=order, **shown)


def _gold_letters(verified: VerifiedRun) -> tuple[int, ...]:
    """Return `Row.gold_letters`. For an imported run, use the letters in its file, or else --order."""
    run = verified.run
    if not verified.items or task_spec(run.task).n_responses > N_OPTIONS:
        return ()
    if not run.is_import:
        order = task_spec(run.task).order
    elif any(counts := gold_letters(run)):
        return counts
    elif (order := run.args.text("order")) not in ORDERS:
        return ()
    pinned = pinned_items()
    golds = Counter([pinned[item.item_id].shown_gold(order) for item in verified.items])
    return tuple(golds[k] for k in range(N_OPTIONS))


def _keys(run: Run) -> Keys:
    hashes = {
        "content": run.loaded.sha256,
        "system": who.system_key(run),
        "server": who.server_key(run),
        "recipe": run.training.family,
    }
    return Keys(
        identity=who.identity(run),
        setting=who.setting_key(run)[:12],
        seed=run.training.seed,
        dtype=run.config.model_dtype or None,
        **{name: digest[:12] for name, digest in hashes.items() if digest},
    )


def _further_metrics(verified: VerifiedRun) -> dict[str, Metric]:
    """Return the metrics other than accuracy: each metric's mean over items. Circular runs also have RStd.

    Only causal models have `acc_norm`, because the scores of other systems are not log-likelihoods of texts.
    """
    metrics: dict[str, Metric] = {}
    is_causal = who.kind(verified.run) == "causal"
    of_task = {name for item in verified.items[:1] for name in item.metrics}  # equal for all items of a task
    for name in [name for name in MEANS if name in of_task or name == SEEN]:
        of_each = (item.seen if name == SEEN else item.metrics.get(name) for item in verified.items)
        values = [value for value in of_each if value is not None]
        if name == SEEN and len(values) < len(verified.items):
            continue  # omitted, because it is unknown whether the model saw the other items
        if values and not any(map(math.isnan, values)) and (is_causal or name != "acc_norm"):
            metrics[name] = Metric(math.fsum(values) / len(values))
    if unparsed := sum(sample.is_unparsed for sample in verified.run.items):
        metrics["parse_fail"] = Metric(unparsed / len(verified.run.items))
    return metrics | ({"rstd": _rstd(verified.items)} if "perf" in metrics else {})


def _rstd(items: Sequence[ItemResult]) -> Metric:
    """Return RStd (the sd of recall over the five letters) and its 95% bootstrap interval, with a fixed seed."""
    pairs = [item.rotations or [] for item in items]
    by_letter = np.array([[accuracy for _, accuracy in sorted(rotations)] for rotations in pairs])
    drawn = np.random.default_rng(0).integers(len(pairs), size=(_RESAMPLES, len(pairs)))
    spread = by_letter[drawn].mean(axis=1).std(axis=1)
    low, high = np.quantile(spread, [0.025, 0.975])
    return Metric(recall_std(pairs), float(low), float(high))


def _position(verified: VerifiedRun) -> PositionProfile | None:
    """Return a run's position profile; None if the options were shown in several orders or in an unknown order."""
    run = verified.run
    if not is_task(run.task) or task_spec(run.task).n_responses > N_OPTIONS:
        return None
    if who.kind(run) == who.IMPORTED:
        return _imported_profile(verified)
    return position_profile(verified.items, task_spec(run.task).order)


def _imported_profile(verified: VerifiedRun) -> PositionProfile | None:
    """Return the profile of an imported run that states both letters of every item it answered, else None."""
    samples, n = verified.run.items, len(verified.items)
    answered = Counter(sample.place for sample in samples if sample.place is not None)
    is_told = all(s.gold_place is not None and (s.place is not None or s.is_unparsed) for s in samples)
    if not answered or not is_told or len(samples) != n:
        return None
    right, golds = [0.0] * N_OPTIONS, gold_letters(verified.run)
    for sample, item in zip(samples, verified.items, strict=True):
        right[sample.gold_place or 0] += item.accuracy
    shares = tuple(round(answered[k] / n, _DIGITS) for k in range(N_OPTIONS))
    return PositionProfile(
        shares, tuple(round(r / g, _DIGITS) if g else None for r, g in zip(right, golds, strict=True))
    )


def position_profile(items: Sequence[ItemResult], order: str) -> PositionProfile | None:
    """Return the position profile of items whose options were shown in `order`; None if no option was chosen."""
    if not any(item.chosen for item in items):
        return None
    answers, right, golds = ([0.0] * N_OPTIONS for _ in range(3))
    pinned = pinned_items()
    for item in items:
        shown, gold = pinned[item.item_id].shown_ids(order), pinned[item.item_id].shown_gold(order)
        for recipe_id in item.chosen:
            answers[shown.index(recipe_id)] += 1 / len(item.chosen)
        golds[gold] += 1
        right[gold] += item.accuracy
    shares = tuple(round(answer / len(items), _DIGITS) for answer in answers)
    recall = (round(r / g, _DIGITS) if g and not math.isnan(r) else None for r, g in zip(right, golds, strict=True))
    return PositionProfile(shares, tuple(recall))


def score(items: Iterable[ItemResult]) -> Score:
    """Return the score of a set of items. The score's accuracy is None if an item's accuracy is NaN."""
    accuracies = [item.accuracy for item in items]
    if any(map(math.isnan, accuracies)):
        return Score(None, len(accuracies))
    # `fsum` has no rounding errors: 500 times 0.2 is exactly 100.
    return Score.of(math.fsum(accuracies), len(accuracies))


def type_scores(items: Sequence[ItemResult]) -> dict[str, Score]:
    """Return the score of each query type; a type without items is absent."""
    by_type: dict[str, list[ItemResult]] = defaultdict(list)
    for item in items:
        for name in item.types or (UNTYPED,):
            by_type[name].append(item)
    return {name: score(by_type[name]) for name in (*QUERY_TYPES, UNTYPED) if name in by_type}
