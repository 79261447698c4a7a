"""Rank ranges hold the rank, agree with the leader's tie group, and narrow with more evidence."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.rank.rank_ranges import PairTests, rank_ranges
from leaderboard.rank.ranking import board_of
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Score
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.statistics import LEVEL, Floats, Ints, holm, paired_p

IDS = sorted(pinned_items())
RNG = np.random.default_rng(3)
LEVELS = (0.0, 1.0)
PARTS = (0.0, 1.0, 0.5, 0.2)


def matrices(levels: tuple[float, ...]) -> st.SearchStrategy[Floats]:
    """Accuracies by item and system, the systems of very different skill."""
    return st.tuples(st.integers(2, 7), st.integers(5, 60), st.integers(0, 10**6)).map(
        lambda drawn: _drawn(*drawn, levels)
    )


def _drawn(n_systems: int, n_items: int, seed: int, levels: tuple[float, ...]) -> Floats:
    rng = np.random.default_rng(seed)
    right = rng.random((n_items, n_systems)) < rng.random(n_systems)
    return np.where(rng.random(right.shape) < 0.2, rng.choice(levels, right.shape), right.astype(float))


def row(name: str, accuracies: Floats) -> Row:
    items = [ItemResult(item_id, float(acc), ()) for item_id, acc in zip(IDS, accuracies, strict=False)]
    score = Score.of(float(accuracies.sum()), len(accuracies))
    return Row(name, "causal", "clean", "", "board", "task", 1, score, {}, None, name, "run here",
               items=RowItems.of(items))  # fmt: skip


def by_definition(ranks: Ints, p: Floats) -> tuple[list[int], list[int]]:
    n = len(ranks)
    is_apart = np.zeros((n, n), bool)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        is_apart[i, others] = holm(p[i, others]) < LEVEL
    best = [1 + sum(is_apart[i, j] for i in range(n) if ranks[i] < ranks[j]) for j in range(n)]
    worst = [n - sum(is_apart[i, j] for j in range(n) if ranks[i] < ranks[j]) for i in range(n)]
    return best, worst


@given(matrices(PARTS))
@settings(max_examples=60, deadline=None)
def test_a_range_holds_the_rank_and_the_leaders_is_its_tie_group(accuracies):
    rows = board_of("board", "Board", [row(f"s{k}", column) for k, column in enumerate(accuracies.T)]).rows
    assert all(1 <= r.rank_low <= r.rank <= r.rank_high <= len(rows) for r in rows)
    leader = rows[0]
    assert (leader.rank_low, leader.rank_high) == (1, sum(r.is_tied for r in rows))
    assert all(r.is_tied for r in rows if r.rank_low == 1)


@given(matrices(PARTS))
@settings(max_examples=40, deadline=None)
def test_ranges_are_those_of_the_definition_with_exact_tests(accuracies):
    accuracies = accuracies[:, np.argsort(-accuracies.mean(axis=0), kind="stable")]
    rows = board_of("board", "Board", [row(f"s{k}", column) for k, column in enumerate(accuracies.T)]).rows
    n = len(rows)
    p = np.ones((n, n))
    sorted_accuracies = np.column_stack([r.items.accuracies for r in rows])
    for i, j in combinations(range(n), 2):
        p[i, j] = p[j, i] = paired_p(sorted_accuracies[:, [i]] - sorted_accuracies[:, [j]])[0]
    best, worst = by_definition(np.array([r.rank for r in rows]), p)
    assert [(r.rank_low, r.rank_high) for r in rows] == list(zip(best, worst, strict=True))


def all_pairs(accuracies):
    (p,) = PairTests(accuracies).blocks()
    return p


@given(matrices((0.0, 0.5, 1.0)), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_blocks_of_rows_give_what_one_block_gives(accuracies, most_cells):
    accuracies = accuracies[:, np.argsort(-accuracies.mean(axis=0), kind="stable")]
    means = accuracies.sum(axis=0)
    ranks = np.array([1 + int((means > mean).sum()) for mean in means])
    whole, blocks = all_pairs(accuracies), list(PairTests(accuracies).blocks(most_cells))
    assert np.concatenate(blocks) == pytest.approx(whole, abs=1e-12)
    assert np.array_equal(rank_ranges(ranks, blocks), rank_ranges(ranks, [whole]))


@given(matrices(LEVELS))
@settings(max_examples=40, deadline=None)
def test_without_ties_all_pairs_is_the_exact_test_and_more_items_of_the_kind_narrow_every_range(accuracies):
    accuracies = accuracies[:, np.argsort(-accuracies.mean(axis=0), kind="stable")]
    n = accuracies.shape[1]
    first, second = np.triu_indices(n, 1)
    p = all_pairs(accuracies)
    assert p[first, second] == pytest.approx(paired_p(accuracies[:, first] - accuracies[:, second]), abs=1e-12)
    means = accuracies.sum(axis=0)
    ranks = np.array([1 + int((means > mean).sum()) for mean in means])
    low, high = rank_ranges(ranks, [p])
    lower, higher = rank_ranges(ranks, [all_pairs(np.tile(accuracies, (4, 1)))])
    assert (lower >= low).all()
    assert (higher <= high).all()


def test_systems_far_apart_have_one_rank_each_and_equal_ones_share_all():
    steps = np.array([[1.0] * k + [0.0] * (300 - k) for k in (250, 150, 50)]).T
    low, high = rank_ranges(np.array([1, 2, 3]), [all_pairs(steps)])
    assert (low.tolist(), high.tolist()) == ([1, 2, 3], [1, 2, 3])
    low, high = rank_ranges(np.array([1, 1, 1]), [all_pairs(np.ones((300, 3)))])
    assert (low.tolist(), high.tolist()) == ([1, 1, 1], [3, 3, 3])


def test_a_row_alone_is_first_and_a_row_without_rank_has_no_range():
    alone = row("alone", np.ones(10))
    (ranked,) = board_of("board", "Board", [alone]).rows
    assert (ranked.rank, ranked.rank_low, ranked.rank_high) == (1, 1, 1)
    (listed,) = board_of("board", "Board", [Row(**{**vars(alone), "status": "reported"})]).rows
    assert (listed.rank, listed.rank_low, listed.rank_high) == (None, None, None)


def test_shared_ties_among_many_rows_take_an_approximation_close_to_the_exact_test():
    accuracies = np.where(RNG.random((500, 8)) < 0.2, 0.5, (RNG.random((500, 8)) < 0.4).astype(float))
    first, second = np.triu_indices(8, 1)
    exact = paired_p(accuracies[:, first] - accuracies[:, second])
    error = np.abs(all_pairs(accuracies)[first, second] - exact)
    assert error.max() < 0.04
    assert error[exact < 0.1].max() < 0.01
