"""One checked run to one row: accuracy, types, and the task's further metrics."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from leaderboard.load.results import Run
from leaderboard.load.task_specs import is_task, task_spec
from leaderboard.rank.position_bias import Position, position_profile
from leaderboard.rank.row import LONGEST_NAME, Row, Score
from leaderboard.rank.row_items import PackedItems
from leaderboard.verify import identity as who
from leaderboard.verify.checks import CheckedRun
from leaderboard.verify.items import MEANS, ItemResult
from leaderboard.verify.naming import model_ids, system_name
from leaderboard.verify.training import training_history, training_record
from recipe_mpr_task.item import LETTERS, N_OPTIONS, QUERY_TYPES, UNTYPED
from recipe_mpr_task.metrics import SEEN, recall_std

_RESAMPLES = 2000


def row_of(run: CheckedRun) -> Row:
    """Make the row of one run, on the board of its task."""
    params = run.run.config.get("model_num_parameters")
    identity, extra = who.identity(run.run), extra_metrics(run)
    return Row(
        system=system_name(run.run)[:LONGEST_NAME],
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
            **extra,
            "identity": identity[:12],
            **_keys(run.run),
            # A system that reads no prompt has no shots, whatever was asked for; of an imported one nothing is known.
            "shots": {"causal": run.run.n_shot, who.IMPORTED: None}.get(who.kind(run.run), 0),
            "prompt": None if who.kind(run.run) == who.IMPORTED else who.prompt_name(run.run),
            "chat_template": run.run.has_chat_template,
            "system_text": run.run.has_system_text,
            "date": date if math.isfinite(date := who.date(run.run)) else None,
            "model": model_ids(run.run),
            "lm_eval_version": str(run.run.results.get("lm_eval_version")),
            "eval_seconds": _amount(run.run.results.get("total_evaluation_time_seconds")),
            **_training(run),
        },
        identity=identity,
        items=PackedItems.of(run.items),
        position=_position(run),
        flags=run.flags,
        history=training_history(run.run),
        around=(run.around,) if run.around else (),
    )


def _keys(run: Run) -> dict[str, Any]:
    """What rows of one system, and tries of one recipe, are found together by."""
    trained = training_record(run)
    content = who.content(run)
    return {
        "content": content[:12] if content else None,
        "dtype": str(run.config["model_dtype"]) if run.config.get("model_dtype") else None,
        "system_key": who.system_key(run)[:12],
        "server_key": server[:12] if (server := who.server_key(run)) else None,
        "setting_key": who.setting_key(run)[:12],
        "recipe_key": str(trained["family"])[:12] if trained.get("family") else None,
        "seed": trained.get("seed"),
        "generation": who.generation(run),
        "random_weights": who.is_from_random_weights(run),
    }


def _position(run: CheckedRun) -> Position | None:
    """The run's position profile, where its options stood in one order and that is known."""
    if not is_task(run.run.task) or who.kind(run.run) == who.IMPORTED:
        return None
    spec = task_spec(run.run.task)
    return None if spec.n_responses > N_OPTIONS else position_profile(run.items, spec.order)


def _amount(recorded: Any) -> float | None:
    try:
        amount = float(recorded)
    except (TypeError, ValueError):
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def _training(run: CheckedRun) -> dict[str, Any]:
    """How the model was trained, and for one that has seen scored items its score on the others."""
    record = training_record(run.run)
    record.pop("reason", None)
    found: dict[str, Any] = {"training": record} if record else {}
    for column, key in (("trainable_params", "trainable_parameters"), ("train_seconds", "wall_time_s")):
        if (number := _amount(record.get(key))) is not None:
            found[column] = int(number) if column == "trainable_params" else number
    if run.status == "overlap":
        found["clean_subset"] = score(run.unseen_items).as_dict()
    return found


def extra_metrics(run: CheckedRun) -> dict[str, Any]:
    """Return the means of the task's further metrics, and RStd with its interval on circular runs.

    An encoder's scores are no text log-likelihoods: its length-normalised accuracy is left out.
    """
    found: dict[str, Any] = {}
    for name in MEANS:
        values = [item.metrics[name] for item in run.items if name in item.metrics]
        if name == SEEN and len(values) < len(run.items):
            continue  # a mean over the known alone would be no share of the items
        if values and not any(map(math.isnan, values)) and not (name == "acc_norm" and who.kind(run.run) != "causal"):
            found[name] = math.fsum(values) / len(values)
    if "perf" in found:
        found |= _rstd(run.items)
        # Scored option by option, a model is the same in every rotation: no win in robustness.
        found["invariant"] = who.is_order_invariant(run.run)
    return found


def _rstd(items: Sequence[ItemResult]) -> dict[str, float]:
    """RStd and its 95% percentile bootstrap interval over items (seeded: same input, same bytes)."""
    pairs = [item.metrics["rstd"] for item in items]
    by_letter = np.array([[dict(map(tuple, item))[k] for k in range(len(LETTERS))] for item in pairs])
    drawn = np.random.default_rng(0).integers(len(pairs), size=(_RESAMPLES, len(pairs)))
    spread = by_letter[drawn].mean(axis=1).std(axis=1)
    low, high = np.quantile(spread, [0.025, 0.975])
    return {"rstd": recall_std(pairs), "rstd_low": float(low), "rstd_high": float(high)}


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
