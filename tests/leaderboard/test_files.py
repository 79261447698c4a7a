"""Files of any kind below a folder of runs: what cannot be read is named with its remedy, the rest is kept."""

import contextlib
import csv
import io
import json
import os
import re
import socket
import traceback
from pathlib import Path

import pytest
from click.testing import CliRunner

from leaderboard import collect
from leaderboard.build import build
from leaderboard.collect import read_rows
from leaderboard.commands.build import leaderboard
from leaderboard.commands.compare import compare
from leaderboard.commands.import_predictions import import_
from leaderboard.load import results as load_files
from leaderboard.rank.boards import build_boards
from leaderboard.site.page import index_page
from leaderboard.site.tables import to_csv
from recipe_mpr_task import cli
from recipe_mpr_task.errors import CheckpointError, RecipeMPRError
from recipe_mpr_task.faults import OwnFaultError
from recipe_mpr_task.files import read_regular
from recipe_mpr_task.lines import say
from recipe_mpr_task.manifest import FILE_NAME, read_manifest
from tests.support.fake_runs import run_files
from tests.support.odd_files import sparse
from tests.support.run_edits import CHEAT, called, task_config
from tests.support.tables import HONEST, Table

pytestmark = pytest.mark.exploit

GROWS = Path("/proc/self/status")

HOSTILE = "x\x1b[2J\x1b]0;pwned\x07\r\nrecipe-mpr: all is well\u202e\u2028\u0085\x9b31m"
SEEN_BY_A_TERMINAL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def runs(tmp_path):
    """A folder with an honest run."""
    run_files(tmp_path / "runs" / "good", name=HONEST)
    return tmp_path / "runs"


def built(folder, out):
    """What the command says of a folder: exit code, lines of stderr, rows by system."""
    done = CliRunner().invoke(leaderboard, [str(folder), "--out", str(out)])
    assert done.exception is None or isinstance(done.exception, SystemExit), traceback.format_exception(done.exception)
    found = json.loads((out / "leaderboard.json").read_text())["rows"]
    return done.exit_code, done.stderr.splitlines(), {row["system"]: row for row in found if row["kind"] != "reported"}


def unix_socket(path):
    # From its folder: a socket's path may have 100 characters only.
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def loop(path):
    path.symlink_to(path.name)


def samples_are(make):
    """A good results file whose samples are something else."""

    def build(folder):
        run_files(folder, name=CHEAT, skill=1.0)
        (samples,) = folder.glob("samples_*")
        samples.unlink()
        make(samples)

    return build


def results_are(make, name="results_1.json"):
    return lambda folder: make(folder / name)


ODD_FILES = {
    "pipe": (results_are(os.mkfifo), "a pipe, not a regular file"),
    "pipe called a record": (results_are(os.mkfifo, "a.record.json"), "a pipe, not a regular file"),
    "socket": (results_are(unix_socket), "a socket, not a regular file"),
    "link to a device": (results_are(lambda p: p.symlink_to("/dev/zero")), "a device, not a regular file"),
    "link to nothing": (results_are(lambda p: p.symlink_to("none")), "a link to nothing"),
    "link to itself": (results_are(loop), "symbolic link"),
    "folder": (results_are(lambda p: p.mkdir()), "a folder, not a regular file"),
    "link to a folder": (results_are(lambda p: p.symlink_to("/")), "a folder, not a regular file"),
    "6 GB": (results_are(lambda p: sparse(p, 6 * 10**9)), "6,000,000,000 bytes; at most"),
    "record of 6 GB": (results_are(lambda p: sparse(p, 6 * 10**9), "a.record.json"), "bytes; at most"),
    "name that is not UTF-8": (lambda f: run_files(f / os.fsdecode(b"\xff\xfe")), r"\xff\xfe/"),
    "file name that is not UTF-8": (
        results_are(lambda p: p.write_text("{}"), os.fsdecode(b"results_\xff.json")), "not UTF-8; rename it"),
    "samples: pipe": (samples_are(os.mkfifo), "a pipe, not a regular file"),
    "samples: device": (samples_are(lambda p: p.symlink_to("/dev/zero")), "a device, not a regular file"),
    "samples: link to itself": (samples_are(loop), "symbolic link"),
    "samples: link to nothing": (samples_are(lambda p: p.symlink_to("none")), "a link to nothing"),
    "samples: folder": (samples_are(lambda p: p.mkdir()), "a folder, not a regular file"),
    "samples: one line of 6 GB": (samples_are(lambda p: sparse(p, 6 * 10**9)), "bytes; at most"),
    "samples: one line of 40 MB": (samples_are(lambda p: sparse(p, 40 * 10**6)), "line 1: more than"),
    "samples: 20,000 lines": (samples_are(lambda p: p.write_text("{}\n" * 20_000)), "more than 10,000 lines"),
    "no samples": (lambda f: run_files(f, name=CHEAT, skill=1.0, log_samples=False), "again with --log_samples"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(ODD_FILES))
def test_what_is_no_file_of_an_allowed_size_is_named_and_the_rest_is_kept(what, runs, tmp_path):
    make, said = ODD_FILES[what]
    (runs / "bad").mkdir()
    make(runs / "bad")
    code, (line,), rows = built(runs, tmp_path / "site")
    assert code == 2
    assert line.startswith("recipe-mpr: skipped runs/bad")
    assert said in line
    assert rows[HONEST]["rank"] == 1
    assert rows.get(CHEAT, {"rank": None})["rank"] is None


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: p.symlink_to("/dev/zero"), loop, lambda p: sparse(p, 6 * 10**9),
                                  unix_socket, lambda p: p.symlink_to("none")])  # fmt: skip
