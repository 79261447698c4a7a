"""Golden tests: the exact prompts that lm-eval builds."""

import json
from pathlib import Path

import pytest
from lm_eval.tasks import TaskManager

from recipe_mpr_task import prompts
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.orders import display
from recipe_mpr_task.task import load_dataset, record_of
from recipe_mpr_task.tasks import TASKS_PATH
from tests.support.requests import built_task

INSTRUCTION = "Read the recipe request and the five options below, then pick the option that suits the request best."
# sample-00 and, with few-shot seed 1234, its first shot.
QUESTION = (
    f"{INSTRUCTION}\n"
    "\n"
    "Question: Can you find me a spicy soup with plenty of vegetables?\n"
    "Options:\n"
    "A) Mild soup of garden vegetables and barley\n"
    "B) Spicy beef soup with plenty of noodles\n"
    "C) Spicy roasted vegetables tossed with plenty of chili oil and toasted sesame seeds\n"
    "D) Fiery soup of cabbage, peppers, carrots and green beans\n"
    "E) Creamy chicken and rice soup\n"
    "Answer:"
)
SHOT = (
    f"{INSTRUCTION}\n"
    "\n"
    "Question: Show me a light and fluffy bread\n"
    "Options:\n"
    "A) Fluffy, airy milk bread\n"
    "B) Light whipped potatoes with chives\n"
    "C) Crisp flatbread with poppy, fennel and sesame seeds\n"
    "D) Dense dark rye bread with caraway\n"
    "E) Lemon mousse, fluffy as a cloud, in tall glasses\n"
    "Answer: A"
)


def chat(messages, add_generation_prompt=True):
    return "".join(f"<{m['role']}>{m['content']}" for m in messages) + "<assistant>" * add_generation_prompt


def pairs(task_name, **how):
    """Every (context, continuation) that lm-eval would score."""
    return [instance.args for instance in built_task(task_name, **how).instances]


def test_raw_zero_shot():
    assert pairs("recipe_mpr_sample", limit=1) == [(QUESTION, f" {letter}") for letter in "ABCDE"]


def test_raw_one_shot():
    context = f"{SHOT}\n\n{QUESTION}"
    assert pairs("recipe_mpr_sample", shots=1, limit=1) == [(context, f" {letter}") for letter in "ABCDE"]


def test_chat_zero_shot_scores_the_bare_letter():
    expected = [(f"<user>{QUESTION}<assistant>", letter) for letter in "ABCDE"]
    assert pairs("recipe_mpr_sample", limit=1, chat_template=chat) == expected


def test_chat_one_shot_is_a_conversation():
    question, answer = SHOT[:-2], SHOT[-1]
    context = f"<user>{question}<assistant>{answer}<user>{QUESTION}<assistant>"
    expected = [(context, letter) for letter in "ABCDE"]
    assert pairs("recipe_mpr_sample", shots=1, limit=1, chat_template=chat) == expected


def test_training_renders_what_is_evaluated():
    for item, (context, _) in zip(load_sample(), pairs("recipe_mpr_sample")[::5], strict=True):
        assert prompts.render("default", record_of(display(item, "shuffled"))) == context


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", prompts.names())
def test_every_template_is_pinned_to_the_letter(name):
    rendered = prompts.render(name, record_of(display(load_sample()[0], "shuffled")))
    assert rendered == (GOLDEN / f"{name}.txt").read_text(), "every score under it moves: raise the task version"


def test_every_template_has_its_golden_text_and_withholds_what_it_must():
    assert {file.stem for file in GOLDEN.iterdir()} == set(prompts.names())
    query, options = load_sample()[0].query, [option.text for option in load_sample()[0].options]
    shown = {name: (GOLDEN / f"{name}.txt").read_text() for name in prompts.names()}
    assert {name for name, text in shown.items() if query not in text} == {"options_only"}
    assert {name for name, text in shown.items() if not all(o in text for o in options)} == {"cloze"}


