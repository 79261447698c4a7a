"""`recipe-mpr add`: from a finished training run to its row."""

import json
import shutil

import pytest

from leaderboard.build import FILES
from leaderboard.commands.add import find_checkpoints
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.splits import parts_of, scored_ids
from tests.support.checkpoints import checkpoint
from tests.support.commands import recipe_mpr

pytestmark = pytest.mark.timeout(600)


@pytest.mark.real_data
def test_finetune_then_add(pinned, tmp_path):
    trained, site = pinned, tmp_path / "site"
    done = recipe_mpr("add", str(trained), "--site", str(site))
    assert done.returncode == 0, done.stderr
    key = find_checkpoints(trained)[0].key
    shown = {path.name for path in site.iterdir() if not path.name.startswith(".")}
    assert shown == {"runs", "systems", "items", "plots", *FILES}
    logged = sorted(p.name.partition("_20")[0] for p in (site / "runs" / key / "recipe_mpr_test").rglob("*.json*"))
    assert logged == ["results", "samples_recipe_mpr_test"]
    rows = json.loads((site / "leaderboard.json").read_text())["rows"]
    (row,) = [row for row in rows if row["status"] != "reported"]
    manifest = find_checkpoints(trained)[0].manifest
    assert (row["status"], row["rank"], row["n"], row["task"]) == ("clean", 1, 50, "recipe_mpr_test")
    assert row["system"] == "tiny_lora (org/base)"
    assert row["training"]["trainable_parameters"] == manifest.trainable_parameters
    assert str(tmp_path).strip("/").replace("/", "__") not in json.dumps(row), "no path of this machine in the tables"
    again = recipe_mpr("add", str(trained), "--site", str(site), "--tasks", "recipe_mpr_test,recipe_mpr_fold1")
    assert again.returncode == 0, again.stderr
    rows = [r for r in json.loads((site / "leaderboard.json").read_text())["rows"] if r["status"] != "reported"]
    assert sorted((r["task"], r["status"]) for r in rows) == [
        ("recipe_mpr_fold1", "overlap"), ("recipe_mpr_test", "clean")]  # fmt: skip


@pytest.mark.real_data
def test_what_a_base_has_seen_is_not_forgotten(pinned, tmp_path):
    """A tuned base model: its manifest's items count as seen. Without a manifest, no item counts as unseen."""
    site, bare = tmp_path / "site", tmp_path / "bare"
    shutil.copytree(pinned / "merged", bare)
    (bare / "recipe_mpr_training.json").unlink()
    for split, base in (("published", bare), ("fold0", pinned / "merged")):
        out = tmp_path / f"on-{base.name}"
        done = recipe_mpr("finetune", "tiny_lora", f"model={base}", f"out={out}", "epochs=1", f"split={split}")
        assert done.returncode == 0, done.stderr[-3000:]
        assert ("training data of this model are unknown" in done.stderr) == (base is bare)
        assert recipe_mpr("add", str(out), "--site", str(site)).returncode == 0
    found = json.loads((site / "leaderboard.json").read_text())["rows"]
    rows = {row["system"]: row for row in found if row["status"] != "reported"}
    assert rows["tiny_lora (bare)"]["status"] == "unknown"
    assert "whose training data are not recorded" in rows["tiny_lora (bare)"]["reason"]
    parts = parts_of("published")
    n_seen = len({*parts.train, *parts.validation} & scored_ids("fold0"))
    assert rows["tiny_lora (merged)"]["status"] == "overlap"
    assert f"{n_seen} of the 100 scored items" in rows["tiny_lora (merged)"]["reason"]


@pytest.mark.integration
def test_add_refuses_what_it_cannot_vouch_for(tmp_path):
    for path, message in (
        (tmp_path / "none", "no such folder"),
        (tmp_path, "no training manifest"),
    ):
        done = recipe_mpr("add", str(path), "--site", str(tmp_path / "site"))
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "site").exists()


def test_folds_must_be_five_of_one_system(tmp_path):
    for k in range(4):
        checkpoint_folder = tmp_path / "run" / f"fold{k}"
        checkpoint_folder.parent.mkdir(exist_ok=True)
        checkpoint(checkpoint_folder, split=f"fold{k}")
    with pytest.raises(CheckpointError, match="not finished: fold4"):
        find_checkpoints(tmp_path / "run")
    checkpoint(tmp_path / "run" / "fold4", split="fold4", system="1" * 64)
    with pytest.raises(CheckpointError, match="not of one recipe"):
        find_checkpoints(tmp_path / "run")
