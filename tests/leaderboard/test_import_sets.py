"""Boards of imported sets: the opening board, the rows for comparison, and the importer's facts."""

import json

import pytest

from leaderboard.build import build, known_rows
from leaderboard.collect import read_rows
from leaderboard.load.item_sets import ItemSet
from leaderboard.load.predictions import read_choices
from leaderboard.rank.boards import build_boards
from leaderboard.rank.item_set_boards import source_key
from tests.support.commands import recipe_mpr
from tests.support.prediction_files import drawn, gold_at, imported, predictions

ABOUT = {"source": "https://example.org/lab/logs", "set_name": "first thirty"}


def some(n, right=lambda n: n % 3 > 0, order_of=drawn):
    return predictions(order_of, right, tells=("options",))[:n]


def boards_of(folder):
    rows = read_rows([folder])[0]
    return build_boards(rows, known_rows(rows))


def test_a_set_stands_last_beside_the_simple_rules_and_a_constant_letter(tmp_path):
    assert imported(tmp_path, some(30), "org/system", **ABOUT) is None
    boards = boards_of(tmp_path)
    assert [board.key for board in boards[:2]] == ["recipe_mpr", "recipe_mpr_test"], "reported rows open the page"
    board = boards[-1]
    key = ItemSet.of("", {line["item_id"] for line in some(30)}).key
    assert board.title == f'Imported set "first thirty": 30 items, named by its importer (items {key})'
    rows = {row.system: row for row in board.rows}
    assert {"org/system", "bm25", "tfidf", "longest", "random", "first"} < rows.keys()
    constant = next(row for name, row in rows.items() if name.startswith("always "))
    most = max(rows["org/system"].gold_letters)
    assert (constant.score.acc, sum(rows["org/system"].gold_letters)) == (most / 30, 30)
    assert {(row.rank, row.score.n) for row in board.rows} == {(None, 30)}
    assert rows["org/system"].reason.startswith("no rank until this board has systems from two different sources")


def test_known_rows_are_restricted_to_the_items_of_the_set(tmp_path):
    assert imported(tmp_path / "a", some(30), "org/system", **ABOUT) is None
    assert imported(tmp_path / "b", some(60), "org/whole") is None
    rows = {row.system: row for row in boards_of(tmp_path)[-1].rows}
    assert (rows["org/whole"].score.acc, rows["org/whole"].score.n) == (20 / 30, 30)
    assert rows["org/whole"].protocol == "for comparison; 66.7% on the embedded sample"
    assert rows["org/whole"].reason.startswith("for comparison: these items, taken from the run on the embedded sample")


def test_one_name_with_other_items_is_another_board_and_one_set_has_one_name(tmp_path):
    assert imported(tmp_path / "a", some(30), "org/a", **ABOUT) is None
    assert imported(tmp_path / "b", some(29), "org/b", **ABOUT) is None
    assert imported(tmp_path / "c", some(30), "org/c", **ABOUT | {"set_name": "another name"}) is None
    sets = [board for board in boards_of(tmp_path) if board.key.startswith("set-")]
    assert sorted(len([row for row in board.rows if row.kind == "imported" and "two different sources" in row.no_rank])
                  for board in sets) == [1, 2]  # fmt: skip
    assert all("29 items" in board.title or "30 items" in board.title for board in sets)


def test_each_order_has_its_constant_letter_and_an_uneven_one_is_excluded(tmp_path):
    assert imported(tmp_path / "a", some(30), "org/even", **ABOUT) is None
    assert imported(tmp_path / "b", some(30, order_of=gold_at(0)), "org/first", **ABOUT) is None
    rows = boards_of(tmp_path)[-1].rows
    (uneven,) = [row for row in rows if row.system == "org/first"]
    assert (uneven.status, uneven.constant_letter.score.acc) == ("excluded", 1)
    assert uneven.reason.startswith("the right option was A in 30 of 30")
    accs = sorted(row.score.acc for row in rows if row.system.startswith("always "))
    assert (len(accs), accs[1]) == (2, 1)


def test_sources_are_compared_by_host_and_repository():
    one = source_key("https://github.com/Org/Repo/blob/main/a.json")
    for same in ("http://www.github.com/org/repo.git", "github.com/org/repo/tree/x",
                 "https://raw.githubusercontent.com/org/repo/main/b.json"):  # fmt: skip
        assert source_key(same) == one
    assert source_key("https://github.com/another/repo") != one
    for nowhere in (None, "", "A paper, 2024", "http://localhost/a", "http://10.0.0.1/a"):
        assert source_key(nowhere) is None


def test_what_the_importer_says_is_shown(tmp_path):
    about = ABOUT | {"published": "2026-04-01", "note": "read by <hand>"}
    assert imported(tmp_path / "runs", some(30), "org/system", **about) is None
    build([tmp_path / "runs"], tmp_path / "site")
    content = json.loads((tmp_path / "site" / "leaderboard.json").read_text())
    (row,) = [row for row in content["rows"] if row["system"] == "org/system"]
    assert (row["origin"], row["published"], row["importer_note"]) == (about["source"], "2026-04-01", "read by <hand>")
    assert row["item_set"]["name"] == "first thirty"
    assert row["constant_letter"]["n"] == 30
    assert "read by &#60;hand&#62;" in (tmp_path / "site" / "leaderboard.md").read_text()
    assert "<hand>" not in (tmp_path / "site" / row["page"]).read_text()


def test_an_imported_row_has_the_letters_that_its_log_states(tmp_path):
    always_a = [line | {"letter": "A"} for line in predictions(drawn, tells=("options",))]
    assert imported(tmp_path, always_a, "org/a") is None
    (row,) = [row for row in build_boards(read_rows([tmp_path])[0])[-1].rows if row.kind == "imported"]
    assert row.position.answers == (1, 0, 0, 0, 0)
    assert row.position.recall == (1, 0, 0, 0, 0)
    assert row.flags[0] == "answers A on 100% of items"
    assert sum(choice.place == 0 for choice in read_choices(tmp_path / "predictions.jsonl", None)) == 60


def test_lines_without_an_answer_are_counted(tmp_path):
    lines = [line | {"letter": None} if n < 15 else line for n, line in enumerate(some(60, lambda _: True))]
    assert imported(tmp_path, lines, "org/system") is None
    (row,) = [row for row in build_boards(read_rows([tmp_path])[0])[-1].rows if row.kind == "imported"]
    assert (row.score.acc, row.metrics["parse_fail"].value) == (0.75, 0.25)
    assert "15 of 60 items unparsed: no answer could be read, so these items count as wrong" in row.flags


OPTIONS = {
    ("--params", "many"): "--params 'many' is not a number of parameters; expected a number such as 135M",
    ("--date", "1 April"): "--date '1 April' is not a date; expected YYYY-MM-DD",
    ("--set", " "): "--set has 0 characters; expected 1 to 500",
    ("--seen", "nowhere"): "nowhere: cannot be read",
    ("--field", "option_id=a", "--field", "option_id=b"): "--field option_id is given twice: a and b",
}


@pytest.mark.integration
def test_options_that_cannot_be_read_are_one_line(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in some(60)))
    for options, message in OPTIONS.items():
        done = recipe_mpr("import", str(path), "--name", "x", "--out", str(tmp_path / "out"), *options)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert message in done.stderr
    done = recipe_mpr("import", str(path), "--name", "x", "--out", str(tmp_path / "out"), "--params", "7.6B")
    assert done.returncode == 0, done.stderr
    (row,) = read_rows([tmp_path / "out"])[0]
    assert row.params == 7_600_000_000
