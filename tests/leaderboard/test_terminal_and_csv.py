"""Terminals and spreadsheets execute nothing from a run, and notes are shown everywhere."""

import csv
import io
import re

import pytest

from leaderboard.collect import read_rows
from leaderboard.commands.build import leaderboard
from leaderboard.commands.compare import compare
from leaderboard.commands.import_predictions import import_
from leaderboard.rank.boards import build_boards
from leaderboard.site.page import index_page
from leaderboard.site.tables import to_csv
from recipe_mpr_task.lines import say
from tests.support.fake_runs import run_files
from tests.support.in_process import spoken
from tests.support.run_edits import called, task_config
from tests.support.tables import Table

pytestmark = [pytest.mark.exploit, pytest.mark.usefixtures("own_cache")]


HOSTILE = "x\x1b[2J\x1b]0;pwned\x07\r\nrecipe-mpr: all is well\u202e\u2028\u0085\x9b31m"


SEEN_BY_A_TERMINAL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def test_nothing_that_a_terminal_obeys_reaches_it(tmp_path):
    folder = tmp_path / "runs"
    run_files(folder / HOSTILE.replace("/", ""), name=HOSTILE, edit_results=called(HOSTILE))
    run_files(folder / "two", name=f"org/{HOSTILE}", version=2)
    run_files(folder / "three", edit_results=lambda r: r["results"].update({f"recipe_mpr{HOSTILE}": {}}))
    (folder / f"results_{HOSTILE.replace('/', '')}.json").write_text("{")
    (folder / "results_2.json").mkdir()
    out = str(tmp_path / "site")
    for command, *arguments in (
        (leaderboard, str(folder), "--out", out),
        (compare, str(folder), str(folder), "--a", HOSTILE),
        (compare, str(folder / "two"), HOSTILE),
        (import_, HOSTILE, "--name", HOSTILE),
        (import_, str(folder / "results_2.json"), "--name", HOSTILE, "--out", str(tmp_path / HOSTILE.replace("/", ""))),
    ):
        said = spoken(command.name, arguments)
        assert not SEEN_BY_A_TERMINAL.search(said), repr(said)
        assert not re.search(r"^recipe-mpr: all is well", said, re.MULTILINE)


def test_what_a_terminal_cannot_show_is_no_traceback(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    say("⚠ é \udcff")
    stream.flush()
    assert stream.buffer.getvalue() == b"? ? ?\n".replace(b" ?\n", b"  \n")


FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "\uff0b1",
            "\uff0d1+1", "\uff20SUM(1)", "  =1+1", "\u00a0=1", "\u200b=1", "\ufeff=1", '"=1+1', "'=1+1", " ' =1",
            "\u201c=1", "\ufe661", "\u3000\uff1d1")  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_like_a_formula(text, tmp_path):
    run_files(tmp_path / "runs", edit_results=called(f"{text}|cmd"))
    table = csv.reader(io.StringIO(to_csv(build_boards(read_rows([tmp_path / "runs"])[0]))))
    (cell,) = [cell for row in table for cell in row if "|cmd" in cell]
    assert cell[0] == "'" or not re.match("[\\s\"'\u201c]*[=+@\uff1d\uff0b\uff0d\uff20\ufe66-]", cell)


def test_another_separator_makes_no_formula(tmp_path):
    run_files(tmp_path / "runs", edit_results=called("a;=1+1"))
    text = to_csv(build_boards(read_rows([tmp_path / "runs"])[0]))
    assert '"a;=1+1"' in text


@pytest.mark.honest
def test_numbers_of_the_csv_stay_numbers(tmp_path):
    for k, skill in enumerate((0.2, 0.8)):
        run_files(tmp_path / "runs" / str(k), name=f"org/{k}", seed=k, skill=skill)
    header, *lines = csv.reader(io.StringIO(to_csv(build_boards(read_rows([tmp_path / "runs"])[0]))))
    differences = [line[header.index("vs_leader_difference")] for line in lines]
    assert [float(text) < 0 for text in differences if text] == [True]


def test_notes_are_marked_everywhere(tmp_path):
    run_files(tmp_path / "runs", name="org/long", edit_results=lambda r: r.update(system_instruction_sha="a" * 64))
    run_files(tmp_path / "runs" / "two", name="org/long", model="vllm", seed=3, edit_results=task_config(x=1))
    table = Table(tmp_path / "runs")
    noted = [row.system for row in table.rows if row.flags]
    assert noted
    assert table.markdown.count("; notes ⚠ |") == len(noted)


def test_the_page_without_scripts_shows_notes_and_they_stay_inside_their_cell():
    row = {"board": "b", "system": "x", "flags": ["</div><script>alert(1)</script>\x1b[2J", "two"], "rank": 1}
    content = {
        "boards": [{"board": "b", "title": "B", "rows": 1}],
        "rows": [row],
        "task_version": 1,
        "floors": {},
        "skipped": [],
    }
    static = index_page(content).partition('<script type="application/json"')[0]
    assert static.count('<div class="flag"><strong>Note:</strong>') == 2
    assert "<script>alert" not in static
    assert "\x1b" not in static
