"""`make demo` without its installs: on real data, and on the sample if there is no dataset."""

import json
import re
from pathlib import Path

import pytest

from tests.support.commands import run_python

RESULTS = Path(__file__).parents[2] / "docs" / "results.md"
DEPENDS_ON_OTHERS = {"#", "Against the leader"}
FILES = {"index.html", "leaderboard.md", "results.md", "leaderboard.json", "leaderboard.csv"}

pytestmark = pytest.mark.slow


def demo(out, **environment):
    done = run_python("-m", "recipe_mpr_task.cli", "demo", "--out", str(out), **environment)
    assert done.returncode == 0, done.stderr[-2000:]
    there = {path.name for path in (out / "leaderboard").iterdir() if not path.name.startswith(".")}
    assert there == FILES | {"systems", "items", "plots"}
    assert all(str(out / "leaderboard" / name) in done.stdout for name in FILES)
    return done, json.loads((out / "leaderboard" / "leaderboard.json").read_text())


def rows_of(markdown):
    """The ranked rows of the main board, each as cells by heading, without those that depend on the other rows."""
    table = re.search(r"(?:^\|.*\n)+", markdown.split("## All 500 items")[1], re.M)[0]
    header, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return [{name: cell for name, cell in zip(header, row, strict=True) if name not in DEPENDS_ON_OTHERS}
            for row in rows]  # fmt: skip


@pytest.mark.real_data
def test_demo_scores_the_real_items_and_makes_the_committed_rows_anew(tmp_path, minilm):
    done, board = demo(tmp_path)
    ranked = [row for row in board["rows"] if row["rank"] is not None and row["board"] == "recipe_mpr"]
    acc = {row["system"]: row["acc"] for row in ranked}
    own = {"random", "first", "longest", "tfidf", "bm25", "all-MiniLM-L6-v2 (bi-encoder)"}
    assert own < acc.keys(), "the committed results stand beside its own"
    assert acc["first"] == 0.2
    assert (round(acc["tfidf"], 4), acc["longest"]) == (0.1928, pytest.approx(0.237))
    assert acc["all-MiniLM-L6-v2 (bi-encoder)"] == pytest.approx(0.418)
    demonstrated = rows_of((tmp_path / "leaderboard" / "leaderboard.md").read_text())
    committed = rows_of(RESULTS.read_text())
    shown = [{name: cell for name, cell in row.items() if name in demonstrated[0]} for row in committed]
    assert len(demonstrated) == len(ranked)
    assert not [row for row in demonstrated if row not in shown], "what is committed is not what the demo makes"
    assert "[6/6]" in done.stdout


def test_demo_without_data_runs_the_sample_under_a_banner(tmp_path, minilm):
    # A dead proxy simulates a machine that is offline.
    offline = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done, board = demo(tmp_path, RECIPE_MPR_DATA="", RECIPE_MPR_CACHE=str(tmp_path / "cache"), **offline)
    assert "NOT benchmark numbers" in done.stdout
    assert "NOT benchmark numbers" in done.stderr
    ranked = [row for row in board["rows"] if row["rank"] is not None]
    assert len(ranked) == 6
    assert {row["board"] for row in ranked} == {"recipe_mpr_sample"}
