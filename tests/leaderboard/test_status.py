"""The same status on every way into a run: lm_eval, recipe-mpr run, Python, adapter or merged."""

import json
import shutil

import pytest
import torch
from transformers import AutoModelForCausalLM

from recipe_mpr_task.splits import parts_of, scored_ids
from recipe_mpr_task.tasks import TASKS_PATH
from tests.support.commands import run_python
from tests.support.fake_runs import rows_of

pytestmark = pytest.mark.timeout(600)


def from_command(out, *command, **environment):
    """Score through a command; return its rows by task."""
    done = run_python(*command, "--log_samples", "--output_path", str(out), **environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return {row.task: row for row in rows_of(out)}


def from_python(out, **arguments):
    """Score through simple_evaluate with a TaskManager that does not get the model's arguments."""
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
        assert rows["recipe_mpr_test"].metrics["seen_in_training"].value == 0, name
        overlap = rows["recipe_mpr_fold0"]
        assert (overlap.status, overlap.rank) == ("overlap", None), name
        assert overlap.metrics["seen_in_training"].value == len(seen) / 100, name
        assert overlap.clean_subset.n == 100 - len(seen), name
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
    # A model that was passed as an object may have any weights, even if it names a folder.
    loaded = _loaded(pinned)
    in_memory = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=16)
    for name, model in (("object", loaded), ("in memory", in_memory)):
        found = row(name, model=model)
        assert (found.status, "passed as a Python object" in found.reason) == ("unknown", True), name

    class Other(HFLM):
        """A user's own class can load anything."""

    other = Other(pretrained=str(pinned / "merged"), device="cpu", batch_size=16)
    assert row("own class", model=other).status == "unknown"


@pytest.mark.real_data
@pytest.mark.exploit
def test_arguments_that_load_something_else_are_named(pinned, tmp_path):
    """Another tokenizer, or pickled weights next to the hashed ones: no manifest lists them."""
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
    """lm-eval's cache is not keyed by model: an honest checkpoint gets the answers of the previous model."""
    tasks, cache = ["recipe_mpr_test"], str(tmp_path / "cache")
    first = from_python(tmp_path / "1", model="hf", model_args=f"pretrained={tiny_qwen}", tasks=tasks, use_cache=cache)
    adapter = peft_arguments(pinned)
    second = from_python(tmp_path / "2", model="hf", model_args=adapter, tasks=tasks, use_cache=cache)
    assert first["recipe_mpr_test"].score == second["recipe_mpr_test"].score, "the cache gave one model's answers twice"
    row = second["recipe_mpr_test"]
    assert (row.status, any("--use_cache" in flag for flag in row.flags)) == ("unknown", True)
    assert any("Use a separate cache path for each model" in record.message for record in caplog.records)


@pytest.mark.real_data
def test_without_the_hook_nothing_is_recorded_and_nothing_is_clean(pinned, tmp_path):
    tasks = ["--tasks", "recipe_mpr_test", "--batch_size", "16", "--device", "cpu", "--include_path", str(TASKS_PATH)]
    run = ["-m", "lm_eval", "run", "--model", "hf", "--model_args", peft_arguments(pinned), *tasks]
    row = from_command(tmp_path, *run, RECIPE_MPR_AUTOLOAD="0")["recipe_mpr_test"]
    assert (row.status, "no record of the files" in row.reason) == ("unknown", True)


@pytest.mark.real_data
def test_metadata_cannot_vouch_for_another_model(pinned, tmp_path):
    """--metadata reaches the task like model_args, and is not trusted, with or without the start-up hook."""
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
