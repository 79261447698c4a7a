"""Metrics: hand-computed cases, and agreement with independent few-line computations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax as scipy_softmax

from recipe_mpr_task.metrics import brier, fair_accuracy, generate_metrics, letter_metrics

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
