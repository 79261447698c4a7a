"""Numbers of items: calibration, agreement and difficulty equal their definitions, item by item."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from leaderboard.rank.agreement import disagreement, error_consistency, same_choice
from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.calibration import calibration, calibrations
from leaderboard.rank.item_numbers import item_numbers
from leaderboard.rank.ranking import board_of
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Keys, Score
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.orders import pinned_items

IDS = sorted(pinned_items())[:6]
CONFIDENCES = st.lists(st.integers(2000, 10_000), min_size=1, max_size=60)


def row(name, choices, *, kind="causal", status="unknown", probabilities=None, board="recipe_mpr"):
    """A row that chose, on each of the first items, the options at these letters of the shuffled order."""
    results = []
    for item_id, letters in zip(IDS, choices, strict=False):
        shown = pinned_items()[item_id].shown_ids("shuffled")
        chosen = tuple(shown["ABCDE".index(letter)] for letter in letters)
        accuracy = (pinned_items()[item_id].gold in chosen) / max(len(chosen), 1)
        shares = None if probabilities is None else probabilities[len(results)]
        results.append(ItemResult(item_id, accuracy, pinned_items()[item_id].types, {}, chosen, shares))
    score = Score.of(math.fsum(item.accuracy for item in results), len(results))
    return Row(name, kind, status, "", board, board, 1, score, {}, None, name, "run here", keys=Keys(name),
               items=RowItems.of(results))  # fmt: skip


def golds():
    items = [pinned_items()[item_id] for item_id in IDS]
    return ["ABCDE"[item.shown_ids("shuffled").index(item.gold)] for item in items]


def wrong(letter):
    return "ABCDE"[("ABCDE".index(letter) + 1) % 5]


def test_calibration_by_hand():
    """Two items of .55 in (.5, .6], one right: gap .05. Two of .9 in (.8, .9], both right: gap .1. ECE = .075."""
    found = calibration(np.array([0.55, 0.55, 0.9, 0.9]), np.array([1.0, 0.0, 1.0, 1.0]))
    assert found.error == pytest.approx(0.075)
    assert [(part.low, part.score.n, part.score.acc) for part in found.bins] == [(0.5, 2, 0.5), (0.8, 2, 1.0)]
    assert (found.confidence, found.acc) == (pytest.approx(0.725), 0.75)


@given(CONFIDENCES, st.randoms())
def test_calibration_error_is_bounded_by_the_bins_and_the_means(units, draw):
    confidences = np.array(units) / 10_000
    right = np.array([draw.choice((0.0, 0.5, 1.0)) for _ in units])
    found = calibration(confidences, right)
    assert sum(part.score.n for part in found.bins) == len(units)
    assert abs(found.confidence - found.acc) - 1e-9 <= found.error <= np.abs(confidences - right).mean() + 1e-9
    for part in found.bins:
        inside = [u for u in units if round(part.low * 10_000) < u <= round(part.high * 10_000)]
        assert len(inside) == part.score.n
    assert calibration(confidences[::-1], right[::-1]).error == pytest.approx(found.error)


@given(CONFIDENCES)
def test_a_system_that_is_right_as_often_as_it_is_sure_has_no_error(units):
    confidences = np.array(units) / 10_000
    assert calibration(confidences, confidences).error == pytest.approx(0, abs=1e-9)


MASKS = arrays.arrays(np.int64, st.tuples(st.integers(2, 4), st.integers(1, 5)), elements=st.integers(0, 31))


def chosen_of(masks):
    bits = (masks[..., None] >> np.arange(5)) & 1
    return bits / np.maximum(bits.sum(axis=-1, keepdims=True), 1)


@given(MASKS)
def test_agreement_and_disagreement_are_those_of_drawn_choices(masks):
    """Compared with the sum over all pairs of options that two systems can draw."""
    chosen = chosen_of(masks)
    n, items, _ = chosen.shape
    agree = same_choice(chosen)
    assert np.allclose(agree, agree.T)
    for a, b in itertools.product(range(n), repeat=2):
        drawn = [chosen[a, i, k] * chosen[b, i, k] for i in range(items) for k in range(5)]
        assert agree[a, b] == pytest.approx(sum(drawn) / items)
    apart = disagreement(chosen)
    for i in range(items):
        asked = [a for a in range(n) if masks[a, i]]
        pairs = list(itertools.permutations(asked, 2))
        if not pairs:
            assert np.isnan(apart[i])
            continue
        same = [chosen[a, i] @ chosen[b, i] for a, b in pairs]
        assert apart[i] == pytest.approx(1 - sum(same) / len(pairs))


def test_error_consistency_by_hand():
    """Both right on 1 of 4, both wrong on 1: c_obs .5, p = q = .5, c_exp .5, kappa 0. With itself 1."""
    a, b = [1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]
    kappa = error_consistency(np.array([a, b, [1.0] * 4]))
    assert kappa[0, 1] == pytest.approx(0)
    assert kappa[0, 0] == pytest.approx(1)
    assert np.isnan(kappa[2, 2]), "both are right on all items: there is nothing to agree on"


@given(arrays.arrays(np.float64, (3, 8), elements=st.sampled_from([0.0, 1.0])))
def test_error_consistency_has_the_bounds_of_kappa(accuracies):
    kappa = error_consistency(accuracies)
    known = kappa[~np.isnan(kappa)]
    assert (known <= 1 + 1e-9).all()
    assert (known >= -1 - 1e-9).all()
    assert np.allclose(kappa, kappa.T, equal_nan=True)


def test_items_are_counted_by_kind_and_ties_are_neither_right_nor_wrong():
    right = golds()
    rows = [
        row("a", right),
        row("b", [*right[:3], *map(wrong, right[3:])], kind="encoder"),
        row("c", [right[0] + wrong(right[0]), *map(wrong, right[1:])]),
    ]
    answers = BoardAnswers.of(board_of("recipe_mpr", "Board", rows))
    numbers = item_numbers(answers)
    assert [item.item_id for item in numbers.items] == IDS
    assert numbers.kinds == {"causal": 2, "encoder": 1}
    first, *_, last = numbers.items
    assert (first.right, first.partly, first.by_kind, first.mean) == (2, 1, {"causal": 1, "encoder": 1}, 2.5 / 3)
    assert (last.right, last.by_kind) == (1, {"causal": 1, "encoder": 0})
    assert (numbers.histogram, numbers.never, numbers.always) == ((0, 3, 3, 0), 0, 0)
    assert sum(first.votes) == pytest.approx(3)
    assert dict(zip("ABCDE", first.votes, strict=True))[right[0]] == 2.5
    total = math.fsum(each.score.acc for each in rows)
    assert math.fsum(item.mean for item in numbers.items) / 6 == pytest.approx(total / 3)


def test_only_ranked_rows_count_or_else_all_that_answered_everything():
    right = golds()
    ranked = [row("a", right), row("b", map(wrong, right))]
    cut = row("part", right[:2], status="excluded")
    excluded = row("file order", right, status="excluded")

    def counted(*rows):
        answers = BoardAnswers.of(board_of("recipe_mpr", "Board", rows))
        return [r.system for r, is_counted in zip(answers.rows, answers.counted, strict=True) if is_counted]

    assert counted(*ranked, cut, excluded) == ["a", "b"]
    assert counted(ranked[0], cut, excluded) == ["a", "file order"]
    assert counted(excluded, cut) == ["file order"]


def test_a_rows_calibration_is_read_from_its_probabilities_and_needs_all_of_them():
    right = golds()
    sure = [tuple(0.6 if letter == gold else 0.1 for letter in "ABCDE") for gold in right]
    board = board_of("recipe_mpr", "Board", [row("a", right, probabilities=sure), row("b", right)])
    answers = BoardAnswers.of(board)
    by_name = {each.system: found for each, found in zip(answers.rows, calibrations(answers), strict=True)}
    assert by_name["b"] is None
    assert by_name["a"].error == pytest.approx(0.4)
    assert answers.percents[[each.system for each in answers.rows].index("a")].max() == 60


def test_letters_of_a_board_are_those_of_its_order():
    right = golds()
    rows = [row("a", right, board="recipe_mpr_file_order"), row("b", right, board="recipe_mpr_file_order")]
    answers = BoardAnswers.of(board_of("recipe_mpr_file_order", "File order", rows))
    assert answers.order == "file"
    assert set(answers.golds.tolist()) == {0}, "in the file the right option is always first"
    assert set(answers.masks.ravel().tolist()) == {1}
