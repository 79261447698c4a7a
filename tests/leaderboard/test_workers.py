"""Runs are checked in this process, in several, or on a Ray cluster: the site is the same, whatever one file does."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from leaderboard.build import build
from leaderboard.commands.build import leaderboard
from leaderboard.workers import Where, check_all
from tests.support.fake_runs import run_files
from tests.support.needs import skip

KILLED = (b"killed", [])


def write_runs(folder: Path) -> None:
    """Write four runs, a results file that is no JSON, and a run whose samples are cut off."""
    for k in range(5):
        run_files(folder / f"run{k}", name=f"org/{k}", seed=k, date=float(k + 1))
    (samples,) = (folder / "run4").glob("samples_*")
    samples.write_text(samples.read_text()[:-300])
    (folder / "run0" / "results_broken.json").write_text('{"results": ')


def site(runs: Path, out: Path, where: Where, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, bytes], list[str]]:
    """Build a site with an empty cache. Return its files by path, and what was skipped."""
    monkeypatch.setenv("RECIPE_MPR_CACHE", f"{out}-cache")
    skipped = build([runs], out, where=where).skipped
    current = out / ".current"
    files = {str(path.relative_to(current)): path.read_bytes() for path in current.rglob("*") if path.is_file()}
    return files, skipped


@pytest.mark.integration
def test_two_processes_give_the_site_of_one_with_broken_files_among_the_runs(tmp_path, monkeypatch):
    write_runs(tmp_path / "runs")
    alone = site(tmp_path / "runs", tmp_path / "alone", Where(jobs=1), monkeypatch)
    assert site(tmp_path / "runs", tmp_path / "two", Where(jobs=2), monkeypatch) == alone
    files, skipped = alone
    assert sum(row["kind"] == "causal" for row in json.loads(files["leaderboard.json"])["rows"]) == 4
    assert len(skipped) == 2
    assert all("JSON" in reason for reason in skipped), skipped


def dies_of_one(keyed):
    file, _ = keyed
    if file.name == "5":
        os._exit(9)  # as the system kills a process that takes too much memory
    return file.name.encode(), []


@pytest.mark.integration
def test_a_killed_process_costs_only_its_file():
    files = [(Path(str(k)), None) for k in range(8)]
    checked = list(check_all(files, dies_of_one, KILLED, Where(jobs=2)))
    assert checked == [KILLED if k == 5 else (str(k).encode(), []) for k in range(8)]


def test_jobs_and_ray_exclude_each_other(tmp_path):
    done = CliRunner().invoke(leaderboard, [str(tmp_path), "--out", "site", "--jobs", "2", "--ray", "auto"])
    assert done.exit_code == 2
    assert "--jobs and --ray cannot be combined" in done.stderr


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(600)
def test_a_cluster_gives_the_site_of_one_process(tmp_path, monkeypatch):
    try:
        from ray.cluster_utils import Cluster
    except ImportError:
        skip("Ray is not installed: pip install -e '.[cluster]'")
    write_runs(tmp_path / "runs")
    alone = site(tmp_path / "runs", tmp_path / "alone", Where(jobs=1), monkeypatch)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        assert site(tmp_path / "runs", tmp_path / "cluster", Where(ray=cluster.address), monkeypatch) == alone
    finally:
        cluster.shutdown()