def test_the_group_of_prompts_is_every_prompt_task_of_the_folder():
    index = TaskManager(include_path=TASKS_PATH, include_defaults=False).task_index
    in_folder = {path.stem for path in TASKS_PATH.glob("recipe_mpr_prompt_*.yaml")}
    (tag,) = index["recipe_mpr_prompts"].cfg["task"]
    assert index[tag].tags == in_folder, "a prompt's task file includes _prompt.yaml"
    for name in in_folder:
        assert index[name].cfg["doc_to_text"].endswith(f".prompts.{name.removeprefix('recipe_mpr_prompt_')}")


def test_a_task_says_in_its_documents_whether_its_prompt_shows_the_query():
    index = TaskManager(include_path=TASKS_PATH, include_defaults=False).task_index
    withheld = set()
    for name, entry in index.items():
        if entry.cfg and "doc_to_text" in entry.cfg:
            template = prompts.template(entry.cfg["doc_to_text"].rpartition(".")[2])
            shown = entry.cfg["dataset_kwargs"].get("recipe_mpr_query_shown", True)
            assert shown == ("{{ query }}" in template), name
            withheld |= set() if shown else {name}
    assert withheld == {"recipe_mpr_options_only"}
    documents = load_dataset(recipe_mpr_split="sample", recipe_mpr_order="shuffled", recipe_mpr_query_shown=False)
    assert set(documents["items"]["query_shown"]) == {False}


@pytest.mark.real_data
def test_description_becomes_the_system_turn():
    (context, letter), *_ = pairs("recipe_mpr_prompt_system", limit=1, chat_template=chat)
    assert context.startswith("<system>You help people to choose recipes.")
    assert "<user>Request: I want to make a warm dish containing oysters\n" in context
    assert letter == "A"
    raw = pairs("recipe_mpr_prompt_system", limit=1)[0][0]
    assert raw.startswith("You help people to choose recipes.")
    assert "suits the request best.\n\nRequest: " in raw


def digest(requests):
    return sha256_of(json.dumps(requests).encode())[:16]


def test_every_sample_prompt_is_pinned():
    assert digest(pairs("recipe_mpr_sample")) == "f023b67cbec26dbb"
    assert digest(pairs("recipe_mpr_sample", shots=3)) == "6f032a6787863774"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("task", "shots", "expected"),
    [
        ("recipe_mpr", 0, "f3b1e3ad1f4228d7"),
        ("recipe_mpr", 3, "e62996401746cc37"),
        ("recipe_mpr_test", 3, "787c8532f7759ad8"),
        ("recipe_mpr_fold2", 3, "95969f17628708eb"),
        ("recipe_mpr_test_file_order", 3, "113609cb3642424c"),
    ],
)
def test_every_real_prompt_is_pinned(task, shots, expected):
    assert digest(pairs(task, shots=shots)) == expected, "every score moves: raise the task version"


def test_shots_are_the_same_under_limit_and_samples():
    everything = pairs("recipe_mpr_sample", shots=3)
    assert pairs("recipe_mpr_sample", shots=3, limit=7) == everything[:35]
    assert pairs("recipe_mpr_sample", shots=3, samples=[4, 9]) == everything[20:25] + everything[45:50]


@pytest.mark.real_data
def test_fold_and_whole_task_ask_an_item_the_same_question():
    whole = set(pairs("recipe_mpr", shots=2))
    assert len(whole) == 2500
    assert set(pairs("recipe_mpr_fold3", shots=2)) < whole


@pytest.mark.real_data
def test_aspect_annotations_reach_no_prompt_and_no_log():
    task = TaskManager(include_defaults=False).load(["recipe_mpr"])["tasks"]["recipe_mpr"]
    task.set_config("num_fewshot", 5)
    task.set_fewshot_seed(1234)
    task.build_all_requests()
    logged = json.dumps([[i.doc, i.args] for i in task.instances])
    assert "correctness" not in logged
    assert "INFERRED" not in logged


def test_unknown_template_names_the_known():
    with pytest.raises(RecipeMPRError, match="default"):
        prompts.template("fancy")
    assert prompts.name_of(prompts.template("default")) == "default"
    assert prompts.name_of("x") is None
