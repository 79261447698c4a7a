"""Tries: the number of seeds of a recipe and settings of a system that a build knows for a row."""

from dataclasses import replace

import pytest

from leaderboard.rank.boards import build_boards
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Keys, Score
from leaderboard.rank.tries import mark_tries
from leaderboard.site.page import index_page
from leaderboard.site.page_data import content_of
from leaderboard.site.tables import to_markdown
from leaderboard.verify.items import ItemResult

BOARD = "recipe_mpr_sample"


def row(name, acc=0.5, status="unknown", board=BOARD, **keys):
    items = RowItems.of([ItemResult(f"sample-{k:02}", float(k < 60 * acc), ()) for k in range(60)])
    return Row(name, "causal", status, "why", board, board, 1, Score.of(60 * acc, 60), {}, None, f"{name}.json",
               "run here", date=1.0, keys=Keys(identity=name, **keys), items=items)  # fmt: skip


def told(rows, runs=()):
    return {row.system: row.tries and row.tries.text for row in mark_tries(rows, runs)}


def test_seeds_of_a_recipe_are_counted_over_all_boards_and_statuses():
    shown = [row(f"s{k}", recipe="r", seed=k) for k in (1, 2)]
    others = [
        row("s3", status="overlap", recipe="r", seed=3),
        row("s4", board="recipe_mpr", recipe="r", seed=4),
    ]
    hidden = [row("s5", recipe="r", seed=5), row("again", recipe="r", seed=1)]
    found = told([*shown, *others], hidden)
    assert found["s1"] == found["s2"] == "2 of 5 known seeds of this recipe are shown; other tries are unknown"
    assert found["s4"].startswith("1 of 5 known seeds of this recipe")
    (marked, *_) = mark_tries([*shown, *others], hidden)
    assert (marked.tries.seeds_shown, marked.tries.seeds_known) == (2, 5)


def test_a_single_seed_says_that_other_tries_are_unknown():
    assert told([row("a", recipe="r", seed=0)]) == {"a": "one known seed of this recipe; other tries are unknown"}


def test_settings_of_one_system_are_counted_on_each_board():
    rows = [row(f"s{k}", acc=k / 6, system="m", setting=f"k{k}") for k in range(1, 7)]
    found = told([*rows, row("other", system="n", setting="k")])
    assert found["s6"] == "best of 6 settings of this system on this board; other tries are unknown"
    assert {found[f"s{k}"] for k in range(1, 6)} == {"one of 6 settings of this system on this board"}
    assert found["other"] is None


def test_an_excluded_setting_is_a_try_and_never_the_best():
    rows = [
        row("low", acc=0.2, system="m", setting="a"),
        row("high", acc=0.9, status="excluded", system="m", setting="b"),
    ]
    found = told(rows)
    assert found["low"].startswith("best of 2 settings")
    assert found["high"].startswith("one of 2 settings")


@pytest.mark.exploit
def test_the_best_of_six_settings_says_so_wherever_it_is_shown():
    rows = [row(f"org/m{k}", acc=k / 6, system="m", setting=f"k{k}") for k in range(1, 7)]
    boards = build_boards(rows)
    content = content_of(boards, [])
    best = next(r for r in content["rows"] if r["system"] == "org/m6")
    assert (best["rank"], best["settings"]) == (1, 6)
    assert "best of 6 settings" in best["tries"]
    assert "best of 6 settings of this system on this board" in to_markdown(boards, [])
    assert "best of 6 settings of this system on this board" in index_page(content)


def test_tries_are_no_flag():
    first = row("a", recipe="r", seed=0)
    (marked,) = mark_tries([first], [])
    assert replace(marked, tries=None) == first
