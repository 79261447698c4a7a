"""Turn one verified run into one row: its scores, metrics and costs, and what is known about its system."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from leaderboard.load.import_facts import ImportFacts
from leaderboard.load.run import Run
from leaderboard.rank.cost import cost_of
from leaderboard.rank.item_scores import gold_places, position_profile, score, type_scores
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Asked, Keys, LoadedNames, Metric, Origin, PositionProfile
from leaderboard.verify import identity as who
from leaderboard.verify.comparability import gold_letters, order_is_untold, seen_are_the_wrong_ones
from leaderboard.verify.items import MEANS, ItemResult
from leaderboard.verify.prompts import evidence
from leaderboard.verify.statuses import RANKED
from leaderboard.verify.verified import VerifiedRun
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.metrics import SEEN, recall_std
from recipe_mpr_task.names import shown_text
from recipe_mpr_task.orders import ORDERS
from recipe_mpr_task.result_records import TrainingRecord
from recipe_mpr_task.task_specs import is_task, task_spec

_ORDER_UNTOLD = "the option order is not stated; import again with --order, or add the order to the file"
_LONGEST_NAME = 200
_RESAMPLES = 2000
_DIGITS = 4
_NOT_SHOWN = {"reason", "weights", "settings", "base_files", "history"}
"""Fields of a training record that a row omits. The field `Row.curve` has the curve from `history`."""


def row_of(verified: VerifiedRun) -> Row:
    """Return the row of one run, on the board of its task."""
    run, kind = verified.run, who.kind(verified.run)
    items, metrics = RowItems.of(verified.items), _further_metrics(verified)
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
        score=score(items.accuracies),
        types=type_scores(items),
        params=run.config.model_num_parameters,
        source=run.source,
        evidence=evidence(run),
        metrics=metrics,
        # A model that scores each option alone gives equal answers in all rotations. That is no sign of robustness.
        is_invariant="perf" in metrics and who.is_order_invariant(run),
        clean_subset=score(items.accuracies[items.seen == 0]) if _shows_unseen(verified) else None,
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
        items=items,
        position=_position(verified, items),
        flags=verified.flags,
        curve=run.training.curve,
        around=(verified.around,) if verified.around else (),
        item_set=run.item_set,
        origin=_origin(run.facts, (run.args.text("order") or None) if run.is_import else None),
        gold_letters=_gold_letters(verified, items),
        no_rank=no_rank,
    )


def _shows_unseen(verified: VerifiedRun) -> bool:
    return verified.status == "overlap" and not seen_are_the_wrong_ones(verified.items)


def _origin(facts: ImportFacts, order: str | None) -> Origin:
    texts = {"source": facts.source, "note": facts.note}
    shown = {key: shown_text(text) for key, text in texts.items() if text}
    return Origin(published=facts.published, claimed=facts.claimed, order=order, **shown)


def _gold_letters(verified: VerifiedRun, items: RowItems) -> tuple[int, ...]:
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
    return tuple(np.bincount(gold_places(items.ids, order), minlength=N_OPTIONS).tolist())


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


def _position(verified: VerifiedRun, items: RowItems) -> PositionProfile | None:
    """Return a run's position profile; None if the options were shown in several orders or in an unknown order."""
    run = verified.run
    if not is_task(run.task) or task_spec(run.task).n_responses > N_OPTIONS:
        return None
    if who.kind(run) == who.IMPORTED:
        return _imported_profile(verified)
    return position_profile(items, task_spec(run.task).order)


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
