"""Copies: the counts equal counts item by item; the names of known relations; the time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from leaderboard.rank import similar_answers as alike
from leaderboard.rank.boards import build_boards
from leaderboard.rank.copies import find_alike, mark_copies
from leaderboard.rank.duplicates import mark_repeats
from leaderboard.rank.pooling import POOLS
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Keys, Score
from leaderboard.rank.similar_answers import MIN_WRONG, SAME_SHARE, differing
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.result_records import TrainingRecord

IDS = sorted(i for i in pinned_items() if i.startswith("mpr-"))
BOARD = "recipe_mpr"


def result(item_id, slots, seen=None):
    pinned = pinned_items()[item_id]
    chosen = tuple(pinned.option_ids[slot] for slot in slots)
    accuracy = (pinned.gold in chosen) / max(len(chosen), 1)
    return ItemResult(item_id, accuracy, pinned.types, {}, chosen, seen=seen)


def row(name, slots, ids=IDS, *, board=BOARD, status="unknown", training=None, **keys):
    """A row that chose these slots of the file on the first of some items: 0 is right."""
    items = RowItems.of([result(item_id, one) for item_id, one in zip(ids, slots, strict=False)])
    return Row(name, "causal", status, "", board, board, 1, Score.of(float(items.accuracies.sum()), len(items)), {},
               None, f"{name}.json", "run here", date=1.0, keys=Keys(identity=name, **keys), items=items,
               training=training and TrainingRecord(**training))  # fmt: skip


CHOICE = st.sets(st.integers(0, 4), max_size=3).map(tuple)


@given(st.lists(st.lists(CHOICE, min_size=30, max_size=30), min_size=2, max_size=4), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_same_wrong_choices_are_those_counted_item_by_item(slots, cut):
    slots[1][:cut] = slots[0][:cut]
    rows = [row(f"s{k}", chosen) for k, chosen in enumerate(slots)]
    compared = alike.Matrices.of(rows).compared(slice(0, len(rows)))
    wrong = [[set(one) - {0} for one in some] for some in slots]
    # Three wrong options tied are no preference, so no choice.
    chose = [[bool(one) and len(set(one) - {0}) <= 2 for one in some] for some in slots]
    for i, mine in enumerate(wrong):
        for j, theirs in enumerate(wrong):
            both = [(a, b) for a, b, ca, cb in zip(mine, theirs, chose[i], chose[j], strict=True) if ca and cb]
            assert compared.same_wrong[i, j] == sum(bool(a & b) for a, b in both)
            assert compared.fewer_wrong[i, j] == min(sum(bool(pair[k]) for pair in both) for k in (0, 1))


def test_sharing_so_many_wrong_choices_is_no_chance():
    for n in range(MIN_WRONG, 500):
        needed = int(np.ceil(SAME_SHARE * n))
        assert binom.sf(needed - 1, n, 0.55) < 0.001
    assert binom.pmf(MIN_WRONG - 1, MIN_WRONG - 1, 0.55) > 0.001, "one fewer would be too few"


@pytest.mark.parametrize(("n", "same", "is_found"), [(12, 12, True), (11, 11, False), (40, 38, True), (40, 37, False)])
def test_the_share_and_the_least_number_decide(n, same, is_found):
    first = [(1,)] * n + [(0,)] * 100
    second = [(1,)] * same + [(2,)] * (n - same) + [(0,)] * 100
    found = find_alike([row("a", first), row("b", second)])
    assert [bool(likenesses) for likenesses in found] == [is_found] * 2


def test_two_rows_without_rank_are_not_spoken_of():
    slots = [(1,)] * 30
    for statuses, flags in ((("overlap", "excluded"), 0), (("overlap", "unknown"), 1)):
        rows = mark_copies([row(f"s{k}", slots, status=status) for k, status in enumerate(statuses)])
        assert [len(r.flags) for r in rows] == [flags] * 2


def test_boards_that_share_items_are_compared_and_name_the_board():
    slots = [(1 + k % 4,) for k in range(100)]
    whole = row("whole", slots)
    cut = row("cut", slots[40:80], IDS[40:80], board="recipe_mpr_test")
    circular = row("circular", slots, board="recipe_mpr_circular")
    by_name = {r.system: r for r in mark_copies([whole, cut, circular, row("apart", slots[:40], IDS[200:240])])}
    assert by_name["cut"].flags[0].startswith("gives the same wrong choice on ")
    assert "40 of 40 items as circular (circular.json, on recipe_mpr_circular): " in by_name["cut"].flags[0]
    assert by_name["circular"].flags
    assert by_name["apart"].flags == ()


RELATED = {
    "forms": ({"training": {"system": "s", "form": "adapter"}}, {"training": {"system": "s", "form": "merged"}},
              "same model as b (b.json), form adapter instead of merged"),
    "seeds": ({"recipe": "r", "seed": 1}, {"recipe": "r", "seed": 2},
              "same recipe as b (b.json), seed 1 instead of 2"),
    "one seed": ({"recipe": "r", "seed": 1, "training": {"form": "adapter"}}, {"recipe": "r", "seed": 1},
                 "same model as b (b.json), form adapter instead of whole"),
    "dtypes": ({"content": "c", "dtype": "float32"}, {"content": "c", "dtype": "bfloat16"},
               "same model as b (b.json), dtype float32 instead of bfloat16"),
    "settings": ({"system": "k"}, {"system": "k"}, "same model as b (b.json), other settings"),
}  # fmt: skip


@pytest.mark.parametrize("case", RELATED)
def test_a_known_relation_is_stated_and_accuses_nobody(case):
    mine, theirs, said = RELATED[case]
    slots = [(1 + k % 4,) for k in range(100)]
    first, second = mark_copies([row("a", slots, **mine), row("b", slots, **theirs)])
    assert first.flags == (f"{said}: the same wrong choice on 100 of 100 items",)
    assert len(second.flags) == 1
    assert "copy" not in second.flags[0]


@pytest.mark.exploit
def test_a_stated_relation_hides_no_copy():
    """A copy shown twice, in two forms of one training, is still the copy of a third."""
    slots = [(1 + k % 4,) for k in range(100)]
    forms = [row(form, slots, training={"system": "s", "form": form}) for form in ("adapter", "merged")]
    flags = {r.system: r.flags for r in mark_copies([*forms, row("known", slots)])}
    assert [flag.split()[0] for flag in flags["adapter"]] == ["gives", "same"]
    assert len(flags["known"]) == 1


def test_runs_of_one_identity_with_equal_accuracy_say_on_how_many_items_they_differ():
    first = row("a", [(0,)] * 30 + [(1,)] * 10)
    second = replace(row("b", [(0,)] * 28 + [(1,)] * 2 + [(0,)] * 2 + [(1,)] * 8), keys=Keys("a"))
    early, late = mark_repeats([replace(first, date=1.0), replace(second, date=2.0)])
    assert differing(first.items, second.items) == 4
    assert early.flags == ("another run (b.json) scores 75.0%; the two runs differ on 4 of 40 items",)
    why = "only the earliest run of a system is ranked"
    assert late.reason.startswith(f"repeat of a.json: {why}; the two runs differ on 4")


def test_of_one_run_read_twice_the_more_doubtful_counts():
    slots = [(1 + k % 4,) for k in range(100)]
    forged = replace(row("m", slots, status="clean"), source="0.json", keys=Keys("other"))
    ranked, excluded = sorted((r for b in build_boards([forged, row("m", slots)]) for r in b.rows if r.items),
                              key=lambda r: r.status == "excluded")  # fmt: skip
    assert (ranked.status, ranked.source, ranked.flags) == ("unknown", "m.json", ())
    assert excluded.reason == "repeat of m.json: the same run, read twice"


@given(st.integers(0, 10**6), st.integers(1, 150))
@settings(max_examples=25, deadline=None)
def test_blocks_of_rows_give_the_flags_of_one_block(seed, most_cells):
    """Some rows are copies with changes, some show no choices, some have only a part of the items."""
    rng = np.random.default_rng(seed)
    first, *others = rng.integers(0, 5, (9, 80)).tolist()
    rows = []
    for k, other in enumerate([first, *others]):
        cut = int(rng.choice([0, 75, 80]))
        slots = [(slot,) for slot in first[:cut] + other[cut:]]
        status = str(rng.choice(["unknown", "excluded"]))
        rows.append(row(f"s{k}", slots[: int(rng.choice([80, 80, 60]))], status=status))
        if rng.random() < 0.3:
            rows[-1] = replace(rows[-1], items=replace(rows[-1].items, choices=""))
    assert find_alike(rows, most_cells) == find_alike(rows, 10**6)


def test_a_thousand_rows_that_all_agree_are_compared():
    """The worst case: every row is like every other. The build stays a matter of seconds."""
    rng = np.random.default_rng(0)
    slots = [(int(k),) for k in rng.integers(0, 5, len(IDS))]
    first = row("s", slots)
    rows = [replace(first, system=f"s{k}", keys=Keys(f"s{k}"), source=f"{k}.json") for k in range(1000)]
    assert all(len(r.flags) == 1 for r in mark_copies(rows))


@pytest.mark.exploit
def test_a_row_pooled_over_prompts_is_compared_by_its_first_prompt():
    slots = [(1 + k % 4,) for k in range(len(IDS))]
    prompts = [replace(row("copy", slots, board=task), source=task) for task in POOLS[1].tasks]
    rows = {r.system: r for board in build_boards([*prompts, row("known", slots)]) for r in board.rows if r.items}
    assert (rows["copy"].board, rows["copy"].rank) == ("recipe_mpr_prompts", 1)
    assert "as known (known.json, on recipe_mpr): one may be a copy" in rows["copy"].flags[0]
    assert "on recipe_mpr_prompts" in rows["known"].flags[0]
