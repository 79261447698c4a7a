"""Trackers that transformers logs to: none by default, none that changes a run, and one line where one is missing."""

import json
from importlib.util import find_spec

import pytest
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from finetune.recipe import TRACKERS, RecipeError, load_recipe
from finetune.run import check
from finetune.setup import arguments_for
from recipe_mpr_task.provenance import seen_by
from tests.support.commands import recipe_mpr
from tests.support.needs import skip
from tests.support.training import FILES, assert_same, files_in, sample_run, weights

pytestmark = pytest.mark.timeout(600)
RUN = ["run", "--model", "recipe-mpr-baseline", "--model_args", "kind=first", "--tasks", "recipe_mpr_sample"]


def test_nothing_is_logged_unless_asked_for_and_transformers_knows_every_tracker(tmp_path):
    recipe = load_recipe("tiny_lora", [f"out={tmp_path}", "split=sample", "dtype=float32"])
    assert arguments_for(recipe, 1).report_to == []
    assert load_recipe("tiny_lora", ["report_to=none"]).report_to == ()
    assert load_recipe("tiny_lora", ["report_to=tensorboard,wandb"]).report_to == ("tensorboard", "wandb")
    assert load_recipe("tiny_lora", ["report_to=[wandb]"]).report_to == ("wandb",)
    assert set(TRACKERS) <= set(INTEGRATION_TO_CALLBACK)
    with pytest.raises(RecipeError, match=r"report_to\.0: .*'tensorboard'.*\(got 'all'\)"):
        load_recipe("tiny_lora", ["report_to=all"])


def test_trackers_are_not_part_of_a_recipe():
    """Seeds with and without a tracker are one recipe, and a run is the same system."""
    plain, tracked = load_recipe("tiny_lora"), load_recipe("tiny_lora", ["report_to=wandb"])
    assert plain.family("base") == tracked.family("base")
    assert plain.system("base") == tracked.system("base")


def test_a_tracker_that_is_missing_is_told_in_one_line(tmp_path):
    missing = next(name for name in TRACKERS if not find_spec(name))
    recipe = load_recipe("tiny_lora", [f"out={tmp_path / 'run'}", "split=sample", f"report_to={missing}"])
    with pytest.raises(RecipeError) as error:
        check(recipe)
    assert str(error.value) == f"report_to={missing} needs a package: pip install {TRACKERS[missing]}"
    assert not (tmp_path / "run").exists()


@pytest.mark.integration
def test_tensorboard_has_the_curves_and_changes_nothing(tmp_path, micro):
    if not find_spec("tensorboard"):
        skip("tensorboard is not installed: pip install -e '.[trackers]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    plain = sample_run(tmp_path / "plain", micro, "epochs=2")
    tracked = sample_run(tmp_path / "tracked", micro, "epochs=2", "report_to=tensorboard")
    assert_same(weights(tmp_path / "plain"), weights(tmp_path / "tracked"))
    assert (tracked.family, tracked.system) == (plain.family, plain.system)
    more = files_in(tmp_path / "tracked") - FILES
    assert more and all(name.startswith("tensorboard/events.out.tfevents") for name in more)
    logged = EventAccumulator(str(tmp_path / "tracked" / "tensorboard")).Reload()
    assert {"train/loss", "train/learning_rate", "eval/accuracy", "eval/cross_entropy"} <= {*logged.Tags()["scalars"]}
    steps = {entry["step"]: entry["eval_accuracy"] for entry in tracked.history if "eval_accuracy" in entry}
    assert {event.step: pytest.approx(event.value) for event in logged.Scalars("eval/accuracy")} == steps
    told = seen_by({"pretrained": str(tmp_path / "tracked" / "base"), "peft": str(tmp_path / "tracked")})
    assert told.manifest is not None, "the logs beside the checkpoint are none of its files"


@pytest.mark.integration
def test_wandb_offline_starts_a_run_of_its_own_for_each_training(tmp_path, micro, monkeypatch):
    wandb = pytest.importorskip("wandb")

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    for k in range(2):
        sample_run(tmp_path / f"run{k}", micro, "epochs=1", "report_to=wandb")
        assert wandb.run is None
        assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == k + 1


@pytest.mark.integration
@pytest.mark.parametrize("package", ["wandb", "trackio"])
def test_a_tracker_of_lm_eval_that_is_missing_is_told_before_anything_is_scored(tmp_path, package):
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    done = recipe_mpr(*RUN, f"--{package}_args", "project=x", "--output_path", str(tmp_path / "none"))
    assert done.returncode == 2
    assert f"--{package}_args needs the package {package}; run `pip install {package}`" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.integration
def test_lm_evals_own_trackers_go_through_run_and_change_no_result(tmp_path):
    pytest.importorskip("wandb")
    told = {}
    for name, more in (("plain", []), ("tracked", ["--wandb_args", "project=x,mode=offline"])):
        done = recipe_mpr(*RUN, *more, "--log_samples", "--output_path", str(tmp_path / name), WANDB_DIR=str(tmp_path))
        assert done.returncode == 0, done.stderr[-2000:]
        (results,) = (tmp_path / name).rglob("results_*.json")
        raw = json.loads(results.read_text())
        told[name] = {key: raw[key] for key in ("config", "configs", "results", "recipe_mpr_model")}
    assert told["plain"] == told["tracked"]
    assert list((tmp_path / "wandb").glob("offline-run-*"))
