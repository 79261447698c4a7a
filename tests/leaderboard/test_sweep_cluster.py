"""A sweep on a Ray cluster of two nodes, of which one is lost in mid-run; results at an S3 server and what can fail."""

import json
import os
import subprocess
import sys
import time

import pytest
import yaml

from leaderboard.load.remote import RemoteError, copy_folder, fetch, fetched
from leaderboard.sweep.bucket import Bucket
from leaderboard.sweep.storage import open_storage
from tests.support.commands import recipe_mpr
from tests.support.fake_runs import run_files
from tests.support.needs import skip


def results_in(out):
    return list(out.glob("runs/*/*/results_*"))


def both_nodes_run(out):
    """Return whether at least one cell is done, and two more have begun, one on each node."""
    n_done = len(results_in(out))
    return n_done and len(list(out.glob("logs/*.log"))) >= n_done + 2


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(900)
def test_all_cells_finish_once_though_a_node_is_lost(tmp_path):
    try:
        from ray.cluster_utils import Cluster
    except ImportError:
        skip("Ray is not installed: pip install -e '.[cluster]'")
    models = [{"baseline": "random", "model_args": {"seed": seed}} for seed in range(6)]
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({"models": models, "tasks": ["recipe_mpr_sample"]}))
    out = tmp_path / "out"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        second = cluster.add_node(num_cpus=1)
        arguments = ["sweep", str(tmp_path / "sweep.yaml"), "--out", str(out), "--ray", cluster.address]
        process = subprocess.Popen(
            [sys.executable, "-m", "recipe_mpr_task.cli", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 300
        while not both_nodes_run(out) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        cluster.remove_node(second, allow_graceful=False)
        output, errors = process.communicate(timeout=500)
    finally:
        cluster.shutdown()
    assert process.returncode == 0, output + errors
    assert "6 done" in output and "its node was lost; run again" in output, output
    assert len(results_in(out)) == 6, "each result once"
    rows = json.loads((out / "site" / "leaderboard.json").read_text())["rows"]
    assert sum(row["system"] == "random" for row in rows) == 6


def test_a_url_is_read_through_a_copy_that_fetches_only_what_is_new(tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))
    url = "memory://one/runs"
    assert fetch_all(tmp_path, url, 2) == []
    (path,), unread = fetched([url])
    assert path == copy_folder(url) and unread == []
    names = sorted(str(file.relative_to(path)) for file in path.rglob("*_2026*"))
    assert len(names) == 4 and names[0].startswith("run0/results_")
    stamps = {file: file.stat().st_mtime_ns for file in path.rglob("*_2026*")}
    memory().rm(f"/one/runs/run0/{names[0].partition('/')[2]}")
    assert fetch(url, path) == []
    left = {file: file.stat().st_mtime_ns for file in path.rglob("*_2026*")}
    assert len(left) == 3 and left.items() <= stamps.items(), "nothing is fetched again; what is gone is gone"


def memory():
    import fsspec

    return fsspec.filesystem("memory")


def fetch_all(tmp_path, url, n):
    for k in range(n):
        if memory().exists(f"{url}/run{k}"):
            continue
        run_files(tmp_path / f"run{k}", date=float(k + 1))
        memory().put(str(tmp_path / f"run{k}"), f"{url}/run{k}", recursive=True)
    return fetch(url, copy_folder(url))


def test_what_cannot_be_fetched_is_named_and_the_rest_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))
    url = "memory://two/runs"
    fetch_all(tmp_path, url, 1)
    whole = type(memory()).get_file

    def cut(self, path, *more, **keys):
        if "run2" in path and "samples" in path:
            raise OSError("connection reset")
        return whole(self, path, *more, **keys)

    monkeypatch.setattr(type(memory()), "get_file", cut)
    unread = fetch_all(tmp_path, url, 3)
    assert len(unread) == 1 and "run2/samples_" in unread[0] and "connection reset" in unread[0]
    assert len(list(copy_folder(url).rglob("results_*"))) == 3
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("url", "message"),
    [("nope://x/y", "cannot be opened"), ("memory://missing/x", "there is no such bucket")],
)
def test_a_url_that_cannot_be_read_gives_one_line(tmp_path, monkeypatch, url, message):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))
    with pytest.raises(RemoteError, match=message) as error:
        fetch(url, tmp_path / "copy")
    assert "\n" not in str(error.value) and url in str(error.value)


