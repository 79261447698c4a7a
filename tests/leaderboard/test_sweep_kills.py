"""Sweeps as processes: killed and started again, interrupted, failing; with real lm_eval runs on the sample."""

import json
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tests.support.commands import recipe_mpr, run_python

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def write(path, models, **keys):
    path.write_text(yaml.safe_dump({"models": models, "tasks": ["recipe_mpr_sample"], **keys}))
    return str(path)


@pytest.mark.slow
def test_twelve_cells_survive_three_kills(tiny_qwen, tmp_path):
    """No result is lost or made twice, and the site is the same as without kills."""
    baselines = [{"baseline": kind} for kind in ("random", "first", "longest", "tfidf", "bm25")]
    more = [{"baseline": "random", "model_args": {"seed": seed}} for seed in (1, 2)]
    causal = {"model": "hf", "model_args": {"pretrained": str(tiny_qwen)}, "shots": [0, 1, 2], "seeds": [1, 2]}
    sweep = write(tmp_path / "sweep.yaml", [*baselines, *more, causal])
    done = run_python("-m", "benchmarks.sweep", sweep, "--kills", "3", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "12 results; faults: none" in done.stdout, done.stdout


def test_an_interrupted_sweep_goes_on_and_a_failed_cell_does_not_stop_it(tmp_path):
    """SIGINT or SIGTERM ends all workers at once: exit code 130. A failed cell: exit code 1 and its last line."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text(json.dumps({"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}))
    models = [
        {"baseline": "first"},
        {"model": "hf", "model_args": {"pretrained": str(broken)}},
        {"baseline": "longest"},
    ]
    sweep, out = write(tmp_path / "sweep.yaml", models), tmp_path / "out"
    arguments = [sys.executable, "-m", "recipe_mpr_task.cli", "sweep", sweep, "--out", str(out), "--jobs", "1"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(out.glob("runs/first*/*/results_*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    # A test run in the background can ignore SIGINT, and so do its processes.
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    process.send_signal(signal.SIGTERM if is_ignored else signal.SIGINT)
    started = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, time.monotonic() - started < 10) == (130, True), errors
    assert "stopped; 1 of 3 cells are done. To continue, run the same command again." in errors
    (before,) = out.glob("runs/*/*/results_*")

    done = recipe_mpr("sweep", sweep, "--out", str(out))
    assert done.returncode == 1, done.stderr
    assert "2 done" not in done.stdout and "1 there, 1 done, 1 failed" in done.stdout, done.stdout
    (failed,) = [text for text in done.stderr.splitlines() if text.startswith("failed: ")]
    assert "broken recipe_mpr_sample: " in failed and "(log: " in failed
    assert before.exists() and len(list(out.glob("runs/*/*/results_*"))) == 2
    rows = json.loads((out / "site" / "leaderboard.json").read_text())["rows"]
    assert {row["system"] for row in rows if row["kind"] == "baseline"} == {"first", "longest"}


def test_dry_run_runs_nothing(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", [{"baseline": "first"}], tasks=["recipe_mpr_sample", "recipe_mpr_generate"])
    done = recipe_mpr("sweep", sweep, "--out", str(tmp_path / "out"), "--dry-run")
    assert (done.returncode, [path.name for path in tmp_path.iterdir()]) == (0, ["sweep.yaml"])
    assert "2 cells: 1 waiting, 1 refused" in done.stdout
