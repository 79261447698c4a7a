"""Circular scoring: the cases that fool other metrics, and agreement with independent computations."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipe_mpr_task.circular import rotated
from recipe_mpr_task.metrics import circular_metrics, recall_std
from tests.support.requests import built_task

DOC = {"item_id": "x", "gold": 2, "query_types": ["Negated"], "options": list("vwxyz"), "option_ids": list("12345")}


def metrics(rows, gold=2):
    return circular_metrics(DOC | {"gold": gold}, [(float(s), False) for row in rows for s in row])


def test_rotations_move_the_gold_with_its_option():
    for r in range(5):
        shown = rotated(DOC, r)
        assert shown["options"] == DOC["options"][r:] + DOC["options"][:r]
        assert shown["options"][shown["gold"]] == "x"
        assert shown["gold_letter"] == "ABCDE"[shown["gold"]]
    assert rotated(DOC, 0) == DOC | {"gold_letter": "C"}


@pytest.mark.parametrize("gold", range(5))
def test_a_constant_letter_is_no_robust_answer(gold):
    # lm-eval's own option-order consistency gives this model 1.0 on data whose gold stands first.
    found = metrics([[3.0, 0.1, 0.7, 0.2, 0.3]] * 5, gold)
    expected = {"acc": 0.2, "acc_averaged": 0.2, "perf": 0, "flip_rate": 1, "consistency": 0, "acc_negated": 0.2}
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert found["acc_averaged"] == 0.2, "all tied, to the bit"


def test_a_perfect_oracle():
    found = [metrics([[float(k == (gold - r) % 5) for k in range(5)] for r in range(5)], gold) for gold in range(5)]
    for item in found:
        assert (item["acc"], item["perf"], item["acc_averaged"], item["consistency"]) == (1, 1, 1, 1)
        assert (item["flip_rate"], item["invalid"]) == (0, 0)
    assert recall_std([item["rstd"] for item in found]) == 0


ROWS = st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=5, max_size=5)


@given(ROWS, st.integers(0, 4))
def test_metrics_equal_an_enumeration_of_all_tie_breaks(rows, gold):
    ties = [np.flatnonzero(np.array(row) == max(row)) for row in rows]
    # Each way of breaking every tie, in option contents; all ways are equally likely.
    worlds = [[(k + r) % 5 for r, k in enumerate(letters)] for letters in itertools.product(*ties)]
    found = metrics(rows, gold)
    pairs = list(itertools.combinations(range(5), 2))
    assert found["acc"] == pytest.approx(np.mean([[c == gold for c in w] for w in worlds]))
    assert found["perf"] == pytest.approx(np.mean([all(c == gold for c in w) for w in worlds]))
    assert found["flip_rate"] == pytest.approx(np.mean([len(set(w)) > 1 for w in worlds]))
    assert found["consistency"] == pytest.approx(np.mean([[w[a] == w[b] for a, b in pairs] for w in worlds]))


@given(st.lists(st.lists(st.floats(-9, 0), min_size=5, max_size=5), min_size=5, max_size=5), st.integers(0, 4))
def test_averaged_choice_equals_numpy(rows, gold):
    p = np.exp(np.array(rows)) / np.exp(np.array(rows)).sum(1, keepdims=True)
    by_content = np.mean([np.roll(p[r], r) for r in range(5)], axis=0)
    best = np.sort(by_content)
    if best[-1] - best[-2] > 1e-9:
        assert metrics(rows, gold)["acc_averaged"] == float(by_content.argmax() == gold)


@given(st.lists(ROWS, min_size=1, max_size=8), st.data())
def test_rstd_equals_its_definition(items, data):
    golds = [data.draw(st.integers(0, 4)) for _ in items]
    found = [metrics(rows, gold) for rows, gold in zip(items, golds, strict=True)]
    recalls = np.zeros(5)
    for rows, gold in zip(items, golds, strict=True):
        for r, row in enumerate(rows):
            letter = (gold - r) % 5
            recalls[letter] += (row[letter] == max(row)) / row.count(max(row)) / len(items)
    assert recall_std([item["rstd"] for item in found]) == pytest.approx(recalls.std())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_item_with_an_unusable_score_is_counted_apart(bad):
    rows = [[1.0, 0, 0, 0, 0] for _ in range(5)]
    rows[3][4] = bad
    for found in (metrics(rows), metrics([[1.0, 0, 0, 0, 0]] * 4)):
        assert found["invalid"] == 1
        assert all(math.isnan(found[k]) for k in ("acc", "perf", "acc_averaged", "flip_rate", "consistency", "brier"))
        assert math.isnan(recall_std([found["rstd"], [[0, 1.0]]]))


@pytest.mark.real_data
@pytest.mark.parametrize("shots", [0, 2])
def test_circular_asks_whole_items_in_five_orders(shots):
    task = built_task("recipe_mpr_circular", shots=shots, limit=3)
    assert len(task.instances) == 75
    for n in range(3):
        item = [i for i in task.instances if i.doc_id == n]
        assert [i.idx for i in item] == list(range(25))
        assert len({i.args[0] for i in item}) == 5
        assert all(i.args[0].count("Question:") == shots + 1 for i in item)
        golds = {i.doc["option_ids"][i.doc["gold"]] for i in item}
        assert len(golds) == 1
        assert sorted(i.doc["gold"] for i in item[::5]) == [0, 1, 2, 3, 4]