def test_a_result_that_cannot_be_sent_is_kept_and_sent_the_next_time(tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))
    storage = open_storage("memory://three/sweep")
    assert isinstance(storage, Bucket)
    run_files(staged := storage.stage("cell"))
    whole = type(memory()).put_file

    def cut(self, path, to, *more, **keys):
        if "results_" in to:
            raise OSError("connection reset")
        return whole(self, path, to, *more, **keys)

    monkeypatch.setattr(type(memory()), "put_file", cut)
    with pytest.raises(RemoteError, match=r"connection reset.*run the same command to send it"):
        storage.publish(staged, "cell")
    assert not memory().glob("/three/sweep/runs/**/results_*"), "a result counts only with its results file"
    monkeypatch.setattr(type(memory()), "put_file", whole)
    monkeypatch.setattr(type(memory()), "get_file", None)  # what was sent from here is not fetched again
    assert storage.refresh() == []
    assert len(memory().glob("/three/sweep/runs/**/results_*")) == 1
    assert len(list((storage.local / "runs").rglob("results_*"))) == 1
    assert storage.refresh() == []


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(600)
def test_a_sweep_writes_to_s3_and_the_leaderboard_reads_it(tmp_path):
    """Against an S3 server in a process of its own; wrong credentials, missing bucket and no connection: one line."""
    try:
        import moto.server  # noqa: F401
        import s3fs
    except ImportError:
        skip("moto or s3fs is not installed: pip install -e '.[dev]'")
    server, address = s3_server()
    strict, strict_address = s3_server(INITIAL_NO_AUTH_ACTION_COUNT="0")
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    there = keys | {"AWS_ENDPOINT_URL": address, "RECIPE_MPR_CACHE": str(tmp_path / "cache")}
    try:
        s3fs.S3FileSystem(key="a", secret="b", endpoint_url=address).mkdir("bucket")
        sweep = tmp_path / "sweep.yaml"
        sweep.write_text(yaml.safe_dump({"models": [{"baseline": "first"}], "tasks": ["recipe_mpr_sample"]}))
        done = recipe_mpr("sweep", str(sweep), "--out", "s3://bucket/sweep", **there)
        assert (done.returncode, "site: s3://bucket/sweep/site" in done.stdout) == (0, True), done.stdout + done.stderr
        again = recipe_mpr("sweep", str(sweep), "--out", "s3://bucket/sweep", **there)
        assert "1 cell: 1 there" in again.stdout, again.stdout + again.stderr
        other = there | {"RECIPE_MPR_CACHE": str(tmp_path / "other")}
        built = recipe_mpr("leaderboard", "s3://bucket/sweep/runs", "--out", str(tmp_path / "site"), **other)
        assert (built.returncode, "first" in built.stdout) == (0, True), built.stderr
        refused = there | {"AWS_ENDPOINT_URL": strict_address}
        for url, where, reason in (
            ("s3://other/sweep", there, "no such bucket"),
            ("s3://bucket/sweep", refused, "check address, credentials and connection"),
        ):
            fails_in_one_line("sweep", str(sweep), "--out", url, reason=reason, **where)
    finally:
        server.kill()
        strict.kill()
    reason = "check address, credentials and connection"
    runs, site = "s3://bucket/sweep/runs", str(tmp_path / "site2")
    fails_in_one_line("leaderboard", runs, "--out", site, reason=reason, **there)


def s3_server(**environment):
    """Start an S3 server; return its process and its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    return server, next(text.split()[-1] for text in server.stderr if "Running on" in text)


def fails_in_one_line(*arguments, reason, **environment):
    done = recipe_mpr(*arguments, **environment)
    lines = [text for text in done.stderr.splitlines() if text.strip()]
    assert (done.returncode, len(lines)) == (2, 1) and reason in lines[0], done.stdout + done.stderr
