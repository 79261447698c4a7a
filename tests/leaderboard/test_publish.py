"""A site is replaced in one step, even if a build is killed or several builds run."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from leaderboard.site.publish import publish
from leaderboard.site.write_files import write_files
from recipe_mpr_task.errors import RecipeMPRError
from tests.support.sites import NAMES, site


def marks(out):
    """Return the build that each file of the site belongs to; an incomplete file would differ."""
    current = (out / ".current").resolve()  # asked once: between two looks another build may be published
    found = set()
    for name in NAMES:
        found |= set((current / name).read_text().splitlines())
        assert (out / name.partition("/")[0]).exists()
    return found


def test_the_same_files_are_the_same_build_and_other_files_stay(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    publish(site("one"), tmp_path)
    before = (tmp_path / ".current").readlink()
    publish(site("one"), tmp_path)
    assert (tmp_path / ".current").readlink() == before
    publish([*site("two"), ("exports/x.yaml", "two")], tmp_path)
    assert (tmp_path / "exports" / "x.yaml").read_text() == "two"
    publish(site("three"), tmp_path)
    assert marks(tmp_path) == {"three"}
    assert not (tmp_path / "exports").exists(), "what the new site has not is gone"
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(list((tmp_path / ".builds").iterdir())) == 2, "the build before is kept for those who still read it"


def test_the_build_that_was_current_before_is_the_one_that_is_kept(tmp_path):
    builds = [publish(site(mark), tmp_path) or (tmp_path / ".current").readlink().name for mark in "ABAC"]
    assert {path.name for path in (tmp_path / ".builds").iterdir()} == {builds[2], builds[3]}


def test_a_half_removed_build_is_not_published_again(tmp_path, monkeypatch):
    for mark in "AB":
        publish(site(mark), tmp_path)
    with monkeypatch.context() as killed:
        killed.setattr(shutil, "rmtree", lambda path, **_: [file.unlink() for file in path.rglob("index.html")])
        publish(site("C"), tmp_path)
    publish(site("A"), tmp_path)
    assert marks(tmp_path) == {"A"}


def test_two_files_of_one_name_are_not_written_over_each_other(tmp_path):
    publish(site("old"), tmp_path)
    with pytest.raises(RuntimeError, match=r"two files of the site have the path index\.html"):
        publish([*site("new"), ("index.html", "other")], tmp_path)
    assert marks(tmp_path) == {"old"}


def page(k: int) -> str:
    return f"page {k}"


def page_that_kills_a_worker(k: int, tests: int) -> str:
    if os.getpid() != tests and k % 100 == 50:
        os._exit(9)  # as the system kills a process that takes too much memory
    return page(k)


@pytest.mark.integration
def test_processes_write_what_one_process_writes_even_if_they_are_killed(tmp_path):
    def files(render, *more):
        yield from ((f"pages/{k}.html", partial(render, k, *more)) for k in range(300))
        yield "index.html", "index"

    hashes = [
        write_files(files(page), tmp_path / "one"),
        write_files(files(page), tmp_path / "two", jobs=2),
        write_files(files(page_that_kills_a_worker, os.getpid()), tmp_path / "killed", jobs=3),
    ]
    assert len({*hashes}) == 1
    for folder in ("one", "two", "killed"):
        written = {path.name: path.read_text() for path in (tmp_path / folder).rglob("*.html")}
        assert written == {f"{k}.html": page(k) for k in range(300)} | {"index.html": "index"}
    twice = [("a.html", partial(page, 1)), ("b.html", "b"), ("a.html", partial(page, 2))]
    with pytest.raises(RuntimeError, match=r"two files of the site have the path a\.html"):
        write_files(twice, tmp_path / "twice", jobs=2)


def test_what_is_the_users_is_not_replaced(tmp_path):
    (tmp_path / "folder" / "index.html").mkdir(parents=True)
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "index.html").write_text("mine")
    for other in (tmp_path / "folder", tmp_path / "file"):
        with pytest.raises(RecipeMPRError, match="was not created by this command"):
            publish(site("new"), other)
        assert not (other / ".current").exists(), "nothing was published"
        assert not list((other / ".builds").iterdir()), "nor left behind"
    assert (tmp_path / "file" / "index.html").read_text() == "mine"


def test_concurrent_builds_never_mix(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(publish, site(f"build {k}"), tmp_path) for k in range(12)]:
            done.result()
            assert len(marks(tmp_path)) == 1


@pytest.mark.integration
def test_a_kill_at_any_moment_leaves_a_whole_site(tmp_path):
    publish(site("old", 3), tmp_path)
    program = (
        "import sys; from pathlib import Path; from leaderboard.site.publish import publish\n"
        "from tests.support.sites import site\n"
        "print('go', flush=True)\n"
        "for k in range(10**6): publish(site(f'new {k}', 4000), Path(sys.argv[1]))"
    )
    for wait in (0.0, 0.003, 0.01, 0.02, 0.05, 0.1):
        command = [sys.executable, "-c", program, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        assert len(marks(tmp_path)) == 1
    publish(site("last"), tmp_path)
    assert marks(tmp_path) == {"last"}
    assert not (tmp_path / ".builds" / ".staging").exists()
