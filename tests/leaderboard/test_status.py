"""The same status on every way into a run: lm_eval, recipe-mpr run, Python, adapter or merged."""

import json
import shutil

import pytest
import torch
from transformers import AutoModelForCausalLM

from leaderboard.build import FILES
from leaderboard.commands.add import find_checkpoints
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.plugin import MODEL_KEY, TRAINING_KEY
from recipe_mpr_task.splits import parts_of, scored_ids
from recipe_mpr_task.tasks import TASKS_PATH
from tests.support.checkpoints import checkpoint, clean_log
from tests.support.commands import recipe_mpr, run_python
from tests.support.fake_runs import rows_of, run_files

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
def test_status_is_the_same_on_every_path(pinned, tmp_path):
    tasks = ["--tasks", "recipe_mpr_test,recipe_mpr_fold0", "--batch_size", "16", "--device", "cpu"]
    own = ["-m", "recipe_mpr_task.cli", "run", "--model", "hf"]
    adapter, merged = peft_arguments(pinned), f"pretrained={pinned / 'merged'}"
    ways = {
        "lm_eval": lambda o: from_command(
            o, "-m", "lm_eval", "run", "--model", "hf", "--model_args", adapter, *tasks),
        "recipe-mpr run": lambda o: from_command(o, *own, "--model_args", adapter, *tasks),
        "merged": lambda o: from_command(o, *own, "--model_args", merged, *tasks),
        "own TaskManager": lambda o: from_python(
            o, model="hf", model_args=adapter, tasks=["recipe_mpr_test", "recipe_mpr_fold0"]),
    }  # fmt: skip
    parts = parts_of("published")
    seen = {*parts.train, *parts.validation} & scored_ids("fold0")
    for name, way in ways.items():
        rows = way(tmp_path / name)
        assert (rows["recipe_mpr_test"].status, rows["recipe_mpr_test"].rank) == ("clean", 1), name
        assert not [flag for flag in rows["recipe_mpr_test"].flags if not flag.startswith("answers ")], name
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
def test_what_cannot_be_known_is_unknown_never_clean(pinned, tmp_path):
    from lm_eval.models.huggingface import HFLM

    def row(name, **arguments):
        return from_python(tmp_path / name, tasks=["recipe_mpr_test"], **arguments)["recipe_mpr_test"]

    assert row("base", model="hf", model_args=f"pretrained={pinned / 'base'}").status == "unknown"
    # A model that was handed over may have any weights, whatever folder it names.
    loaded = _loaded(pinned)
    in_memory = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=16)
    for name, model in (("object", loaded), ("in memory", in_memory)):
        found = row(name, model=model)
        assert (found.status, "handed over as an object" in found.reason) == ("unknown", True), name

    class Other(HFLM):
        """A user's own class: nobody knows what it loads."""

    other = Other(pretrained=str(pinned / "merged"), device="cpu", batch_size=16)
    assert row("own class", model=other).status == "unknown"


@pytest.mark.real_data
@pytest.mark.exploit
def test_arguments_that_load_something_else_are_named(pinned, tmp_path):
    """A tokenizer from elsewhere, and pickled weights beside the hashed ones: no manifest speaks of either."""
    shutil.copytree(pinned / "base", tmp_path / "tokenizer")
    for name, more in (("tokenizer", f"tokenizer={tmp_path / 'tokenizer'}"), ("pickle", "use_safetensors=False")):
        arguments = f"pretrained={pinned / 'merged'},{more}"
        if name == "pickle":
            copy = tmp_path / "merged"
            shutil.copytree(pinned / "merged", copy)
            model = AutoModelForCausalLM.from_pretrained(copy)
            torch.save(model.state_dict(), copy / "pytorch_model.bin")
            arguments = f"pretrained={copy},{more}"
        found = from_python(tmp_path / name, model="hf", model_args=arguments, tasks=["recipe_mpr_test"])
        row = found["recipe_mpr_test"]
        assert (row.status, more.partition("=")[0] in row.reason) == ("unknown", True), row.reason


