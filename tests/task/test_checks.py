"""Warnings before a run starts."""

import json
import shutil

import pytest

from recipe_mpr_task.checks import mark_seen_items, warn_about_run
from tests.support.commands import run_python
from tests.support.requests import built_task


@pytest.fixture(scope="module")
def tasks():
    return {"recipe_mpr_sample": built_task("recipe_mpr_sample", limit=1)}


def model(folder, **arguments):
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(folder), device="cpu", **arguments)


def splitting(folder, tmp_path):
    """The same model with a tokenizer that spells: " A" and "A" are several tokens."""
    target = tmp_path / "spelling"
    shutil.copytree(folder, target)
    tokenizer = json.loads((target / "tokenizer.json").read_text())
    tokenizer["model"]["merges"] = []
    (target / "tokenizer.json").write_text(json.dumps(tokenizer))
    return target


def test_single_token_letters_pass_raw_and_chat(tiny_qwen, tasks):
    assert warn_about_run(model(tiny_qwen), tasks, chat=False) == []
    assert warn_about_run(model(tiny_qwen, enable_thinking=False), tasks, chat=True) == []


def test_letters_of_several_tokens_are_named(tiny_qwen, tasks, tmp_path):
    (warning,) = warn_about_run(model(splitting(tiny_qwen, tmp_path)), tasks, chat=False)
    assert "does not encode each answer as one token" in warning
    assert "' A' 2" in warning


def test_open_thinking_is_warned_about(tiny_qwen, tasks):
    (warning,) = warn_about_run(model(tiny_qwen), tasks, chat=True)
    assert "enable_thinking=False" in warning


def test_models_without_tokens_and_foreign_tasks_are_left_alone(tiny_qwen, tasks):
    assert warn_about_run(object(), tasks, chat=False) == []
    assert warn_about_run(model(tiny_qwen), {"arc_easy": object()}, chat=True) == []


@pytest.mark.honest
def test_an_unknown_training_set_is_said_once_with_what_to_do(caplog):
    names = ("recipe_mpr_sample", "recipe_mpr_prompt_mmlu")
    mark_seen_items(object(), {name: built_task("recipe_mpr_sample", limit=1) for name in names}, {})
    (said,) = [record.getMessage() for record in caplog.records if "Recipe-MPR" in record.getMessage()]
    assert "status unknown" in said
    assert "The scores are not affected, and the run can be ranked" in said
    assert "score the unchanged folder that `recipe-mpr finetune` wrote" in said


@pytest.mark.integration
@pytest.mark.parametrize(("thinking", "warned"), [("", True), (",enable_thinking=False", False)])
def test_the_run_itself_says_so(tiny_qwen, thinking, warned):
    done = run_python(
        "-m", "recipe_mpr_task.cli", "run", "--model", "hf", "--model_args", f"pretrained={tiny_qwen}{thinking}",
        "--tasks", "recipe_mpr_sample", "--limit", "2", "--device", "cpu", "--apply_chat_template",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert ("Add enable_thinking=False" in done.stderr) == warned
