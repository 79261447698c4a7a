"""Answers fit the model's context, and a task that a model cannot answer does not stop the others. Real runs."""

import json
import logging
from types import SimpleNamespace

import lm_eval.evaluator
import lm_eval.models
import lm_eval.tasks.manager
import pytest
import yaml

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.generation import fit_generation_length, leave_out_unanswerable
from recipe_mpr_task.models.baselines import BaselineLM
from recipe_mpr_task.plugin import activate_all
from recipe_mpr_task.tasks import TASKS_PATH
from tests.support.commands import run_python
from tests.support.tiny_models import save_tiny_qwen

TASK = "recipe_mpr_generate_sample"
SAMPLE = "recipe_mpr_sample"


@pytest.fixture(scope="module")
def manager(tmp_path_factory):
    """The generating task on the sample, and a group of it and the letters' task."""
    folder = tmp_path_factory.mktemp("tasks")
    task = {"include": str(TASKS_PATH / "recipe_mpr_generate.yaml"), "task": TASK,
            "dataset_kwargs": {"recipe_mpr_split": "sample", "recipe_mpr_order": "shuffled"}}  # fmt: skip
    group = {"group": "both", "task": [SAMPLE, TASK], "aggregate_metric_list": [{"metric": "acc"}]}
    for name, content in (("task", task), ("group", group)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    activate_all((lm_eval.models, lm_eval.tasks.manager, lm_eval.evaluator), skip_builtin_tasks=False)
    return lm_eval.tasks.manager.TaskManager(include_path=str(folder), include_defaults=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Make a tiny model of a given context."""
    folder = save_tiny_qwen(tmp_path_factory.mktemp("small"))

    def load(positions):
        from lm_eval.models.huggingface import HFLM

        config = json.loads((folder / "config.json").read_text()) | {"max_position_embeddings": positions}
        (folder / "config.json").write_text(json.dumps(config))
        return HFLM(pretrained=str(folder), device="cpu", batch_size=4)

    return load


def evaluated(lm, manager, tasks, **arguments):
    return lm_eval.simple_evaluate(
        lm, tasks=tasks, task_manager=manager, limit=3, bootstrap_iters=0, **arguments
    )  # fmt: skip


def longest_prompt(lm, manager, **asked):
    """Tokens of the longest prompt of all 60 items, counted apart from the code under test."""
    task = manager.load([TASK])["tasks"][TASK]
    task.set_config("num_fewshot", asked.pop("num_fewshot", 0))
    task.set_fewshot_seed(1234)
    task.build_all_requests(**asked)
    return max(len(lm.tok_encode(instance.args[0])) for instance in task.instances)


@pytest.mark.honest
def test_a_small_context_gets_whole_prompts_and_a_shorter_answer(model, manager, caplog):
    lm = model(4096)
    longest = longest_prompt(lm, manager)
    lm = model(longest + 20)
    with caplog.at_level(logging.WARNING):
        results = evaluated(lm, manager, [TASK])
    assert results["configs"][TASK]["generation_kwargs"]["max_gen_toks"] == 20
    asked = [sample["arguments"][0] for sample in results["samples"][TASK]]
    assert [settings["max_gen_toks"] for _, settings in asked] == [20] * 3
    said = [record.getMessage() for record in caplog.records]
    (line,) = [text for text in said if "lowered" in text]
    assert f"max_gen_toks lowered from 2048 to 20; the model's context has {longest + 20} tokens" in line
    assert not [text for text in said if "truncation applied" in text], "no prompt was cut"


@pytest.mark.honest
def test_shots_and_a_chat_template_count_and_other_models_are_left_alone(model, manager):
    lm = model(4096)
    chat = {"apply_chat_template": True, "system_instruction": "Be brief.", "fewshot_as_multiturn": True}
    longest = longest_prompt(lm, manager, num_fewshot=1, chat_template=lm.apply_chat_template, **chat)
    room = 4096 - longest
    assert room > 2048, "a long context changes nothing"
    results = evaluated(lm, manager, [TASK], num_fewshot=1, gen_kwargs={"max_gen_toks": 4}, **chat)
    assert results["configs"][TASK]["generation_kwargs"]["max_gen_toks"] == 4
    lm = model(longest + 9)
    results = evaluated(lm, manager, [TASK], num_fewshot=1, **chat)
    assert results["configs"][TASK]["generation_kwargs"]["max_gen_toks"] == 9
    again = manager.load([TASK])["tasks"][TASK]
    assert again.config.generation_kwargs["max_gen_toks"] == 2048, "the next model begins anew"


@pytest.mark.honest
def test_a_task_without_room_is_left_out_and_the_others_score_as_alone(model, manager, caplog):
    lm = model(4096)
    lm = model(longest_prompt(lm, manager) + 7)
    alone = evaluated(lm, manager, [SAMPLE])["results"][SAMPLE]
    with caplog.at_level(logging.WARNING):
        results = evaluated(lm, manager, ["both"])
    assert set(results["results"]) == set(results["samples"]) == {SAMPLE}
    assert results["results"][SAMPLE] == alone
    assert not results["group_subtasks"], "a group's number without one of its tasks would be another's"
    (line,) = [record.getMessage() for record in caplog.records if "is omitted" in record.getMessage()]
    assert f"{TASK} is omitted" in line
    assert "7 tokens remain for an answer, but at least 8 are needed" in line
    with pytest.raises(RecipeMPRError, match="at least 8 are needed"):
        evaluated(lm, manager, [TASK])


@pytest.mark.honest
def test_a_model_that_scores_options_answers_what_it_can(manager, caplog):
    results = evaluated(BaselineLM(kind="first"), manager, [TASK, SAMPLE])
    assert set(results["results"]) == {SAMPLE}
    assert f"task {TASK} is omitted, the other tasks run: recipe-mpr-baseline scores options" in caplog.text
    with pytest.raises(RecipeMPRError, match=f"it cannot answer {TASK}. Allowed: multiple_choice tasks"):
        evaluated(BaselineLM(kind="first"), manager, [TASK])


@pytest.mark.parametrize("changes", [{"max_length": None}, {"tok_encode": None}, {"tokenized_requests": False}])
def test_models_that_count_no_tokens_here_are_left_alone(manager, changes):
    lm = SimpleNamespace(**{"max_length": 20, "tok_encode": str.split, "rank": 0} | changes)
    tasks = manager.load([TASK])
    assert leave_out_unanswerable(lm, tasks, {}) is tasks


def test_a_tokenizer_that_fails_does_not_stop_the_run(manager, caplog):
    def broken(_):
        raise KeyError("token")

    tasks = manager.load([TASK])["tasks"]
    assert fit_generation_length(SimpleNamespace(max_length=20, tok_encode=broken), tasks, {}) == {}
    assert "could not fit max_gen_toks" in caplog.text


def test_an_encoder_decoder_has_room_of_its_own_for_the_answer(manager):
    tasks = manager.load([TASK])["tasks"]
    lm = SimpleNamespace(max_length=500, tok_encode=str.split, backend="seq2seq")
    assert fit_generation_length(lm, tasks, {}) == {}
    assert tasks[TASK].config.generation_kwargs["max_gen_toks"] == 2048
    lm.max_length = 20
    assert "So 0 tokens remain for an answer" in fit_generation_length(lm, tasks, {})[TASK]


@pytest.mark.integration
@pytest.mark.honest
@pytest.mark.real_data
def test_the_command_says_in_one_line_what_is_left_out():
    done = run_python(
        "-m", "recipe_mpr_task.cli", "run", "--model", "recipe-mpr-baseline", "--model_args", "kind=first",
        "--tasks", "recipe_mpr_sample,recipe_mpr_generate", "--limit", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert len([line for line in done.stderr.splitlines() if "recipe_mpr_generate is omitted" in line]) == 1
    assert "recipe_mpr_sample" in done.stdout
    assert "Traceback" not in done.stderr