@pytest.mark.real_data
@pytest.mark.exploit
def test_answers_from_a_shared_cache_are_never_clean(pinned, tiny_qwen, tmp_path, caplog):
    """lm-eval's cache holds no model's name: an honest checkpoint gets the answers of the model before it."""
    tasks, cache = ["recipe_mpr_test"], str(tmp_path / "cache")
    first = from_python(tmp_path / "1", model="hf", model_args=f"pretrained={tiny_qwen}", tasks=tasks, use_cache=cache)
    adapter = peft_arguments(pinned)
    second = from_python(tmp_path / "2", model="hf", model_args=adapter, tasks=tasks, use_cache=cache)
    assert first["recipe_mpr_test"].score == second["recipe_mpr_test"].score, "the cache gave one model's answers twice"
    row = second["recipe_mpr_test"]
    assert (row.status, any("--use_cache" in flag for flag in row.flags)) == ("unknown", True)
    assert any("Use a cache path for each model" in record.message for record in caplog.records)


@pytest.mark.real_data
def test_without_the_hook_nothing_is_recorded_and_nothing_is_clean(pinned, tmp_path):
    tasks = ["--tasks", "recipe_mpr_test", "--batch_size", "16", "--device", "cpu", "--include_path", str(TASKS_PATH)]
    run = ["-m", "lm_eval", "run", "--model", "hf", "--model_args", peft_arguments(pinned), *tasks]
    row = from_command(tmp_path, *run, RECIPE_MPR_AUTOLOAD="0")["recipe_mpr_test"]
    assert (row.status, "no record of the files" in row.reason) == ("unknown", True)


@pytest.mark.real_data
def test_metadata_cannot_vouch_for_another_model(pinned, tmp_path):
    """--metadata reaches the task as model_args do; neither with nor without the hook is it believed."""
    claim = json.dumps({"pretrained": str(pinned / "merged")})
    arguments = ["--model_args", f"pretrained={pinned / 'base'}", "--metadata", claim]
    tasks = ["--tasks", "recipe_mpr_test", "--batch_size", "16", "--device", "cpu"]
    run = ["-m", "lm_eval", "run", "--model", "hf", *arguments, *tasks, "--include_path", str(TASKS_PATH)]
    for switch in ("0", "1"):
        row = from_command(tmp_path / switch, *run, RECIPE_MPR_AUTOLOAD=switch)["recipe_mpr_test"]
        assert row.status == "unknown", switch


@pytest.mark.real_data
def test_what_comes_from_random_weights_is_listed_and_not_ranked(trained, tmp_path):
    for name, arguments in (
        ("base", f"pretrained={trained / 'base'}"),
        ("adapter", peft_arguments(trained)),
        ("merged", f"pretrained={trained / 'merged'}"),
    ):
        found = from_python(tmp_path / name, model="hf", model_args=arguments, tasks=["recipe_mpr_test"])
        row = found["recipe_mpr_test"]
        assert (row.status, row.rank, row.score.n) == ("excluded", None, 50), name
        assert row.reason.startswith("made from random weights"), name


@pytest.mark.real_data
def test_finetune_then_add(pinned, tmp_path):
    trained, site = pinned, tmp_path / "site"
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
    """A tuned model as a base: with its manifest its items count, without one nothing does as unseen."""
    site, bare = tmp_path / "site", tmp_path / "bare"
    shutil.copytree(pinned / "merged", bare)
    (bare / "recipe_mpr_training.json").unlink()
    for split, base in (("published", bare), ("fold0", pinned / "merged")):
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


def flagged(flags, log=None):
    """Edits of a faked run: what evaluation logged of seen items, and of the model."""

    def edit_samples(samples):
        for sample, flag in zip(samples, flags, strict=False):
            sample["doc"]["seen_in_training"] = flag

    return {"edit_samples": edit_samples, "edit_results": lambda results: results.update(log or {})}


def status_of(folder, **run):
    run_files(folder, **run)
    (row,) = rows_of(folder)
    return row


def test_logged_flags_decide_and_partly_known_is_unknown(tmp_path):
    log = clean_log()
    assert status_of(tmp_path / "clean", **flagged([0] * 60, log)).status == "clean"
    assert status_of(tmp_path / "partly", **flagged([0] * 59, log)).status == "unknown"
    row = status_of(tmp_path / "one", **flagged([0] * 59 + [1], log))
    assert (row.status, row.extra["clean_subset"]["n"]) == ("overlap", 59)
    row = status_of(tmp_path / "api", model="local-completions", **flagged([0] * 60, log))
    assert (row.status, "not traced" in row.reason) == ("unknown", True)


