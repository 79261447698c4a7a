"""Kept checkpoints: those that were not selected stay, marked, and are scored as a curve."""

import json
import shutil

import pytest
from safetensors.torch import load_file

from finetune.recipe import load_recipe
from finetune.run import check, train_all
from recipe_mpr_task.manifest import KEPT, read_manifest
from recipe_mpr_task.models.encoder import EncoderLM
from recipe_mpr_task.provenance import seen_by
from recipe_mpr_task.trained_checkpoints import find_checkpoints, kept_checkpoints
from tests.support.commands import recipe_mpr
from tests.support.training import FILES, assert_same, files_in, sample_run, weights

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def run(tmp_path_factory, micro):
    """A finished run of three epochs on the sample that keeps all, and the same run that does not."""
    folder = tmp_path_factory.mktemp("kept")
    sample_run(folder / "plain", micro)
    sample_run(folder / "run", micro, "keep_checkpoints=true")
    return folder


def test_keeping_changes_neither_the_selected_weights_nor_the_system(run):
    plain, kept = read_manifest(run / "plain"), read_manifest(run / "run")
    assert_same(weights(run / "plain"), weights(run / "run"))
    assert (plain.system, plain.family, plain.step) == (kept.system, kept.family, kept.step)
    assert files_in(run / "plain") == FILES
    more = {name.partition("/")[0] for name in files_in(run / "run") - FILES}
    assert more == {KEPT}, "neither optimizer states nor the trainer's folders stay"


def test_each_kept_checkpoint_is_marked_and_its_items_are_known(run):
    selected = find_checkpoints(run / "run")[0]
    kept = kept_checkpoints(selected)
    steps = {one.manifest.step for one in kept}
    evaluated = {entry["step"] for entry in selected.manifest.history if "eval_accuracy" in entry}
    assert (len(steps), steps | {selected.manifest.step}) == (2, evaluated)
    for one in kept:
        told = seen_by(one.model("hf")[1])
        assert told.manifest is not None, told.reason
        assert (told.ids, told.is_all) == (selected.manifest.seen_ids, True)
        assert told.summary()["unselected"].startswith(f"step {one.manifest.step}, not step {selected.manifest.step}")
        assert load_file(one.folder / "adapter_model.safetensors").keys() == weights(run / "run").keys()


def test_a_run_that_is_resumed_keeps_all_checkpoints(run, tmp_path, micro, monkeypatch):
    from finetune.step_trainer import StepTrainer

    class Killed(BaseException):
        pass

    original = StepTrainer.training_step

    def dying(self, *args, **kwargs):
        if self.state.global_step == 8:
            raise Killed
        return original(self, *args, **kwargs)

    monkeypatch.setattr(StepTrainer, "training_step", dying)
    with pytest.raises(Killed):
        sample_run(tmp_path / "run", micro, "keep_checkpoints=true")
    monkeypatch.undo()
    sample_run(tmp_path / "run", micro, "keep_checkpoints=true", resume=True)
    assert files_in(tmp_path / "run") == files_in(run / "run")
    for path in (tmp_path / "run" / KEPT).glob("*/adapter_model.safetensors"):
        assert_same(load_file(path), load_file(run / "run" / path.relative_to(tmp_path / "run")))


def test_an_encoders_kept_checkpoints_can_be_scored(tmp_path):
    out = tmp_path / "run"
    more = [f"out={out}", "split=sample", "epochs=2", "select=last", "dtype=float32", "refit=false", "negation=0.5"]
    recipe = load_recipe("minilm_bi_encoder", ["model=random:tiny_roberta", "keep_checkpoints=true", *more])
    check(recipe)
    list(train_all(recipe))
    (kept,) = kept_checkpoints(find_checkpoints(out)[0])
    backend, arguments = kept.model("hf")
    assert backend == "recipe-mpr-encoder"
    assert EncoderLM(**arguments, device="cpu").head_name == "bi_encoder"
    told = seen_by(arguments)
    assert told.manifest is not None, told.reason
    assert "which was selected as the last" in told.summary()["unselected"]


def test_add_scores_every_checkpoint_once_and_only_the_selected_one_has_a_row(run, tmp_path):
    site = tmp_path / "site"
    command = ["add", str(run / "run"), "--site", str(site), "--all-checkpoints"]
    done = recipe_mpr(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("recipe_mpr_sample ... ") == 3
    assert "Do not choose a checkpoint by this curve" in done.stdout
    (folder,) = (site / "curves").iterdir()
    points = json.loads((folder / "curve.json").read_text())["points"]
    assert [point["held_out"]["n"] for point in points] == [60] * 3
    assert [point["step"] for point in points if point["selected"]] == [read_manifest(run / "run").step]
    assert all(point["validation_accuracy"] is not None for point in points)
    again = recipe_mpr(*command)
    assert again.stdout.count("already scored") == 3, again.stdout
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(site / "runs", elsewhere)
    assert recipe_mpr("leaderboard", str(elsewhere), "--out", str(tmp_path / "other")).returncode == 0
    for built in (site, tmp_path / "other"):
        rows = json.loads((built / "leaderboard.json").read_text())["rows"]
        others = [row for row in rows if "did not select" in row["reason"]]
        assert [(row["rank"], row["acc"], row["status"]) for row in others] == [(None, None, "excluded")] * 2
        (row,) = [row for row in rows if row["kind"] == "causal" and row not in others]
        assert row["checkpoints"] == 2
        assert "2 other checkpoints of this training were scored but not selected" in row["tries"]


def test_add_of_a_run_that_kept_none_says_how_to_keep_them(run, tmp_path):
    done = recipe_mpr("add", str(run / "plain"), "--site", str(tmp_path / "site"), "--all-checkpoints")
    assert (done.returncode, "train with keep_checkpoints=true" in done.stderr) == (2, True)
    assert not (tmp_path / "site").exists()
    both = recipe_mpr("add", str(run / "run"), "--all-checkpoints", "--tasks", "recipe_mpr")
    assert (both.returncode, "remove --tasks" in both.stderr) == (2, True)
