"""The whole build: the same input gives the same bytes, and cached rows are never out of date."""

import gc
import json
import os
import time

import pytest

from leaderboard import cache, collect
from leaderboard.build import FILES, build
from leaderboard.commands.build import build_day
from leaderboard.workers import Where
from recipe_mpr_task import file_hashes
from tests.support.fake_runs import run_files


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))


def content(out):
    """Every file of a site."""
    current = out / ".current"
    return {path.relative_to(current).as_posix(): path.read_bytes() for path in current.rglob("*") if path.is_file()}


def rows(out):
    return json.loads((out / "leaderboard.json").read_text())["rows"]


def test_same_bytes_whatever_the_order_of_paths_and_with_or_without_the_cache(tmp_path):
    for k, name in enumerate("abc"):
        run_files(tmp_path / name, name=f"org/{name}", seed=k, date=float(k + 1))
    paths = [tmp_path / name for name in "abc"]
    build(paths, tmp_path / "one", exports=True)
    build(paths[::-1], tmp_path / "two", exports=True)
    first = content(tmp_path / "one")
    assert first == content(tmp_path / "two")
    assert {*FILES, "systems/items.js"} < first.keys()
    assert len([name for name in first if name.startswith("systems/") and name.endswith(".html")]) >= 3
    assert any(name.startswith("exports/every_eval_ever/") for name in first)


def test_a_build_leaves_the_callers_garbage_collector_as_it_was(tmp_path):
    run_files(tmp_path / "run")
    gc.disable()
    try:
        build([tmp_path / "run"], tmp_path / "out")
        assert not gc.isenabled()
    finally:
        gc.enable()
    build([tmp_path / "run"], tmp_path / "out")
    assert gc.isenabled()


class Later:
    """A clock by which every file has settled."""

    @staticmethod
    def time():
        return time.time() + 60


@pytest.mark.parametrize("clock", [time, Later])
def test_a_change_is_seen_that_keeps_a_files_size_and_date(tmp_path, monkeypatch, clock):
    monkeypatch.setattr(file_hashes, "time", clock)
    samples = run_files(tmp_path / "run", skill=0.9)
    (file,) = (tmp_path / "run").glob("samples_*")
    before = file.stat()
    time.sleep(0.1)
    build([tmp_path / "run"], tmp_path / "out")
    (row,) = [row for row in rows(tmp_path / "out") if row["kind"] != "reported"]
    assert row["rank"] == 1
    samples[0]["acc"] = 1.0 - samples[0]["acc"]
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    build([tmp_path / "run"], tmp_path / "out")
    (row,) = [row for row in rows(tmp_path / "out") if row["kind"] != "reported"]
    assert (row["rank"], "another logged accuracy" in row["reason"]) == (None, True)


def test_a_rebuild_reads_no_results_again(tmp_path, monkeypatch):
    monkeypatch.setattr(file_hashes, "time", Later)
    run_files(tmp_path / "run")
    time.sleep(0.1)
    build([tmp_path / "run"], tmp_path / "out")
    first = content(tmp_path / "out")
    for module, reader in ((collect, "runs_of"), (file_hashes, "sha256_of_file")):
        monkeypatch.setattr(module, reader, lambda path, *_: pytest.fail(f"{path} was read again"))
    build([tmp_path / "run"], tmp_path / "out")
    assert content(tmp_path / "out") == first


@pytest.mark.parametrize("junk", [b"", b"{}", b"\xff\n\n"])
def test_a_damaged_cache_is_made_anew(tmp_path, junk):
    run_files(tmp_path / "run")
    build([tmp_path / "run"], tmp_path / "out")
    first = content(tmp_path / "out")
    (kept,) = (tmp_path / "cache" / "runs").iterdir()
    kept.write_bytes(junk)
    build([tmp_path / "run"], tmp_path / "out")
    assert content(tmp_path / "out") == first
    assert kept.stat().st_size > len(junk)


def test_other_code_remembers_nothing_of_what_this_code_made(tmp_path, monkeypatch):
    package = tmp_path / "package"
    package.mkdir()
    monkeypatch.setattr(cache, "files", lambda _: package)
    hashes = set()
    for text in ("one", "two"):
        (package / "a.py").write_text(text)
        cache.code_hash.cache_clear()
        hashes.add(cache.code_hash())
    cache.code_hash.cache_clear()
    assert len(hashes) == 2
    run_files(tmp_path / "run")
    for code in hashes:
        monkeypatch.setattr(cache, "code_hash", lambda code=code: code)
        build([tmp_path / "run"], tmp_path / "out")
    assert len(list((tmp_path / "cache" / "runs").iterdir())) == 2


def test_what_no_build_asks_for_is_forgotten(tmp_path):
    folder = tmp_path / "cache" / "runs"
    folder.mkdir(parents=True)
    for name, days in (("old", 31), ("new", 29)):
        (folder / name).write_text("")
        os.utime(folder / name, (time.time() - days * 24 * 3600,) * 2)
    cache.forget_unused()
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_folders_of_one_name_are_told_apart_in_any_order(tmp_path):
    """Two runs of one system and date, of which one counts: the same one, and each has its page."""
    for k, parent in enumerate("xy"):
        run_files(tmp_path / parent / "runs", skill=0.2 + 0.6 * k, seed=k)
    paths = [tmp_path / "x" / "runs", tmp_path / "y" / "runs"]
    build(paths, tmp_path / "one")
    build(paths[::-1], tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")
    ours = [row for row in rows(tmp_path / "one") if row["kind"] != "reported"]
    assert {row["source"].split("/")[0] for row in ours} == {"x", "y"}
    assert len({row["page"] for row in ours}) == 2


@pytest.mark.integration
def test_many_runs_are_checked_by_several_processes_to_the_same_site(tmp_path, monkeypatch):
    for k in range(6):
        run_files(tmp_path / "runs" / str(k), name=f"org/{k}", seed=k, date=float(k + 1))
    build([tmp_path / "runs"], tmp_path / "one")
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "other"))
    build([tmp_path / "runs"], tmp_path / "two", where=Where(jobs=2))
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert len(list((tmp_path / "other" / "runs").iterdir())) == 6


def test_the_day_of_the_build_can_be_set_for_equal_bytes(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert build_day().isoformat() == "1970-01-02"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
    assert build_day().year >= 2026
