"""An internal error with one run is logged, and the other rows are kept."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from leaderboard import collect
from leaderboard.collect import read_rows
from leaderboard.commands.build import leaderboard
from leaderboard.workers import Where
from recipe_mpr_task.faults import OwnFaultError
from tests.support.fake_runs import run_files
from tests.support.in_process import built, spoken
from tests.support.run_edits import CHEAT
from tests.support.tables import HONEST

pytestmark = [pytest.mark.exploit, pytest.mark.usefixtures("own_cache")]


def broken(run):
    if run.args.text("pretrained") == CHEAT:
        raise KeyError("ours")
    return CHECK(run)


CHECK = collect.verify


def test_a_fault_of_ours_is_logged_and_the_other_rows_are_kept(runs, tmp_path, monkeypatch):
    run_files(runs / "bad", name=CHEAT, skill=1.0)
    monkeypatch.setattr(collect, "verify", broken)
    for _ in range(2):  # it is not remembered
        code, (line,), rows = built(runs, tmp_path / "site")
        assert (code, rows[HONEST]["rank"]) == (3, 1)
        log = re.search(r"internal error.*KeyError: 'ours'; traceback in (/.*\.log)$", line)[1]
        text = Path(log).read_text()
        assert "runs/bad/results_" in text
        assert "in broken" in text
        (bad,) = [row for name, row in rows.items() if name != HONEST]
        assert (bad["status"], bad["rank"]) == ("excluded", None)
        assert bad["reason"].startswith("internal error during the check; see ")
    monkeypatch.setattr(collect, "verify", CHECK)
    assert built(runs, tmp_path / "site")[0] == 0


def test_a_fault_of_ours_wins_over_bad_input(runs, tmp_path, monkeypatch):
    (runs / "results_1.json").write_text("{")
    run_files(runs / "bad", name=CHEAT)
    monkeypatch.setattr(collect, "verify", broken)
    assert built(runs, tmp_path / "site")[0] == 3
    monkeypatch.setattr(collect, "runs_of", lambda *_: 1 / 0)
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "empty"))
    done = CliRunner().invoke(leaderboard, [str(runs), "--out", str(tmp_path / "none")])
    assert (done.exit_code, done.stderr.count("\n")) == (3, 2)
    assert "ZeroDivisionError" in done.stderr
    with pytest.raises(OwnFaultError, match="ZeroDivisionError"):
        read_rows([runs])


def test_any_other_fault_of_ours_is_logged(runs, monkeypatch, tmp_path):
    monkeypatch.setattr("leaderboard.build.publish", lambda *_: {}["\x1b[2J"])
    said = spoken("leaderboard", [str(runs), "--out", str(tmp_path / "site")])
    (line,) = said.splitlines()
    assert re.search(r"^recipe-mpr: internal error, .*KeyError.*; traceback in /.*\.log$", line)
    assert "Traceback" in Path(line.rpartition(" in ")[2]).read_text()


@pytest.mark.integration
def test_processes_hand_their_faults_over(tmp_path, monkeypatch):
    """Several processes check the runs. Each starts anew, so a patch of this test would have no effect."""
    for k in range(3):
        run_files(tmp_path / "runs" / str(k), name=f"org/{k}", seed=k)
    monkeypatch.setattr(collect, "make_rows", fails)
    faults = []
    rows, _ = read_rows([tmp_path / "runs"], lambda what, trace: faults.append(trace), Where(jobs=2))
    assert len(faults) == 3
    assert all("in fails_in_there" in trace for trace in faults)
    assert rows == []


def fails(_path):
    collect.runs_of = fails_in_there
    return collect.make_rows(_path)


def fails_in_there(*_):
    raise KeyError("in another process")


def test_the_log_goes_where_temporary_files_go_if_the_cache_cannot_be_written(runs, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "file"))
    run_files(runs / "bad", name=CHEAT)
    monkeypatch.setattr(collect, "verify", broken)
    code, (line,), _ = built(runs, tmp_path / "site")
    assert code == 3
    Path(line.rpartition(" in ")[2]).unlink()
