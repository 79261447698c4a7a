"""Predictions of any system become a row with the kind "imported"; two systems are compared item by item."""

import json
import re

import pytest

from leaderboard.load.choices import Choice
from leaderboard.load.predictions import read_choices, record_of_choices
from leaderboard.verify.forensics import RESULTS
from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import display
from recipe_mpr_task.splits import scored_ids
from tests.support.commands import recipe_mpr
from tests.support.fake_runs import rows_of, run_files


def jsonl(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def letters(order, items, wrong=0):
    """Write letter answers with `gold_letter`, in a given order; the first `wrong` answers are wrong."""
    shown = [display(item, order) for item in items]
    return [
        {"item_id": s.item.item_id, "letter": LETTERS[(s.gold + (k < wrong)) % 5], "gold_letter": s.gold_letter}
        for k, s in enumerate(shown)
    ]  # fmt: skip


def chosen(path, order):
    return {choice.item_id: choice.chosen for choice in read_choices(path, order)}


def test_ids_and_letters_of_either_order_come_to_the_same_choices(tmp_path):
    items = load_sample()
    by_id = [{"item_id": item.item_id, "option_id": item.gold} for item in items]
    expected = {item.item_id: (item.gold,) for item in items}
    assert chosen(tmp_path / jsonl(tmp_path / "a", by_id), None) == expected
    for order in ("file", "shuffled"):
        assert chosen(tmp_path / jsonl(tmp_path / order, letters(order, items)), order) == expected


@pytest.mark.integration
def test_an_import_is_ranked_with_a_doubt_and_file_order_letters_are_not(tmp_path):
    for order in ("shuffled", "file"):
        path = jsonl(tmp_path / f"{order}.jsonl", letters(order, load_sample(), wrong=15))
        done = recipe_mpr("import", path, "--name", f"gpt {order}", "--order", order, "--out", str(tmp_path / order))
        assert done.returncode == 0, done.stderr
        assert "60 items, accuracy 75.0" in done.stdout
    (row,) = rows_of(tmp_path / "shuffled")
    assert (row.system, row.kind, row.status, row.rank) == ("gpt shuffled", "imported", "unknown", 1)
    assert (row.score.acc, row.score.n, row.asked.shots) == (0.75, 60, None)
    (row,) = rows_of(tmp_path / "file")
    assert (row.status, row.rank) == ("excluded", None)
    assert "gold option is always A" in row.reason


@pytest.mark.real_data
def test_names_as_found_in_the_wild_and_queries_instead_of_ids(tmp_path):
    held_out = [item for item in load_items() if item.item_id in scored_ids("published")]
    lines = [{"question": f" {item.query}  ", "pred": item.gold} for item in held_out]
    lines[0]["pred"] = None
    choices = read_choices(
        tmp_path / jsonl(tmp_path / "p", lines), None, {"query": "question", "option_id": "pred"}
    )  # fmt: skip
    record = record_of_choices(choices, "wild", None)
    assert (record.task, record.run["results"][record.task]["acc,none"]) == ("recipe_mpr_test", 49 / 50)


FAULTS = {
    "not JSON": ("{", "line 1: not a JSON object"),
    "empty": (" \n", "is empty"),
    "many times the same": ("{\n" * 7, "line 1 and 6 more: not a JSON object"),
    "no id": ('{"answer": 1}', "no item_id or query; its fields: answer"),
    "unknown id": (
        '{"item_id": "mpr-500", "letter": "A"}',
        r"expected mpr-000 .* to mpr-499",
    ),
    "no choice": ('{"item_id": "sample-00"}', "no option_id, option, letter or scores"),
    "letter without order": ('{"item_id": "sample-00", "letter": "A"}', "Add `options` or `option_ids`"),
    "letters of a stated order": (
        '{"item_id": "sample-00", "letter": "A"}',
        "--order alone is not enough",
        "shuffled",
    ),
    "no five": ('{"item_id": "sample-00", "letter": "A", "options": ["a"]}', "options are not its five options"),
    "gold letter that is none": (
        '{"item_id": "sample-00", "letter": "A", "gold_letter": 1}',
        "gold_letter '1'; expected A, B, C, D, E or null",
    ),
    "letter that is none": (
        '{"item_id": "sample-00", "letter": "F"}',
        "letter 'F'; expected A, B, C, D, E or null",
        "file",
    ),
    "disagreeing": (
        '{"item_id": "sample-00", "option_id": null, "letter": "A"}',
        "option_id says None, but letter says",
        "file",
    ),
    "foreign option": ('{"item_id": "sample-00", "option_id": "zz"}', "'zz' is not one of its options"),
    "twice": ('{"item_id": "sample-00", "option_id": null}\n' * 2, "line 2: sample-00 appears twice; first in line 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_by_line(tmp_path, fault):
    text, message, *order = FAULTS[fault]
    (tmp_path / "p").write_text(text, encoding="utf-8-sig")
    with pytest.raises(RecipeMPRError, match=message):
        read_choices(tmp_path / "p", order[0] if order else None)


@pytest.mark.integration
def test_import_asks_for_a_name_and_says_where_it_cannot_write(tmp_path):
    path = jsonl(tmp_path / "p", letters("shuffled", load_sample()))
    (tmp_path / "file").write_text("")
    nowhere = ["--name", "x", "--out", str(tmp_path / "file" / "x")]
    for arguments, message in ((["--name", " "], "--name is empty"), (nowhere, "cannot be written")):
        done = recipe_mpr("import", path, "--order", "shuffled", *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert message in done.stderr


def test_some_of_the_items_make_no_record():
    with pytest.raises(RecipeMPRError, match="1 items; a set has at least 20"):
        record_of_choices((Choice("sample-00"),), "part", None)


@pytest.mark.integration
def test_compare_names_difference_interval_and_the_items_that_flipped(tmp_path):
    good = run_files(tmp_path / "a", name="org/good", skill=0.9)
    bad = run_files(tmp_path / "b", name="org/bad", skill=0.2, seed=1)
    done = recipe_mpr("compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert done.returncode == 0, done.stderr
    pairs = [(g["acc"], b["acc"]) for g, b in zip(good, bad, strict=True)]
    wins, losses = sum(g > b for g, b in pairs), sum(g < b for g, b in pairs)
    difference = 100 * sum(g - b for g, b in pairs) / 60
    (line,) = [line.split() for line in done.stdout.splitlines() if line.startswith("all  ")]
    assert [line[1], line[4], line[-3], line[-2]] == ["60", f"{difference:+.1f}", str(wins), str(losses)]
    assert f"A is better on {wins} items" in done.stdout
    assert f"  ... and {wins - 10} more; --all-items lists them" in done.stdout
    every = recipe_mpr("compare", str(tmp_path / "a"), str(tmp_path / "b"), "--all-items").stdout
    assert len(re.findall(r"^  sample-\d+  right", every, re.M)) == wins + losses
    won = next(g["doc"] for g, b in zip(good, bad, strict=True) if g["acc"] > b["acc"])
    assert won["query"] in done.stdout, "the sample's texts are at hand"
    assert "chose the same" not in done.stdout


@pytest.mark.integration
def test_compare_says_that_two_paths_may_hold_one_run(tmp_path):
    for folder in "ab":
        run_files(tmp_path / folder, name=f"org/{folder}")
    done = recipe_mpr("compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert "A and B chose the same option on every item" in done.stdout


@pytest.mark.integration
def test_compare_asks_which_run_where_a_folder_holds_several(tmp_path):
    for name, seed in (("model", 0), ("model-2", 1)):
        run_files(tmp_path / name, name=f"org/{name}", seed=seed)
    folder = str(tmp_path)
    for arguments, message in (
        ([folder, str(tmp_path / "model")], "has 2 rows on recipe_mpr_sample"),
        ([folder, folder, "--a", "nobody"], "org/model on recipe_mpr_sample; org/model-2"),
        (
            [folder, folder, "--a", "model-2", "--b", "2", "--board", "recipe_mpr_sample"],
            "are both org/model-2",
        ),
        ([folder, folder, "--board", "recipe_mpr"], "no row matches board recipe_mpr"),
        (["org/model", folder], "system's name with --a or --b"),
    ):
        done = recipe_mpr("compare", *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert message in done.stderr
    done = recipe_mpr("compare", folder, folder, "--a", "org/model", "--b", "org/model-2")
    assert done.returncode == 0, "a whole name is the one, though another's holds it"


@pytest.mark.integration
def test_compare_takes_two_of_many_rows_on_the_board_that_is_asked_for():
    done = recipe_mpr("compare", str(RESULTS), str(RESULTS), "--a", "first", "--b", "random", "--board", "recipe_mpr")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("A: first, 20.0 [16.7, 23.7] on 500 items")
    assert "\nB: random, 22.2 [18.8, 26.0] on 500 items" in done.stdout
