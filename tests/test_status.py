"""The same status on every way into a run: lm_eval, recipe-mpr run, Python, adapter or merged."""

import json
import shutil

import pytest

from leaderboard.add import find_checkpoints
from leaderboard.build import FILES
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.plugin import TRAINING_KEY
from recipe_mpr_task.splits import parts_of, scored_ids
from recipe_mpr_task.tasks import TASKS_PATH
from tests.conftest import recipe_mpr, run_python
from tests.fake_runs import rows_of, run_files

pytestmark = pytest.mark.timeout(600)


def from_command(out, *command, **environment):
    """Score through a command; return its rows by task."""
    done = run_python(*command, "--log_samples", "--output_path", str(out), **environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return {row.task: row for row in rows_of(out)}


def from_python(out, **arguments):
    """Score through simple_evaluate with a TaskManager that is told nothing of the model."""
    import lm_eval
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    tracker = EvaluationTracker(output_path=str(out))
    results = lm_eval.simple_evaluate(
        task_manager=TaskManager(include_path=str(TASKS_PATH), include_defaults=False),
        evaluation_tracker=tracker, batch_size=16, bootstrap_iters=0, device="cpu", **arguments,
    )  # fmt: skip
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    return {row.task: row for row in rows_of(out)}


def peft_arguments(trained):
    return f"pretrained={trained / 'base'},peft={trained}"


@pytest.mark.real_data
def test_status_is_the_same_on_every_path(trained, tmp_path):
    tasks = ["--tasks", "recipe_mpr_test,recipe_mpr_fold0", "--batch_size", "16", "--device", "cpu"]
    own = ["-m", "recipe_mpr_task.cli", "run", "--model", "hf"]
    adapter, merged = peft_arguments(trained), f"pretrained={trained / 'merged'}"
    ways = {
        "lm_eval": lambda o: from_command(
            o, "-m", "lm_eval", "run", "--model", "hf", "--model_args", adapter, *tasks),
        "autoload off": lambda o: from_command(
            o, "-m", "lm_eval", "run", "--model", "hf", "--model_args", adapter, *tasks, "--include_path",
            str(TASKS_PATH), RECIPE_MPR_AUTOLOAD="0"),
        "recipe-mpr run": lambda o: from_command(o, *own, "--model_args", adapter, *tasks),
        "merged": lambda o: from_command(o, *own, "--model_args", merged, *tasks),
        "cached": lambda o: from_command(
            o, *own, "--model_args", adapter, *tasks, "--use_cache", str(tmp_path / "cache")),
        "own TaskManager": lambda o: from_python(
            o, model="hf", model_args=adapter, tasks=["recipe_mpr_test", "recipe_mpr_fold0"]),
        "own TaskManager, loaded model": lambda o: from_python(
            o, model=_loaded(trained), tasks=["recipe_mpr_test", "recipe_mpr_fold0"]),
    }  # fmt: skip
    parts = parts_of("published")
    seen = {*parts.train, *parts.validation} & scored_ids("fold0")
    for name, way in ways.items():
        rows = way(tmp_path / name)
        assert (rows["recipe_mpr_test"].status, rows["recipe_mpr_test"].rank) == ("clean", 1), name
        assert rows["recipe_mpr_test"].extra["seen_in_training"] == 0, name
        overlap = rows["recipe_mpr_fold0"]
        assert (overlap.status, overlap.rank) == ("overlap", None), name
        assert overlap.extra["seen_in_training"] == len(seen) / 100, name
        assert overlap.extra["clean_subset"]["n"] == 100 - len(seen), name
        assert f"{len(seen)} of the 100 scored items" in overlap.reason, name


def _loaded(trained):
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(trained / "base"), peft=str(trained), device="cpu", batch_size=16)


@pytest.mark.real_data
def test_what_cannot_be_known_is_unknown_never_clean(trained, tmp_path):
    from lm_eval.models.huggingface import HFLM

    def status(name, **arguments):
        return from_python(tmp_path / name, tasks=["recipe_mpr_test"], **arguments)["recipe_mpr_test"].status

    assert status("base", model="hf", model_args=f"pretrained={trained / 'base'}") == "unknown"
    # Weights handed over in memory may be any weights.
    loaded = _loaded(trained)
    in_memory = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=16)
    assert status("in memory", model=in_memory) == "unknown"

    class Other(HFLM):
        """A user's own class: nobody knows what it loads."""

    other = Other(pretrained=str(trained / "merged"), device="cpu", batch_size=16)
    assert status("own class", model=other) == "unknown"


@pytest.mark.real_data
def test_metadata_cannot_vouch_for_another_model(trained, tmp_path):
    """--metadata reaches the task as model_args do; neither with nor without the hook is it believed."""
    claim = json.dumps({"pretrained": str(trained / "merged")})
    arguments = ["--model_args", f"pretrained={trained / 'base'}", "--metadata", claim]
    tasks = ["--tasks", "recipe_mpr_test", "--batch_size", "16", "--device", "cpu"]
    run = ["-m", "lm_eval", "run", "--model", "hf", *arguments, *tasks, "--include_path", str(TASKS_PATH)]
    for switch in ("0", "1"):
        row = from_command(tmp_path / switch, *run, RECIPE_MPR_AUTOLOAD=switch)["recipe_mpr_test"]
        assert row.status == "unknown", switch


