"""Metrics: hand-computed cases, and agreement with independent few-line computations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax as scipy_softmax

from recipe_mpr_task.item import QUERY_TYPES
from recipe_mpr_task.metrics import (
    METRIC_LIST,
    METRICS,
    circular_metrics,
    cloze_metrics,
    generate_metrics,
    letter_metrics,
    recall_std,
)
from recipe_mpr_task.scoring import brier, fair_accuracy, letter_results, softmax
from recipe_mpr_task.tasks import TASKS_PATH

SCORES = st.lists(st.floats(-50, 0), min_size=5, max_size=5)
GOLD = st.integers(0, 4)


@pytest.mark.parametrize(
    ("scores", "gold", "accuracy"),
    [
        ([0, -1, -1, -1, -1], 0, 1.0),
        ([0, -1, -1, -1, -1], 1, 0.0),
        ([-2, -2, -2, -2, -2], 3, 0.2),
        ([-1, 0, 0, -1, -1], 2, 0.5),
        ([-1, 0, 0, -1, -1], 0, 0.0),
    ],
)
def test_ties_are_shared(scores, gold, accuracy):
    assert fair_accuracy(scores, gold) == accuracy


@given(SCORES, GOLD)
def test_metrics_agree_with_numpy_and_scipy(scores, gold):
    best = np.flatnonzero(np.array(scores) == max(scores))
    assert fair_accuracy(scores, gold) == (1 / len(best) if gold in best else 0)
    assert brier(scores, gold) == pytest.approx(((scipy_softmax(scores) - np.eye(5)[gold]) ** 2).sum())


TIED = st.permutations([-1.0, -1.0, -2.0, -2.0, -3.0])


@given(st.lists(st.tuples(SCORES | TIED, GOLD), min_size=1, max_size=8))
def test_items_scored_at_once_have_the_results_of_items_scored_alone(items):
    found = letter_results(np.array([scores for scores, _ in items]), np.array([gold for _, gold in items]))
    for place, (scores, gold) in enumerate(items):
        metrics = letter_metrics({"gold": gold, "query_types": []}, [(score, False) for score in scores])
        assert found.accuracies[place] == metrics["acc"]
        assert found.briers[place] == pytest.approx(metrics["brier"], rel=1e-12)
        assert found.probabilities[place] == pytest.approx(softmax(scores), rel=1e-12)
        assert found.is_best[place].tolist() == [score == max(scores) for score in scores]


@given(SCORES, GOLD, st.permutations(range(5)))
def test_accuracy_does_not_see_the_order(scores, gold, order):
    assert fair_accuracy([scores[k] for k in order], order.index(gold)) == fair_accuracy(scores, gold)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_makes_the_item_nan(bad):
    metrics = letter_metrics({"gold": 0, "query_types": []}, [(s, False) for s in (0.0, bad, -1.0, -1.0, -1.0)])
    assert metrics.keys() == {"acc", "brier", "acc_untyped"}
    assert all(math.isnan(value) for value in metrics.values())


def test_generated_letters_are_judged_by_gold_alone():
    # A logged gold_letter could be edited to fit the answer: nothing pins it.
    doc = {"gold": 1, "gold_letter": "E", "query_types": [], "options": ["soup", "stew", "bread", "cake", "tea"]}
    assert generate_metrics(doc, ["Answer: B"]) == {"acc": 1.0, "acc_untyped": 1.0, "parse_fail": 0.0}
    assert generate_metrics(doc, ["Answer: E"])["acc"] == 0.0
    assert generate_metrics(doc, ["B or E"]) == {"acc": 0.0, "acc_untyped": 0.0, "parse_fail": 1.0}


def test_an_item_counts_for_each_of_its_types_and_no_other():
    results = [(0.0, True), (-1.0, False), (-1.0, False), (-1.0, False), (-1.0, False)]
    metrics = letter_metrics({"gold": 0, "query_types": ["Negated", "Temporal"]}, results)
    assert metrics.keys() == {"acc", "brier", "acc_negated", "acc_temporal"}
    assert metrics["acc_negated"] == metrics["acc"] == 1.0


def test_the_registry_lists_every_metric_that_a_task_computes_and_no_other():
    doc = {"gold": 1, "query_types": [], "options": ["soup", "stew", "bread", "cake", "tea"], "seen_in_training": 0}
    scores = [(-1.0, False)] * 5
    computed = cloze_metrics(doc, scores) | circular_metrics(doc, scores * 5) | generate_metrics(doc, ["B"])
    for name in QUERY_TYPES:
        computed |= letter_metrics(doc | {"query_types": [name]}, scores)
    assert {metric.key for metric in METRICS} == computed.keys()
    assert len({metric.label for metric in METRICS}) == len(METRICS)
    assert all(metric.help.endswith(".") and metric.unit in ("fraction", "score") for metric in METRICS)


def test_every_task_takes_its_metrics_from_the_registry():
    from lm_eval.tasks._yaml_loader import load_yaml

    configs = [load_yaml(path) for path in TASKS_PATH.glob("recipe_mpr*.yaml")]
    tasks = [config for config in configs if "group" not in config]
    assert len(tasks) > 15
    assert all(config["metric_list"] is METRIC_LIST for config in tasks)


def test_lm_eval_aggregates_by_the_registry():
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=TASKS_PATH, include_defaults=False)
    task = manager.load("recipe_mpr_sample")["tasks"]["recipe_mpr_sample"]
    assert task.higher_is_better() == {metric.key: metric.higher_is_better for metric in METRICS}
    assert task.aggregation()["rstd"] is recall_std