def test_an_odd_file_named_by_the_user_is_named(make, tmp_path):
    path = tmp_path / "odd.json"
    make(path)
    with pytest.raises(RecipeMPRError, match=r"odd\.json: "):
        build([path], tmp_path / "site")
    done = CliRunner().invoke(compare, [str(path), str(path)])
    assert isinstance(done.exception, RecipeMPRError)
    done = CliRunner().invoke(import_, [str(path), "--name", "x", "--out", str(tmp_path / "out")])
    assert "cannot be read: " in str(done.exception)


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: p.symlink_to("/dev/zero"), loop, lambda p: sparse(p, 6 * 10**9)])
def test_an_odd_manifest_is_no_manifest(make, tmp_path):
    make(tmp_path / FILE_NAME)
    with pytest.raises(CheckpointError, match="is no training manifest"):
        read_manifest(tmp_path)


@pytest.mark.skipif(not GROWS.is_file(), reason=f"no {GROWS}")
def test_a_file_that_grows_beyond_its_size_is_not_read_on():
    """The size of files in /proc is 0 before they are read."""
    assert GROWS.stat().st_size == 0
    with pytest.raises(OSError, match="more than 10 bytes"):
        read_regular(GROWS, 10)


def test_a_subfolder_that_cannot_be_listed_is_named(runs, tmp_path, monkeypatch):
    (runs / "closed").mkdir()
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    code, (line,), rows = built(runs, tmp_path / "site")
    assert (code, rows[HONEST]["rank"]) == (2, 1)
    assert "skipped runs/closed: cannot be listed: Permission denied; make it readable" in line


def test_a_folder_of_links_to_folders_alone_says_what_to_name(runs, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "one").symlink_to(runs)
    with pytest.raises(RecipeMPRError, match="nothing but links to folders in it, such as one: name what they lead to"):
        build([tmp_path / "links"], tmp_path / "site")


def test_a_loop_of_folders_is_not_walked_for_ever(runs, tmp_path):
    (runs / "good" / "up").symlink_to(runs)
    code, said, rows = built(runs, tmp_path / "site")
    assert (code, said, rows[HONEST]["rank"]) == (0, [], 1)


def test_a_very_deep_folder_is_walked(runs, tmp_path):
    runs.joinpath(*["d"] * 900).mkdir(parents=True)
    assert built(runs, tmp_path / "site")[0] == 0


def test_links_to_results_without_their_samples_are_named(runs, tmp_path):
    (file,) = (runs / "good").glob("results_*")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / file.name).symlink_to(file)
    code, (line,), rows = built(tmp_path / "links", tmp_path / "site")
    assert (code, rows[HONEST]["status"]) == (2, "excluded")
    assert "run it again with --log_samples; of a linked file, link the folder" in line


@pytest.mark.honest
def test_links_to_results_and_samples_are_runs(runs, tmp_path):
    (tmp_path / "links").mkdir()
    for file in (runs / "good").iterdir():
        (tmp_path / "links" / file.name).symlink_to(file)
    assert built(tmp_path / "links", tmp_path / "site")[0] == 0
    (tmp_path / "linked").symlink_to(runs)
    code, said, rows = built(tmp_path / "linked", tmp_path / "two")
    assert (code, said, rows[HONEST]["rank"]) == (0, [], 1)


@pytest.mark.honest
def test_a_name_that_is_not_ascii_is_kept(tmp_path):
    run_files(tmp_path / "Läufe" / "模型", name="org/模型-é")
    code, said, rows = built(tmp_path / "Läufe", tmp_path / "site")
    assert (code, said) == (0, [])
    assert rows["org/模型-é"]["source"].startswith("Läufe/模型/")


def test_many_unknown_tasks_are_counted(tmp_path):
    many = {f"recipe_mpr_x{k}": {} for k in range(5000)}
    run_files(tmp_path / "runs", name=HONEST, edit_results=lambda r: r["results"].update(many))
    table = Table(tmp_path / "runs")
    assert table.honest.rank == 1
    (last,) = [row.reason for row in table.rows if " and " in row.task]
    assert re.search(r"recipe_mpr_x49 and 4950 more is not one of this release", last)
    assert len(table.rows) == 51