@pytest.mark.real_data
def test_finetune_then_add(trained, tmp_path):
    site = tmp_path / "site"
    done = recipe_mpr("add", str(trained), "--site", str(site))
    assert done.returncode == 0, done.stderr
    key = find_checkpoints(trained)[0].key
    shown = {path.name for path in site.iterdir() if not path.name.startswith(".")}
    assert shown == {"runs", "systems", *FILES}
    logged = sorted(p.name.partition("_20")[0] for p in (site / "runs" / key / "recipe_mpr_test").rglob("*.json*"))
    assert logged == ["results", "samples_recipe_mpr_test"]
    rows = json.loads((site / "leaderboard.json").read_text())["rows"]
    (row,) = [row for row in rows if row["status"] != "reported"]
    manifest = find_checkpoints(trained)[0].manifest
    assert (row["status"], row["rank"], row["n"], row["task"]) == ("clean", 1, 50, "recipe_mpr_test")
    assert row["system"].startswith("tiny_lora (random:")
    assert row["training"]["trainable_parameters"] == manifest.trainable_parameters
    assert str(tmp_path).strip("/").replace("/", "__") not in json.dumps(row), "no path of this machine in the tables"
    again = recipe_mpr("add", str(trained), "--site", str(site), "--tasks", "recipe_mpr_test,recipe_mpr_fold1")
    assert again.returncode == 0, again.stderr
    rows = [r for r in json.loads((site / "leaderboard.json").read_text())["rows"] if r["status"] != "reported"]
    assert sorted((r["task"], r["status"]) for r in rows) == [
        ("recipe_mpr_fold1", "overlap"), ("recipe_mpr_test", "clean")]  # fmt: skip


@pytest.mark.real_data
def test_what_a_base_has_seen_is_not_forgotten(trained, tmp_path):
    """A tuned model as a base: with its manifest its items count, without one nothing does as unseen."""
    site, bare = tmp_path / "site", tmp_path / "bare"
    shutil.copytree(trained / "merged", bare)
    (bare / "recipe_mpr_training.json").unlink()
    for split, base in (("published", bare), ("fold0", trained / "merged")):
        out = tmp_path / f"on-{base.name}"
        done = recipe_mpr("finetune", "tiny_lora", f"model={base}", f"out={out}", "epochs=1", f"split={split}")
        assert done.returncode == 0, done.stderr[-3000:]
        assert ("What it has seen before is unknown" in done.stderr) == (base is bare)
        assert recipe_mpr("add", str(out), "--site", str(site)).returncode == 0
    found = json.loads((site / "leaderboard.json").read_text())["rows"]
    rows = {row["system"]: row for row in found if row["status"] != "reported"}
    assert rows["tiny_lora (bare)"]["status"] == "unknown"
    assert "which had no manifest" in rows["tiny_lora (bare)"]["reason"]
    parts = parts_of("published")
    n_seen = len({*parts.train, *parts.validation} & scored_ids("fold0"))
    assert rows["tiny_lora (merged)"]["status"] == "overlap"
    assert f"{n_seen} of the 100 scored items" in rows["tiny_lora (merged)"]["reason"]


def test_add_refuses_what_it_cannot_vouch_for(tmp_path):
    for path, message in (
        (tmp_path / "none", "no such folder"),
        (tmp_path, "no training manifest"),
    ):
        done = recipe_mpr("add", str(path), "--site", str(tmp_path / "site"))
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "site").exists()


def test_folds_must_be_five_of_one_system(tmp_path):
    from tests.test_manifest import checkpoint

    for k in range(4):
        checkpoint_folder = tmp_path / "run" / f"fold{k}"
        checkpoint_folder.parent.mkdir(exist_ok=True)
        checkpoint(checkpoint_folder, split=f"fold{k}")
    with pytest.raises(CheckpointError, match="not finished: fold4"):
        find_checkpoints(tmp_path / "run")
    checkpoint(tmp_path / "run" / "fold4", split="fold4", system="1" * 64)
    with pytest.raises(CheckpointError, match="not of one recipe"):
        find_checkpoints(tmp_path / "run")


def flagged(flags, record=None):
    """Edits of a faked run: what evaluation logged of seen items."""

    def edit_samples(samples):
        for sample, flag in zip(samples, flags, strict=False):
            sample["doc"]["seen_in_training"] = flag

    return {
        "edit_samples": edit_samples,
        "edit_results": lambda results: results.update({TRAINING_KEY: record} if record else {}),
    }


def test_logged_flags_decide_and_partly_known_is_unknown(tmp_path):
    clean = {"name": "a"} | flagged([0] * 60)
    (row,) = run_files(tmp_path / "clean", **clean) and rows_of(tmp_path / "clean")
    assert row.status == "clean"
    (row,) = run_files(tmp_path / "partly", **flagged([0] * 59)) and rows_of(tmp_path / "partly")
    assert row.status == "unknown"
    (row,) = run_files(tmp_path / "one", **flagged([0] * 59 + [1])) and rows_of(tmp_path / "one")
    assert (row.status, row.extra["clean_subset"]["n"]) == ("overlap", 59)
    (row,) = run_files(tmp_path / "api", model="local-completions", **flagged([0] * 60)) and rows_of(tmp_path / "api")
    assert row.status == "unknown"


@pytest.mark.real_data
def test_fold_runs_of_one_system_pool_though_each_has_weights_of_its_own(tmp_path):
    for k in range(5):
        record = {"system": "a" * 64, "recipe_name": "mine", "base_model": "org/base", "form": "adapter", "reason": "r"}
        record["split"] = f"fold{k}"
        run_files(
            tmp_path / f"fold{k}",
            f"recipe_mpr_fold{k}",
            name=f"/x/fold{k}",
            date=float(k + 1),
            **flagged([0] * 100, record),
        )
    (row,) = rows_of(tmp_path)
    assert (row.system, row.status, row.score.n, row.rank) == ("mine (org/base)", "clean", 500, 1)
