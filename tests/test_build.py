"""The build as a whole: the same input gives the same bytes, and what is remembered is never out of date."""

import json

import pytest

from leaderboard import digest
from leaderboard.build import FILES, build
from tests.fake_runs import run_files


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


def test_what_is_remembered_goes_by_content(tmp_path):
    samples = run_files(tmp_path / "run", skill=0.9)
    build([tmp_path / "run"], tmp_path / "out")
    (row,) = [row for row in rows(tmp_path / "out") if row["kind"] != "reported"]
    assert row["rank"] == 1
    (file,) = (tmp_path / "run").glob("samples_*")
    samples[0]["acc"] = 1.0 - samples[0]["acc"]
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    build([tmp_path / "run"], tmp_path / "out")
    (row,) = [row for row in rows(tmp_path / "out") if row["kind"] != "reported"]
    assert (row["rank"], "another accuracy" in row["reason"]) == (None, True)


def test_many_runs_are_checked_by_several_processes_to_the_same_site(tmp_path, monkeypatch):
    for k in range(6):
        run_files(tmp_path / "runs" / str(k), name=f"org/{k}", seed=k, date=float(k + 1))
    build([tmp_path / "runs"], tmp_path / "one")
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(digest, "_FEW", 2)
    build([tmp_path / "runs"], tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert len(list((tmp_path / "other" / "runs").iterdir())) == 6