def test_dense_samples_do_not_swell(tmp_path, monkeypatch):
    monkeypatch.setattr(load_files, "MOST_VALUES", 5000)
    samples_are(lambda p: p.write_text('{"a": [' + "[]," * 10_000 + "0]}"))(tmp_path / "runs")
    assert "or 5,000 values" in Table(tmp_path / "runs").skipped[0]


# What a terminal and a spreadsheet obey.


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


def spoken(command, arguments):
    """All that `recipe-mpr COMMAND` prints."""

    class Line(cli.LazyGroup):
        pass

    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        cli.main([command, *arguments])
    return out.getvalue() + err.getvalue()


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


# Faults of ours.


def broken(run):
    if run.config["model_args"]["pretrained"] == CHEAT:
        raise KeyError("ours")
    return CHECK(run)


CHECK = collect.check


def test_a_fault_of_ours_is_logged_and_the_other_rows_are_kept(runs, tmp_path, monkeypatch):
    run_files(runs / "bad", name=CHEAT, skill=1.0)
    monkeypatch.setattr(collect, "check", broken)
    for _ in range(2):  # it is not remembered
        code, (line,), rows = built(runs, tmp_path / "site")
        assert (code, rows[HONEST]["rank"]) == (3, 1)
        log = re.search(r"fault of ours.*KeyError: 'ours'; traceback in (/.*\.log)$", line)[1]
        text = Path(log).read_text()
        assert "runs/bad/results_" in text
        assert "in broken" in text
        (bad,) = [row for name, row in rows.items() if name != HONEST]
        assert (bad["status"], bad["rank"]) == ("excluded", None)
        assert bad["reason"].startswith("a fault of ours while it was judged, see ")
    monkeypatch.setattr(collect, "check", CHECK)
    assert built(runs, tmp_path / "site")[0] == 0


def test_a_fault_of_ours_wins_over_bad_input(runs, tmp_path, monkeypatch):
    (runs / "results_1.json").write_text("{")
    run_files(runs / "bad", name=CHEAT)
    monkeypatch.setattr(collect, "check", broken)
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
    assert re.search(r"^recipe-mpr: a fault of ours, .*KeyError.*; traceback in /.*\.log$", line)
    assert "Traceback" in Path(line.rpartition(" in ")[2]).read_text()


@pytest.mark.integration
def test_processes_hand_their_faults_over(tmp_path, monkeypatch):
    """Checked by several processes, each of which starts anew: no patch of ours would be there."""
    for k in range(3):
        run_files(tmp_path / "runs" / str(k), name=f"org/{k}", seed=k)
    monkeypatch.setattr(collect, "FEW_FILES", 2)
    monkeypatch.setattr(collect, "WORKERS", 2)
    monkeypatch.setattr(collect, "digest_of", fails)
    faults = []
    rows, _ = read_rows([tmp_path / "runs"], lambda what, trace: faults.append(trace))
    assert len(faults) == 3
    assert all("in fails_in_there" in trace for trace in faults)
    assert rows == []


def fails(_path):
    collect.runs_of = fails_in_there
    return collect.digest_of(_path)


def fails_in_there(*_):
    raise KeyError("in another process")


def test_the_log_goes_where_temporary_files_go_if_the_cache_cannot_be_written(runs, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "file"))
    run_files(runs / "bad", name=CHEAT)
    monkeypatch.setattr(collect, "check", broken)
    code, (line,), _ = built(runs, tmp_path / "site")
    assert code == 3
    Path(line.rpartition(" in ")[2]).unlink()


# Notes.


def test_notes_are_marked_everywhere(tmp_path):
    run_files(tmp_path / "runs", name="org/long", edit_results=lambda r: r.update(system_instruction_sha="a" * 64))
    run_files(tmp_path / "runs" / "two", name="org/long", model="vllm", seed=3, edit_results=task_config(x=1))
    table = Table(tmp_path / "runs")
    noted = [row.system for row in table.rows if row.flags]
    assert noted
    assert table.markdown.count("; notes ⚠ |") == len(noted)


def test_the_page_without_scripts_shows_notes_and_they_stay_inside_their_cell():
    row = {"board": "b", "system": "x", "flags": ["</div><script>alert(1)</script>\x1b[2J", "two"], "rank": 1}
    content = {"boards": [{"board": "b", "title": "B", "rows": 1}], "rows": [row], "task_version": 1, "floors": {}}
    static = index_page(content).partition('<script type="application/json"')[0]
    assert static.count('<div class="flag"><strong>Note:</strong>') == 2
    assert "<script>alert" not in static
    assert "\x1b" not in static
