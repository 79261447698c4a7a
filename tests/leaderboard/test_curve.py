"""Curves over checkpoints: every kept one is scored, and only the one that training selected has a result."""

import json
import shutil

import pytest

from leaderboard.collect import read_rows
from leaderboard.curve import Point, point_of, pooled, table, write_curve
from leaderboard.rank.boards import build_boards
from leaderboard.rank.row_parts import Score
from recipe_mpr_task.errors import CheckpointError, RecipeMPRError
from recipe_mpr_task.manifest import KEPT, TRAINING_KEY, read_manifest
from recipe_mpr_task.provenance import seen_by
from recipe_mpr_task.trained_checkpoints import find_checkpoints, kept_checkpoints
from tests.support.checkpoints import arguments_for, checkpoint
from tests.support.fake_runs import run_files
from tests.support.tables import Table

MARK = "step 3, not step 6, which was selected on validation"
HISTORY = ({"step": 3, "eval_accuracy": 0.4, "eval_cross_entropy": 1.5}, {"step": 6, "eval_accuracy": 0.5})
SYSTEM = {"system": "a" * 64, "recipe_name": "mine", "base_model": "org/base", "form": "adapter", "split": "published"}


def trained(folder, **changes):
    """Write a finished training whose step 6 was selected, and which kept step 3."""
    own = {"recipe": {"keep_checkpoints": True}, "history": HISTORY} | changes
    checkpoint(folder, step=6, **own)
    (folder / KEPT).mkdir()
    checkpoint(folder / KEPT / "step-3", b"others", step=3, unselected=MARK, **own)
    shutil.rmtree(folder / KEPT / "step-3-base")
    return folder


def runs(folder):
    """Write the runs of a training's checkpoints on the sample; the one that was not selected is better."""
    for name, skill, mark in (("selected", 0.5, {}), ("other", 1.0, {"unselected": MARK})):
        told = {TRAINING_KEY: SYSTEM | {"step": 6} | mark}
        run_files(folder / name, skill=skill, edit_results=lambda results, told=told: results.update(told))


def test_kept_checkpoints_are_found_and_have_names_of_their_own(tmp_path):
    (selected,) = find_checkpoints(trained(tmp_path / "run"))
    (kept,) = kept_checkpoints(selected)
    assert (kept.manifest.step, kept.folder.name) == (3, "step-3")
    assert kept.key.endswith("-step-3")
    assert kept.key != selected.key
    assert kept.model("hf")[1]["peft"].endswith("kept/step-3")


def test_a_training_without_kept_checkpoints_says_what_to_do(tmp_path):
    (plain,) = find_checkpoints(checkpoint(tmp_path / "plain"))
    with pytest.raises(CheckpointError, match="train with keep_checkpoints=true"):
        kept_checkpoints(plain)
    (selected,) = find_checkpoints(trained(tmp_path / "run"))
    checkpoint(selected.folder / KEPT / "step-9", step=9, unselected=MARK, system="b" * 64)
    shutil.rmtree(selected.folder / KEPT / "step-9-base")
    with pytest.raises(CheckpointError, match="step-9: not a checkpoint of the training"):
        kept_checkpoints(selected)


def test_names_of_runs_stay_those_of_older_manifests(tmp_path):
    """What was scored before this release is not scored again."""
    older = find_checkpoints(checkpoint(tmp_path / "run"))[0]
    path = tmp_path / "run" / "recipe_mpr_training.json"
    raw = {k: v for k, v in json.loads(path.read_text()).items() if k not in ("step", "unselected")}
    path.write_text(json.dumps(raw))
    assert find_checkpoints(tmp_path / "run")[0].key == older.key
    assert '"unselected"' not in json.dumps(raw)


def test_the_mark_goes_into_results_also_if_files_were_changed(tmp_path):
    kept = trained(tmp_path / "run") / KEPT / "step-3"
    base = {"pretrained": str(tmp_path / "run-base"), "peft": str(kept)}
    assert seen_by(base).summary()["unselected"] == MARK
    (kept / "adapter_config.json").write_text('{"r": 1}')
    changed = seen_by(base)
    assert (changed.manifest, changed.summary()["unselected"]) == (None, MARK)
    assert not seen_by(arguments_for(tmp_path / "run")).summary()["unselected"]


def test_an_unselected_checkpoint_has_no_result_wherever_its_run_lies(tmp_path):
    runs(tmp_path / "runs")
    shutil.copytree(tmp_path / "runs" / "other", tmp_path / "elsewhere" / "mine")
    for folder in (tmp_path / "runs", tmp_path / "elsewhere"):
        table_of = Table(folder)
        other = [row for row in table_of.rows if row.training and row.training.unselected]
        assert [(row.rank, row.status, row.score.acc) for row in other] == [(None, "excluded", None)]
        assert MARK in other[0].reason and "selects on the test items" in other[0].reason
        assert sum(row.rank is not None for row in table_of.rows) == (folder.name == "runs")


def test_the_row_counts_the_checkpoints_beside_it(tmp_path):
    runs(tmp_path / "runs")
    boards = build_boards(read_rows([tmp_path / "runs"])[0])
    (row,) = [row for board in boards for row in board.rows if row.rank]
    assert row.tries is not None
    assert "1 other checkpoint of this training was scored but not selected" in row.tries.text
    assert row.tries.checkpoints == 1


def test_a_point_has_both_accuracies_of_its_step(tmp_path):
    run = trained(tmp_path / "run")
    run_files(tmp_path / "scored", skill=0.5)
    manifest = read_manifest(run / KEPT / "step-3")
    point = point_of(manifest, tmp_path / "scored", "recipe_mpr_sample")
    assert (point.step, point.selected, point.held_out.n) == (3, False, 60)
    assert (point.validation_accuracy, point.validation_cross_entropy) == (0.4, 1.5)
    with pytest.raises(RecipeMPRError, match="no evaluation on recipe_mpr_test can be read"):
        point_of(manifest, tmp_path / "scored", "recipe_mpr_test")


def points():
    made = []
    for split, chosen in (("fold0", 2), ("fold1", 4)):
        made += [Point(split, step, step == chosen, Score.of(10 * step, 100), 0.1 * step, 1.0) for step in (2, 4)]
    return [*made, Point("fold1", 6, False, Score.of(90, 100))]


def test_folds_are_pooled_at_the_steps_that_all_have():
    both = pooled(points())
    assert [(point.step, point.held_out) for point in both] == [(2, Score.of(40, 200)), (4, Score.of(80, 200))]
    assert both[0].validation_accuracy == pytest.approx(0.2)
    assert pooled(points()[:2]) == []


def test_the_files_have_all_points_the_mark_and_the_warning(tmp_path):
    written = [path.name for path in write_curve(points(), tmp_path, "mine (org/base)")]
    assert written == ["curve.json", "curve.txt", "curve.svg", "curve.png"]
    content = json.loads((tmp_path / "curve.json").read_text())
    assert "selection on the test" in content["warning"]
    assert len(content["points"]) == 7
    assert content["points"][0]["held_out"]["low"] < 0.2 < content["points"][0]["held_out"]["high"]
    assert (tmp_path / "curve.txt").read_text().count("selected; this step is on the leaderboard") == 2
    assert table(points()[:1]).splitlines()[0].split()[:2] == ["Step", "Held"]
    assert (tmp_path / "curve.svg").read_text().count("<svg") == 1
