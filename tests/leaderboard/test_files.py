"""Files of any kind below a folder of runs: unreadable files are named with a remedy, the others are kept."""

import contextlib
import os
import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from leaderboard.build import build
from leaderboard.commands.compare import compare
from leaderboard.commands.import_predictions import import_
from leaderboard.load import results as load_files
from recipe_mpr_task.errors import CheckpointError, RecipeMPRError
from recipe_mpr_task.files import read_regular
from recipe_mpr_task.manifest import FILE_NAME, read_manifest
from tests.support.fake_runs import run_files
from tests.support.in_process import built
from tests.support.odd_files import sparse
from tests.support.run_edits import CHEAT
from tests.support.tables import HONEST, Table

pytestmark = [pytest.mark.exploit, pytest.mark.usefixtures("own_cache")]


GROWS = Path("/proc/self/status")


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
    "link to nothing": (results_are(lambda p: p.symlink_to("none")), "a broken link"),
    "link to itself": (results_are(loop), "symbolic link"),
    "folder": (results_are(lambda p: p.mkdir()), "a folder, not a regular file"),
    "link to a folder": (results_are(lambda p: p.symlink_to("/")), "a folder, not a regular file"),
    "6 GB": (results_are(lambda p: sparse(p, 6 * 10**9)), "6,000,000,000 bytes; at most"),
    "record of 6 GB": (results_are(lambda p: sparse(p, 6 * 10**9), "a.record.json"), "bytes; at most"),
    "name that is not UTF-8": (lambda f: run_files(f / os.fsdecode(b"\xff\xfe")), r"\xff\xfe/"),
    "file name that is not UTF-8": (
        results_are(lambda p: p.write_text("{}"), os.fsdecode(b"results_\xff.json")), "not UTF-8; rename the file"),
    "samples: pipe": (samples_are(os.mkfifo), "a pipe, not a regular file"),
    "samples: device": (samples_are(lambda p: p.symlink_to("/dev/zero")), "a device, not a regular file"),
    "samples: link to itself": (samples_are(loop), "symbolic link"),
    "samples: link to nothing": (samples_are(lambda p: p.symlink_to("none")), "a broken link"),
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
    with pytest.raises(CheckpointError, match="is not a valid training manifest"):
        read_manifest(tmp_path)


@pytest.mark.skipif(not GROWS.is_file(), reason=f"no {GROWS}")
def test_a_file_that_grows_beyond_its_size_is_not_read_on():
    """The size of files in /proc is 0 before they are read."""
    assert GROWS.stat().st_size == 0
    with pytest.raises(OSError, match="more than the allowed 10 bytes"):
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
    assert "skipped runs/closed: cannot be listed: Permission denied; run chmod u+rX" in line


def test_a_folder_of_links_to_folders_alone_says_what_to_name(runs, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "one").symlink_to(runs)
    with pytest.raises(RecipeMPRError, match="contains only links to folders, such as one; pass their targets"):
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
    assert "evaluate again with --log_samples; if the results file is a link, link its folder instead" in line


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
    assert re.search(r"recipe_mpr_x49 and 4950 more is not part of this release", last)
    assert len(table.rows) == 51


def test_dense_samples_do_not_swell(tmp_path, monkeypatch):
    monkeypatch.setattr(load_files, "MOST_VALUES", 5000)
    samples_are(lambda p: p.write_text('{"a": [' + "[]," * 10_000 + "0]}"))(tmp_path / "runs")
    assert "or 5,000 values" in Table(tmp_path / "runs").skipped[0]
