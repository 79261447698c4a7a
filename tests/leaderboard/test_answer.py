"""The page's top sentence and its opening board are computed from the rows, never from claims."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from leaderboard.load.item_sets import ItemSet
from leaderboard.rank.answer import answer_of
from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.rank.published import published_rows
from leaderboard.rank.ranking import board_of
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Keys, LoadedNames, Score, Tries
from leaderboard.site.answer_text import answer_object
from leaderboard.site.names import beneath, name_of
from leaderboard.site.opening import about, group_of, is_without_dataset, opening_board
from leaderboard.site.page_data import content_of
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.result_records import TrainingRecord

IDS = sorted(pinned_items())[:200]


def row(name: str, right: int, *, first: int = 0, board: str = MAIN_BOARD, **changes: object) -> Row:
    """Return a row that is right on `right` of 200 items, from item `first` on."""
    accuracies = np.zeros(len(IDS))
    accuracies[first : first + right] = 1.0
    items = [ItemResult(item_id, float(acc), ()) for item_id, acc in zip(IDS, accuracies, strict=True)]
    made = Row(name, "encoder", "clean", "", board, board, 1, Score.of(right, len(IDS)), {}, None, name, "run here",
               items=RowItems.of(items), date=100.0)  # fmt: skip
    return replace(made, **changes)


def said(*rows: Row) -> dict:
    board = rows[0].board
    return answer_object(answer_of(board_of(board, "Board", rows)))


def sentence(answer: dict) -> str:
    return " ".join(answer[part] for part in ("lead", "name", "figure", "rest") if answer[part])


def test_only_what_was_run_here_is_best_measured():
    recounted = row("counted again", 190, kind="imported", evidence="recounted", status="unknown")
    excluded = row("not comparable", 200, status="excluded")
    answer = said(recounted, excluded, row("ours", 120), row("second", 60, first=60), *published_rows())
    ahead = "30.0 points ahead of the next system measured here, second."
    assert sentence(answer) == f"Best measured here: ours 60.0% (53.1 to 66.5), {ahead}"
    assert (answer["best"]["acc"], answer["best"]["trust"]) == (0.6, "held out")
    assert answer["recounted"]["system"] == "counted again"
    facts = {fact["label"]: fact["text"] for fact in answer["facts"]}
    higher = "Higher than the best accuracy measured here. Status: training data unknown."
    assert f"not run here. {higher}" in facts["Recounted"]
    assert ": significant in the paired test" in facts["Next"]


def test_the_highest_claim_is_one_whose_source_names_no_overlap():
    answer = said(row("ours", 120))
    assert answer["claim"]["system"] == "GPT-3 (text-davinci-003) few-shot", "92.4 was scored on its training items"
    assert sentence(answer).endswith("the only ranked system measured here.")
    facts = {fact["label"]: fact["text"] for fact in answer["facts"]}
    assert 'file order, where always answering "A" scores 100%' in facts["Best published, not verified"]


def test_of_several_seeds_the_median_is_the_answer_and_no_rival():
    seeds = [row(f"s{k}", right, keys=Keys(recipe="r", seed=k)) for k, right in enumerate((125, 121, 119))]
    answer = said(*seeds, row("other", 60, first=60))
    assert sentence(answer).startswith(
        "Best measured here: s1 60.5% (53.6 to 67.0; median of 3 seeds), 30.5 points ahead"
    )
    assert answer["level_with"] == [], "its own seeds are no rivals"
    lower = said(*seeds[:2], row("other", 60, first=60))
    assert "s1 60.5% (53.6 to 67.0; lower median of 2 seeds)" in sentence(lower)


def test_systems_that_the_test_cannot_tell_apart_are_level():
    answer = said(row("a", 121), row("b", 120), row("c", 119), row("far", 20))
    assert sentence(answer).endswith("(53.6 to 67.0), tied with 2 other systems.")
    assert answer["next"]["low"] <= 0 <= answer["next"]["high"]
    facts = {fact["label"]: fact["text"] for fact in answer["facts"]}
    assert facts["Next"].endswith(": not significant in the paired test.")


@pytest.mark.parametrize("ahead", [0, 1])
def test_level_agrees_with_the_rank_range_and_interval_with_test(ahead):
    """All ranked rows are corrected together, whether or not the best measured row leads the board."""
    rows = [row(f"s{k}", 100 - 5 * k, first=8 * k) for k in range(8)]
    rows += [row("elsewhere", 180, kind="imported", evidence="recounted")] * ahead
    board = board_of(MAIN_BOARD, "Board", rows)
    answer = answer_of(board)
    assert answer.best is not None
    best = next(each for each in board.rows if each.system == "s0")
    assert len(answer.level) == best.rank_high - best.rank
    assert 0 < len(answer.level) < len(answer.rivals)
    for rival in answer.rivals:
        compared = rival.against_best.comparison
        assert (compared.low <= 0 <= compared.high) == rival.is_level


def test_a_board_without_measured_systems_says_so():
    answer = said(*[one for one in published_rows() if one.board == MAIN_BOARD])
    assert sentence(answer) == "No system measured here has a rank on this board."
    assert (answer["best"], answer["next"], answer["level_with"]) == (None, None, [])


SAMPLE, FLAW, TEST = "recipe_mpr_sample", "recipe_mpr_file_order", "recipe_mpr_test"
CHOSEN = ItemSet("mine", "0" * 12, 200)


def boards(*rows: Row) -> list:
    keys = dict.fromkeys([MAIN_BOARD, *(one.board for one in published_rows())] + [one.board for one in rows])
    return [board_of(key, key, [one for one in (*rows, *published_rows()) if one.board == key]) for key in keys]


def record(system: str, board: str, **changes) -> Row:
    return row(system, 9, board=board, source=f"results/{system}.record.json", **changes)


@pytest.mark.parametrize(
    ("rows", "opens"),
    [
        ([], MAIN_BOARD),
        ([row("a", 9), row("b", 9, board=TEST, date=200.0)], TEST),
        ([row("a", 9), row("b", 9, board=SAMPLE, date=300.0), row("c", 9, board=FLAW, date=300.0)], MAIN_BOARD),
        ([row("a", 9, board=SAMPLE)], SAMPLE),
        ([row("a", 9), row("b", 9, board="set-0", date=300.0, item_set=CHOSEN)], MAIN_BOARD),
        ([row("a", 9, board="set-0", item_set=CHOSEN), row("b", 9, board=SAMPLE, date=300.0)], "set-0"),
        ([row("a", 9), row("b", 9, board=TEST, date=1e18)], MAIN_BOARD),
        ([record("a", MAIN_BOARD), record("b", TEST, date=200.0)], MAIN_BOARD),
        ([record("a", MAIN_BOARD, date=300.0), row("b", 9, board=TEST, date=200.0)], TEST),
        ([record("a", FLAW), record("b", TEST)], TEST),
    ],
)  # fmt: skip
def test_the_page_opens_on_the_board_with_the_newest_log(rows, opens):
    assert opening_board(boards(*rows)) == opens


def test_a_row_for_comparison_is_no_run_of_its_board():
    again = row("a", 9, board=TEST, date=300.0, no_rank="for comparison: these items, taken from the run")
    assert opening_board(boards(row("a", 9), again)) == MAIN_BOARD


def test_the_sample_alone_is_no_benchmark_and_diagnostics_are_explained():
    alone, both = boards(row("a", 9, board=SAMPLE)), boards(row("a", 9, board=SAMPLE), row("b", 9))
    assert (is_without_dataset(alone), is_without_dataset(both), is_without_dataset(boards())) == (True, False, False)
    content = content_of(alone, [], built=date(2026, 1, 2))
    assert (content["no_dataset"], content["opens_on"], content["built"]) == (True, SAMPLE, "2026-01-02")
    for key in (SAMPLE, FLAW, "recipe_mpr_options_only"):
        board = board_of(key, key, [row("a", 9, board=key)])
        assert group_of(board) == "diagnostic"
        assert about(board).endswith(".")


def test_what_is_made_from_random_weights_is_never_best():
    toy = row("toy", 200, status="excluded", from_random_weights=True)
    assert said(toy, row("ours", 50))["name"] == "ours"


def test_a_name_loses_its_base_model_which_stands_beneath():
    training = TrainingRecord(base_model="org/base")
    trained = row("best (org/base)", 9, training=training, protocol="5 folds pooled")
    assert (name_of(trained), beneath(trained)) == ("best", ["org/base", "5 folds pooled"])
    other = row("qwen3_8b_lora (org/small)", 9, training=TrainingRecord(base_model="org/small"))
    assert (name_of(other), beneath(other)) == ("small with qwen3_8b_lora", ["org/small"]), "not Qwen3-8B's result"
    adapter = row("org/base", 9, loaded=LoadedNames(base="org/base", adapter="mine"))
    assert (name_of(adapter), beneath(adapter)) == ("org/base", [])
    seeds = row("best", 9, keys=Keys(seed=43), tries=Tries("2 of 2", seeds_shown=2, seeds_known=2))
    assert beneath(seeds) == ["seed 43"], "rows of one recipe differ by their seed"
    counted = row("x", 9, kind="imported", evidence="recounted")
    assert beneath(counted) == ["recounted"]
