"""Statistics agree with scipy, statsmodels or complete enumeration, and intervals have their stated coverage."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as of_statsmodels

from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Score
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.statistics import (
    bootstrap_intervals,
    compare,
    compare_with,
    holm,
    holm_agreeing,
    minimal_detectable_effect,
    pairwise,
    sign_flip,
)

ACCURACIES = st.sampled_from([0.0, 1.0, 0.5, 1 / 3, 0.25, 0.2])
RNG = np.random.default_rng(7)


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_mcnemar_is_that_of_statsmodels_and_of_the_binomial_test(a, random):
    b = [random.random() < 0.5 for _ in a]
    found = compare(np.array(a, float), np.array(b, float))
    wins, losses = sum(x > y for x, y in zip(a, b, strict=True)), sum(x < y for x, y in zip(a, b, strict=True))
    assert (found.wins, found.losses) == (wins, losses)
    assert found.p == pytest.approx(of_statsmodels([[0, wins], [losses, 0]], exact=True).pvalue, abs=1e-12)
    if wins + losses:
        assert found.p == pytest.approx(stats.binomtest(wins, wins + losses).pvalue, abs=1e-12)
        assert sign_flip(np.array(a, float) - np.array(b, float)) == pytest.approx(found.p, abs=1e-9)


@given(st.lists(st.tuples(ACCURACIES, ACCURACIES), min_size=1, max_size=10))
@settings(max_examples=60, deadline=None)
def test_with_shared_ties_p_is_the_share_of_all_flips_of_sign(pairs):
    differences = np.array([a - b for a, b in pairs])
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((1, -1), repeat=len(pairs))]
    brute = np.mean(np.array(sums) >= abs(differences.sum()) - 1e-9)
    assert compare(*(np.array(column) for column in zip(*pairs, strict=True))).p == pytest.approx(brute, abs=1e-9)


def test_holm_intervals_and_effects_agree_with_the_libraries():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    a, b = (RNG.random((400, 3)) < 0.5).astype(float), (RNG.random(400) < 0.4).astype(float)
    for k, found in enumerate(compare_with(a, b)):
        difference = a[:, k] - b
        reference = stats.bootstrap((difference,), np.mean, method="percentile", n_resamples=4000, rng=1)
        assert found.difference == pytest.approx(difference.mean())
        assert (found.low, found.high) == pytest.approx(tuple(reference.confidence_interval), abs=0.012)
    matrix, p = pairwise(a)
    assert matrix[0, 1] == pytest.approx(a[:, 0].mean() - a[:, 1].mean())
    assert p[2, 0] == pytest.approx(compare(a[:, 0], a[:, 2]).p)
    assert np.isnan(np.diag(p)).all()
    assert minimal_detectable_effect(0.2, 500) == pytest.approx(0.056, abs=5e-4)
    assert minimal_detectable_effect(0.2, 30) == pytest.approx(0.2288, abs=5e-4)


def test_the_stated_effect_is_found_four_times_in_five():
    effect = minimal_detectable_effect(0.2, 500)
    draws = RNG.choice([1.0, -1.0, 0.0], p=[0.1 + effect / 2, 0.1 - effect / 2, 0.8], size=(2000, 500))
    found = np.mean([compare(row, np.zeros(500)).p < 0.05 for row in draws[:600]])
    assert found == pytest.approx(0.8, abs=0.08), "the exact test is somewhat stricter than the formula's"


def test_intervals_cover_at_their_rate():
    rates, inside = (0.2, 0.48, 0.9), []
    for rate in rates:
        scores = [Score.of(int(k), 500) for k in RNG.binomial(500, rate, size=1000)]
        assert np.mean([s.low <= rate <= s.high for s in scores]) == pytest.approx(0.95, abs=0.025)
    for _ in range(300):
        differences = RNG.choice([1.0, -1.0, 0.0], p=[0.15, 0.1, 0.75], size=500)
        low, high = bootstrap_intervals(differences)
        inside.append(low <= 0.05 <= high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.04)


def test_an_rows_standard_error_and_chance_correction():
    accuracies = [1.0, 0.0, 0.5, 1.0]
    items = RowItems.of([ItemResult(f"mpr-00{k}", accuracy, ()) for k, accuracy in enumerate(accuracies)])
    row = Row("s", "causal", "clean", "", "b", "b", 1, Score.of(2.5, 4), {}, None, "", "run here", items=items)
    assert row.stderr == pytest.approx(stats.sem(accuracies))
    assert row.chance_corrected == pytest.approx((0.625 - 0.2) / 0.8)
    assert replace(row, score=Score.of(100, 500)).chance_corrected == pytest.approx(0)


@given(st.lists(st.lists(st.tuples(ACCURACIES, ACCURACIES), min_size=40, max_size=40), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_an_interval_holds_0_exactly_where_the_corrected_test_finds_nothing(systems):
    pairs = np.array(systems)
    # Sorted at random by system, so that some differences are large and some are none.
    compared = [compare(np.sort(a)[::-1], b) for a, b in zip(pairs[:, :, 0], pairs[:, :, 1], strict=True)]
    p, agreeing = holm_agreeing(compared)
    assert p == pytest.approx(holm(np.array([found.p for found in compared])))
    for corrected, found, before in zip(p, agreeing, compared, strict=True):
        assert (found.low <= 0 <= found.high) == (corrected >= 0.05)
        assert found.low <= found.difference <= found.high
        assert -1 <= found.low <= found.high <= 1
        assert (found.difference, found.p, found.wins) == (before.difference, before.p, before.wins)
        shown = [f"{100 * end:+.1f}" for end in (found.low, found.high)]
        assert corrected >= 0.05 or {"+0.0", "-0.0"}.isdisjoint(shown), "what is left out is seen to be"


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 40))
@settings(max_examples=80, deadline=None)
def test_mark_and_interval_agree_at_every_number_of_wins_and_losses(wins, losses, others):
    differences = np.array([1.0] * wins + [-1.0] * losses + [0.0] * 40)
    p, (found, *_) = holm_agreeing([compare(differences, np.zeros(len(differences)))] * others)
    assert (found.low <= 0 <= found.high) == (p[0] >= 0.05)


def test_one_comparison_keeps_its_interval_where_both_agree():
    a, b = (RNG.random(500) < 0.7).astype(float), (RNG.random(500) < 0.5).astype(float)
    assert holm_agreeing([compare(a, b)])[1] == [compare(a, b)]