UNACCOUNTED = {
    "nothing is recorded": (lambda r: [r.pop(MODEL_KEY), r.pop(TRAINING_KEY)], "no record of the files"),
    "handed over": (lambda r: r[MODEL_KEY].update(handed_over=True), "handed over as an object"),
    "not said how it was made": (lambda r: r[MODEL_KEY].pop("handed_over"), "handed over as an object"),
    "other files": (lambda r: r[MODEL_KEY]["files"].update({"peft/x.json": "3" * 64}), "files that were loaded"),
    "a base of other files": (
        lambda r: r[MODEL_KEY]["files"].update({"pretrained/model.safetensors": "3" * 64}), "files that were loaded"),
    "no files": (lambda r: r[MODEL_KEY].update(files={}), "files that were loaded"),
    "a base that nobody knows": (lambda r: r[TRAINING_KEY].update(base_known=False), "mine"),
    "a base that is not spoken of": (lambda r: r[TRAINING_KEY].pop("base_known"), "mine"),
    "no split": (lambda r: r[TRAINING_KEY].pop("split"), "its log says"),
    "a cache": (lambda r: r["config"].update(use_cache="/tmp/cache"), "--use_cache"),
    "a cache by the model's record": (lambda r: r[MODEL_KEY].update(request_cache=True), "--use_cache"),
    "not said whether a cache was used": (lambda r: r[MODEL_KEY].pop("request_cache"), "--use_cache"),
    **{
        f"argument {name}={value!r}": (
            lambda r, n=name, v=value: r["config"]["model_args"].update({n: v}), f"{name}={value}")
        for name, value in (("tokenizer", "org/other"), ("use_safetensors", "False"), ("use_safetensors", False),
                            ("subfolder", "x"), ("gguf_file", "x.gguf"), ("trust_remote_code", True),
                            ("delta", "org/delta"), ("subfolder", "null"), ("delta", "None"), ("tokenizer", "none"),
                            ("trust_remote_code", "null"), ("trust_remote_code", "False"), ("use_safetensors", "True"),
                            ("chat_template_args", {"chat_template": "soup is B"}), ("autogptq", True),
                            ("attn_implementation", "org/kernel"), ("new_in_a_later_release", 1))
    },
}  # fmt: skip


@pytest.mark.exploit
@pytest.mark.parametrize("case", UNACCOUNTED, ids=str)
def test_what_is_not_accounted_for_is_never_clean(tmp_path, case):
    edit, words = UNACCOUNTED[case]
    run = flagged([0] * 60, clean_log())
    edits = lambda results: [run["edit_results"](results), edit(results)]  # noqa: E731
    row = status_of(tmp_path, **run | {"edit_results": edits})
    assert (row.status, words in row.reason) == ("unknown", True), row.reason


ACCOUNTED = (
    {"dtype": "bfloat16", "batch_size": 8}, {"use_safetensors": True}, {"load_in_4bit": True}, {"tokenizer": None},
    {"max_length": 1024, "enable_thinking": False}, {"device_map": "auto"}, {"chat_template_args": {"thinking": True}},
)  # fmt: skip


@pytest.mark.honest
@pytest.mark.parametrize("arguments", ACCOUNTED, ids=str)
def test_arguments_that_are_accounted_for_leave_a_run_clean(tmp_path, arguments):
    run = flagged([0] * 60, clean_log())
    edits = lambda results: [run["edit_results"](results), results["config"]["model_args"].update(arguments)]  # noqa: E731
    assert status_of(tmp_path, **run | {"edit_results": edits}).status == "clean"


@pytest.mark.real_data
def test_fold_runs_of_one_system_pool_though_each_has_weights_of_its_own(tmp_path):
    for k in range(5):
        log = clean_log(f"fold{k}", weights={"adapter_model.safetensors": f"{k}" * 64})
        edits = {"name": f"/x/fold{k}", "date": float(k + 1)} | flagged([0] * 100, log)
        run_files(tmp_path / f"fold{k}", f"recipe_mpr_fold{k}", **edits)
    (row,) = rows_of(tmp_path)
    assert (row.system, row.status, row.score.n, row.rank) == ("mine (org/base)", "clean", 500, 1)


@pytest.mark.real_data
def test_folds_from_random_weights_are_one_row_without_a_rank(tmp_path):
    for k in range(5):
        log = clean_log(f"fold{k}", random_weights=True, base_model="random:tiny")
        run_files(tmp_path / f"fold{k}", f"recipe_mpr_fold{k}", date=k + 1.0, **flagged([0] * 100, log))
    (row,) = rows_of(tmp_path)
    assert (row.status, row.score.n, row.rank) == ("excluded", 500, None)
    assert row.reason.startswith("made from random weights")
