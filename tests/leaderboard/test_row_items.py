"""Packed items: the stored results equal the computed ones, and copies are found in them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from leaderboard.rank.boards import build_boards
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Keys, Score
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.scoring import softmax

IDS = sorted(pinned_items())[:40]
ITEMS = TypeAdapter(RowItems)
SCORES = st.lists(st.floats(-20, 0), min_size=5, max_size=5)


@st.composite
def results(draw):
    found = []
    for item_id in draw(st.permutations(IDS))[: draw(st.integers(1, 40))]:
        shown = pinned_items()[item_id].shown_ids("shuffled")
        chosen = tuple(draw(st.lists(st.sampled_from(shown), max_size=2, unique=True)))
        accuracy = draw(st.sampled_from([0.0, 0.2, 1 / 3, 1.0, math.nan]))
        seen = draw(st.sampled_from([None, 0, 1]))
        probabilities = draw(st.none() | SCORES.map(lambda scores: tuple(softmax(scores))))
        found.append(ItemResult(item_id, accuracy, pinned_items()[item_id].types, {}, chosen, probabilities, seen))
    return found


@given(results())
def test_nothing_is_lost_but_digits_of_probabilities(items):
    packed = RowItems.of(items)
    restored = ITEMS.validate_json(ITEMS.dump_json(packed))
    assert (restored.ids, restored.choices) == (packed.ids, packed.choices)
    assert restored.answers.tolist() == packed.answers.tolist()
    assert [repr(a) for a in restored.accuracies] == [repr(a) for a in packed.accuracies]
    assert len(restored) == len(items)
    for item, whole in zip(restored, sorted(items, key=lambda item: item.item_id), strict=True):
        assert (item.item_id, item.types, {*item.chosen}) == (whole.item_id, whole.types, {*whole.chosen})
        assert repr(item.accuracy) == repr(whole.accuracy)
        assert item.seen == whole.seen
        assert (item.probabilities is None) == (whole.probabilities is None)
        assert item.probabilities == pytest.approx(whole.probabilities, abs=6e-5)


@given(SCORES.filter(lambda scores: scores[0] <= scores[1]))
def test_only_the_same_answer_to_the_same_item_is_shared(scores):
    def answers(item_id, values):
        return RowItems.of([ItemResult(item_id, 1.0, (), {}, (), tuple(softmax(values)))]).answers.tolist()

    told = answers(IDS[0], scores)
    assert answers(IDS[0], scores) == told
    assert not set(told) & {*answers(IDS[1], scores), *answers(IDS[0], [-0.5, -1.0, -1.5, -2.0, -2.5])}
    assert answers(IDS[0], [0.0] * 5) == answers(IDS[0], [0.0, *[-30.0] * 4]) == [], "anybody's answers tell nothing"


def test_rows_without_choices_are_no_copies_of_each_other():
    """Rows pooled over prompts have one choice for each prompt, and no single choice."""
    rows = [
        Row(name, "causal", "unknown", "", "recipe_mpr_sample", "recipe_mpr_sample", 1, Score.of(10 * k, 40), {}, None,
            name, "run here", keys=Keys(name), items=RowItems.of([ItemResult(i, float(k), ()) for i in IDS]))
        for k, name in enumerate("ab")
    ]  # fmt: skip
    assert [row.flags for board in build_boards(rows) for row in board.rows if row.kind != "reported"] == [(), ()]
