"""Turn one verified run into one row: accuracy, types, further metrics, and what is known of the system."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from leaderboard.load.schema import Run
from leaderboard.rank.position_bias import PositionProfile, position_profile
from leaderboard.rank.row import LONGEST_NAME, Asked, Cost, Keys, LoadedNames, Metric, Row, Score
from leaderboard.rank.row_items import RowItems
from leaderboard.verify import identity as who
from leaderboard.verify.items import MEANS, ItemResult
from leaderboard.verify.prompts import evidence
from leaderboard.verify.verified import VerifiedRun
from recipe_mpr_task.item import N_OPTIONS, QUERY_TYPES, UNTYPED
from recipe_mpr_task.metrics import SEEN, recall_std
from recipe_mpr_task.result_records import TrainingRecord
from recipe_mpr_task.task_specs import is_task, task_spec

_RESAMPLES = 2000
_NOT_SHOWN = {"reason", "weights", "settings", "base_files", "history"}
"""Of a training record: the row has its reason and curve elsewhere, and needs no file hashes."""


def row_of(verified: VerifiedRun) -> Row:
    """Return the row of one run, on the board of its task."""
    run, kind = verified.run, who.kind(verified.run)
    metrics = further_metrics(verified)
    return Row(
        system=who.system_name(run)[:LONGEST_NAME],
        kind=kind,
        status=verified.status,
        reason=verified.reason,
        board=run.task,
        task=run.task,
        task_version=run.version,
        score=score(verified.items),
        types=type_scores(verified.items),
        params=run.config.model_num_parameters,
        source=run.source,
        evidence=evidence(run),
        metrics=metrics,
        # A model that scores each option alone is the same in every rotation: no win in robustness.
        is_invariant="perf" in metrics and who.is_order_invariant(run),
        clean_subset=score(verified.unseen_items) if verified.status == "overlap" else None,
        has_samples=run.samples is not None or not is_task(run.task),
        from_random_weights=who.is_from_random_weights(run),
        asked=_asked(run),
        loaded=LoadedNames(**who.model_ids(run)),
        training=_shown_training(run.training),
        keys=_keys(run),
        cost=_cost(run),
        date=run.results.date,
        lm_eval_version=str(run.results.lm_eval_version),
        items=RowItems.of(verified.items),
        position=_position(verified),
        flags=verified.flags,
        curve=run.training.curve,
        around=(verified.around,) if verified.around else (),
    )


def _asked(run: Run) -> Asked:
    kind = who.kind(run)
    # A system that reads no prompt has no shots, whatever was asked for; of an imported one nothing is known.
    return Asked(
        shots=None if kind == who.IMPORTED else run.n_shot if kind == "causal" else 0,
        prompt=None if kind == who.IMPORTED else who.prompt_name(run),
        chat_template=run.has_chat_template,
        system_text=run.has_system_text,
        generation=who.generation(run),
    )


def _shown_training(record: TrainingRecord) -> TrainingRecord | None:
    """Return the record without what a row does not show; None if nothing is left."""
    shown = record.model_dump(include=set(TrainingRecord.model_fields) - _NOT_SHOWN, exclude_none=True)
    return TrainingRecord(**shown) if shown else None


def _keys(run: Run) -> Keys:
    return Keys(
        identity=who.identity(run),
        content=_cut(who.content(run)),
        system=_cut(who.system_key(run)),
        server=_cut(who.server_key(run)),
        setting=who.setting_key(run)[:12],
        recipe=_cut(run.training.family),
        seed=run.training.seed,
        dtype=run.config.model_dtype or None,
    )


def _cut(digest: str | None) -> str | None:
    return digest[:12] if digest else None


def _cost(run: Run) -> Cost:
    training, evaluation = run.training, run.results.cost
    # The cost of several tasks together is no task's own.
    own = evaluation if evaluation and evaluation.tasks == 1 else None
    return Cost(
        eval_seconds=run.results.eval_seconds,
        eval_seconds_per_item=own.seconds_per_item if own else None,
        eval_tokens_per_second=own.tokens_per_second if own else None,
        eval_memory_bytes=own.peak_memory_bytes if own else None,
        eval_hardware=str(own.hardware) if own and own.hardware else None,
        train_seconds=training.wall_time_s,
        train_seconds_per_item=training.seconds_per_item,
        train_tokens_per_second=training.tokens_per_second,
        train_memory_bytes=training.peak_memory_bytes,
        train_hardware=training.hardware,
        trainable_params=training.trainable_parameters,
    )


def _position(verified: VerifiedRun) -> PositionProfile | None:
    """Return the position profile of a run whose options stood in one known order; else None."""
    run = verified.run
    if not is_task(run.task) or who.kind(run) == who.IMPORTED:
        return None
    spec = task_spec(run.task)
    return None if spec.n_responses > N_OPTIONS else position_profile(verified.items, spec.order)


def further_metrics(verified: VerifiedRun) -> dict[str, Metric]:
    """Return the means of the task's further metrics, and RStd with its interval on circular runs.

    An encoder's scores are no text log-likelihoods: its length-normalised accuracy is left out.
    """
    metrics: dict[str, Metric] = {}
    is_causal = who.kind(verified.run) == "causal"
    for name in MEANS:
        values = [item.metrics[name] for item in verified.items if name in item.metrics]
        if name == SEEN and len(values) < len(verified.items):
            continue  # a mean over the known items alone would be no share of the items
        if values and not any(map(math.isnan, values)) and (is_causal or name != "acc_norm"):
            metrics[name] = Metric(math.fsum(values) / len(values))
    return metrics | ({"rstd": _rstd(verified.items)} if "perf" in metrics else {})


def _rstd(items: Sequence[ItemResult]) -> Metric:
    """Return RStd and its 95% percentile bootstrap interval over items (seeded: same input, same bytes)."""
    pairs = [item.rotations or [] for item in items]
    by_letter = np.array([[accuracy for _, accuracy in sorted(rotations)] for rotations in pairs])
    drawn = np.random.default_rng(0).integers(len(pairs), size=(_RESAMPLES, len(pairs)))
    spread = by_letter[drawn].mean(axis=1).std(axis=1)
    low, high = np.quantile(spread, [0.025, 0.975])
    return Metric(recall_std(pairs), float(low), float(high))


def score(items: Iterable[ItemResult]) -> Score:
    """Return the score of a set of items; if one lacks a finite accuracy, the set has no number."""
    accuracies = [item.accuracy for item in items]
    if any(math.isnan(accuracy) for accuracy in accuracies):
        return Score(None, len(accuracies), None, None)
    # fsum: five hundred times 0.2 is then 100 exactly.
    return Score.of(math.fsum(accuracies), len(accuracies))


def type_scores(items: Sequence[ItemResult]) -> dict[str, Score]:
    """Return the score of each query type over its items; a type without items is absent."""
    by_type: dict[str, list[ItemResult]] = defaultdict(list)
    for item in items:
        for name in item.types or (UNTYPED,):
            by_type[name].append(item)
    return {name: score(by_type[name]) for name in (*QUERY_TYPES, UNTYPED) if name in by_type}
