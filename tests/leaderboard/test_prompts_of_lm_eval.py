"""Prompts of lm-eval, for every task and setting, are split into their parts; edits of them are noticed."""

import json
import re
from dataclasses import replace

import lm_eval
import pytest
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker
from lm_eval.models.api_models import JsonChatStr
from lm_eval.tasks import TaskManager

from leaderboard.load.results import runs_of
from leaderboard.load.samples import Sample
from leaderboard.verify.checks import verify
from leaderboard.verify.surroundings import OWN_PROMPT, surroundings
from recipe_mpr_task.shot_selection import shot_pool
from recipe_mpr_task.task_specs import task_spec
from recipe_mpr_task.tasks import TASKS_PATH

TASKS = (
    "recipe_mpr", "recipe_mpr_test", "recipe_mpr_fold3", "recipe_mpr_circular", "recipe_mpr_cloze",
    "recipe_mpr_options_only", "recipe_mpr_generate", "recipe_mpr_prompt_numbered", "recipe_mpr_prompt_system",
    "recipe_mpr_prompt_mmlu", "recipe_mpr_prompt_options_first",
)  # fmt: skip


FEW = ("recipe_mpr_test", "recipe_mpr_circular", "recipe_mpr_cloze", "recipe_mpr_generate", "recipe_mpr_prompt_system")


class Listener(LM):
    """A model that answers without reading, under a chat template that trims like Llama's, or behind an API."""

    tokenizer_name = "listener"

    def __init__(self, *, has_template):
        super().__init__()
        self._template = "{{ messages }}" if has_template else ""

    def loglikelihood(self, requests):
        return [(float(-(k % 5)), False) for k, _ in enumerate(requests)]

    def loglikelihood_rolling(self, requests):
        raise NotImplementedError

    def generate_until(self, requests):
        return ["Answer: A" for _ in requests]

    def chat_template(self, chat_template=False):
        return self._template

    def apply_chat_template(self, chat_history, add_generation_prompt=True):
        if not self._template:
            return JsonChatStr(json.dumps(chat_history, ensure_ascii=False))
        turns = "".join(f"<<{m['role'].upper()}>>\n\n{m['content'].strip()}<<END>>" for m in chat_history)
        return f"<<BEGIN>>{turns}<<ASSISTANT>>\n\n"


WAYS = {
    "raw": {},
    "raw with a system text": {"system_instruction": "Be good."},
    "template, several turns": {"apply_chat_template": True, "fewshot_as_multiturn": True},
    "template, one turn": {"apply_chat_template": True, "fewshot_as_multiturn": False},
    "template, system text": {"apply_chat_template": True, "system_instruction": "Be good."},
    "messages, several turns": {"has_template": False, "apply_chat_template": True, "fewshot_as_multiturn": True},
    "messages, one turn": {"has_template": False, "apply_chat_template": True, "fewshot_as_multiturn": False},
    "messages, system text": {"has_template": False, "apply_chat_template": True, "system_instruction": "Be good."},
}


def asked(folder, model, tasks, **how):
    """Run lm-eval in this process as the command does, and return its runs by task."""
    tracker = EvaluationTracker(output_path=str(folder))
    results = lm_eval.simple_evaluate(
        model=model, tasks=list(tasks), task_manager=TaskManager(include_path=str(TASKS_PATH), include_defaults=False),
        evaluation_tracker=tracker, log_samples=True, bootstrap_iters=0, **how,
    )  # fmt: skip
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    (file,) = folder.rglob("results_*.json")
    return {run.task: run for run in runs_of(file, "")}


@pytest.mark.integration
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("way", "shots", "tasks"),
    [("template, several turns", 2, TASKS), ("raw", 2, TASKS), *((way, 0, FEW) for way in list(WAYS)[::3]),
     *((way, 2, FEW) for way in WAYS if way not in ("template, several turns", "raw"))],
)  # fmt: skip
def test_what_lm_eval_shows_is_the_tasks_own(way, shots, tasks, tmp_path):
    """For every task and setting, prompts, shots and the text around them are distinguished."""
    how = dict(WAYS[way])
    model = Listener(has_template=how.pop("has_template", True))
    runs = asked(tmp_path, model, tasks, num_fewshot=shots, limit=2, **how)
    assert set(runs) == set(tasks)
    for task, run in runs.items():
        assert run.samples[0].has_raw, "lm-eval logs the raw responses"
        around = surroundings(run, task_spec(task))
        assert (around.wrong, around.other, around.n_unchecked) == ((), (), 0), task
        if shots or how.get("apply_chat_template"):
            assert around.as_text().count(OWN_PROMPT) == 1
        assert around.as_text().count("[its right answer]") == shots, task
        assert ("Be good." in around.as_text()) == ("system_instruction" in how)
        reason = re.sub(r"--limit 2(; \d+ items missing \([^)]*\))?", "", verify(run).reason)
        assert "prompt" not in reason, reason


@pytest.mark.slow
@pytest.mark.parametrize("turns", [True, False])
def test_shots_of_a_real_model_under_its_chat_template(turns, tiny_qwen, tmp_path):
    run = asked(
        tmp_path, "hf", ["recipe_mpr_sample"], num_fewshot=2, apply_chat_template=True, fewshot_as_multiturn=turns,
        model_args=f"pretrained={tiny_qwen},enable_thinking=False", batch_size=16, device="cpu",
    )["recipe_mpr_sample"]  # fmt: skip
    checked = verify(run)
    assert (checked.status, checked.flags) == ("unknown", ())
    assert checked.around.endswith(f"{OWN_PROMPT}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert checked.around.count("<|im_start|>assistant") == (3 if turns else 1)
    for edit in (one_answer_flipped, one_shot_swapped, hint_in_one_turn):
        broken = logged(tmp_path)
        edit(broken)
        changed = verify(replace(run, samples=tuple(map(Sample.of, broken))))
        assert (changed.status, "the seed's shots" in changed.reason) == ("excluded", True)


def logged(folder):
    (file,) = folder.rglob("samples_*.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def rewritten(sample, change):
    for request in sample["arguments"].values():
        request["arg_0"] = change(request["arg_0"])


def one_answer_flipped(samples):
    flip = {"A": "B", "B": "C", "C": "D", "D": "E", "E": "A"}
    answer = r"(Answer:(?: |<\|im_end\|>\n<\|im_start\|>assistant\n(?:<think>\n\n</think>\n\n)?))([A-E])"
    rewritten(samples[7], lambda text: re.sub(answer, lambda m: m[1] + flip[m[2]], text, count=1))


def one_shot_swapped(samples):
    query = next(
        s["doc"]["query"] for s in samples if s["doc"]["query"] in samples[7]["arguments"]["gen_args_0"]["arg_0"]
    )
    rewritten(samples[7], lambda text: text.replace(query, samples[30]["doc"]["query"], 1))


def hint_in_one_turn(samples):
    rewritten(samples[7], lambda text: text.replace("\nAnswer:", "\nThe next answer is B.\nAnswer:", 1))


@pytest.mark.real_data
@pytest.mark.parametrize("task", TASKS)
def test_shots_are_known_for_every_task(task, tmp_path):
    """Every task has a pool of shots, so that its shots can be checked."""
    spec = task_spec(task)
    assert len(shot_pool(spec.split)) == (400 if spec.split == "published" else 500)
