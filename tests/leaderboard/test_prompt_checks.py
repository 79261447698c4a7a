"""Logged prompts are split into their parts: real prompts of every task and setting, and edited ones."""

import json

import pytest

from leaderboard.load.record import record_of
from leaderboard.rank.row_from_run import row_of
from leaderboard.site.page import system_page
from leaderboard.site.page_data import content_of, row_object
from leaderboard.verify.checks import verify
from leaderboard.verify.forensics import answers_named
from leaderboard.verify.prompts import WITHHELD
from leaderboard.verify.surroundings import OWN_PROMPT, surroundings
from recipe_mpr_task.data import CACHE_VARIABLE, DATA_VARIABLE, load_items, local_source
from recipe_mpr_task.splits import part_of
from recipe_mpr_task.task_specs import task_spec
from tests.support.fake_runs import rows_of, run_files, run_in
from tests.support.page_content import HOSTILE, system_content
from tests.support.run_edits import both, of_file
from tests.support.shown_runs import CHAT, SHOTS, chatml, messages, on_record, shown


@pytest.mark.exploit
@pytest.mark.real_data
def test_shots_that_nobody_can_check_are_marked(tmp_path, monkeypatch):
    """Builds with and without the dataset do not share cached rows."""
    monkeypatch.setenv(DATA_VARIABLE, str(local_source().path))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    flipped = shown(chatml, 2, lambda pairs, doc: [(question, doc["gold_letter"]) for question, _ in pairs])
    run_files(tmp_path / "runs", "recipe_mpr_test", edit_samples=flipped, edit_results=on_record("recipe_mpr_test", 2))
    (row,) = rows_of(tmp_path / "runs")
    assert (row.status, "the seed's shots" in row.reason) == ("excluded", True)
    with monkeypatch.context() as without:
        without.delenv(DATA_VARIABLE)
        (row,) = rows_of(tmp_path / "runs")
    assert row.rank == 1
    assert any("its shots were not checked: the dataset is not on this machine" in flag for flag in row.flags)
    assert row.around[0].startswith("<|im_start|>user\n[2 shots that were not checked]")
    (row,) = rows_of(tmp_path / "runs")
    assert row.status == "excluded"


HONEST_TEXTS = (
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n",
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n",
    "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
    "A chat between a curious user and an AI assistant. A good answer is short. USER:  ASSISTANT:</s>",
    "<s>[INST] <<SYS>>\nReply with one of A, B, C, D or E, e.g. B. You'd do it so: Answer: C\n<</SYS>>\n\n[/INST]",
    "<bos><start_of_turn>user\n<end_of_turn>\n<start_of_turn>model\n",
    "1. Read the request. 2. Compare the options. 3. Choose. Released 2024-11-21, version 3.1, 5 of 5.",
    "Knowledge cutoff: 2024-06\nCurrent date: 2025-12-31\n\nReasoning: low\n\n# Valid channels: analysis, final.",
)


@pytest.mark.parametrize("text", HONEST_TEXTS)
def test_ordinary_templates_hold_no_key(text):
    assert answers_named(text) < 5


@pytest.mark.parametrize(
    ("text", "at_least"),
    [("lasagna A, soup B, tart E, stew B, pie A", 5), ("A B C D E A B C D E A B C D E A B C D E", 10),
     ("BADECABDECAB", 12), ("bad-cab-ded", 0), ("badecabdec", 10), ("3 1 4 2 5 5 1", 7), ("0B1A2E3B4C", 0),
     ("0B 1A 2E 3B 4C", 5), ("soup=c;tart=b;pie=d;dip=e;rice=b", 5), ("\uff21 \uff23 \uff22 \uff25 \uff22", 5)],
)  # fmt: skip
def test_letters_that_make_a_key_are_counted(text, at_least):
    assert answers_named(text) == pytest.approx(at_least, abs=0) or answers_named(text) >= at_least > 0


def test_an_answers_letter_in_the_template_itself_is_no_answer(tmp_path):
    """A template that writes roles in capitals: the joint that fits all items is found."""
    capitals = lambda pairs, own: "".join(f"ABCDE: {q} DE C: {a} B ABC" for q, a in pairs) + f"{own} A:"  # noqa: E731
    run_files(tmp_path, edit_samples=shown(capitals, 2), edit_results=SHOTS)
    run = run_in(tmp_path)
    around = surroundings(run, task_spec(run.task))
    assert (around.wrong, around.usual) == ((), ("ABCDE: ", " DE C: ", " B ABCABCDE: ", " DE C: ", " B ABC", " A:"))


def test_a_text_of_many_answer_letters_is_not_looked_through(tmp_path):
    """Each place of the letter is a guess at where the answer stands: a hostile log can hold millions."""
    long = lambda pairs, own: "".join(f"{q}{'A' * 100_000}{a}" for q, a in pairs) + own  # noqa: E731
    run_files(tmp_path, edit_samples=shown(long, 2), edit_results=SHOTS)
    run = run_in(tmp_path)
    assert len(surroundings(run, task_spec(run.task)).wrong) == 60


def test_text_around_is_in_the_page_in_full_and_by_its_hash_in_the_table(tmp_path):
    text = "<system>" + "You choose recipes, and you choose them well. " * 1000
    opened = lambda pairs, own: chatml(pairs, own, opening=text)  # noqa: E731
    run_files(tmp_path, edit_samples=shown(opened), edit_results=CHAT)
    (row,) = rows_of(tmp_path)
    assert row.around[0].startswith(text)
    assert row_object(row)["around_prompts"]["characters"] == len(row.around[0])
    assert text not in json.dumps(content_of([], [])) + json.dumps(row_object(row))


def test_signs_that_nobody_sees_are_written_by_their_codes_in_the_page():
    """A hint in tag characters, zero-width joiners or variation selectors is invisible."""
    hidden = "a\u200bb\u202ec\U000e0041d\ufe0fe\tf\u00a0g<i>\u3164"
    page = system_page(system_content() | {"around": [f"\n{hidden}"]})
    written = r"a\u{200b}b\u{202e}c\u{e0041}d\u{fe0f}e\u{0009}f\u{00a0}g&lt;i&gt;\u{3164}"
    assert f">\n\n{written}</pre>" in page
    assert "around-section" not in system_page(system_content())
    hostile = system_page(system_content() | {"around": [HOSTILE]})
    assert ("<img" in hostile, hostile.count("<script")) == (False, page.count("<script"))


def test_pooled_and_remembered_rows_keep_the_text_around(tmp_path):
    run_files(tmp_path, edit_samples=shown(messages), edit_results=on_record("recipe_mpr_sample", 0))
    first, second = rows_of(tmp_path), rows_of(tmp_path)
    assert first[0].around == second[0].around == (f"[user]\n{OWN_PROMPT}\n",)
    assert row_of(verify(run_in(tmp_path))).around == first[0].around


def test_more_shots_than_there_are_items_and_deep_messages_are_no_hang(tmp_path):
    nested = json.loads("[" * 900 + "]" * 900)
    deep = lambda pairs, own: [{"role": "user", "content": own, "name": nested}]  # noqa: E731
    for name, write, record in (("many", chatml, on_record("recipe_mpr_sample", 10**15)), ("deep", deep, CHAT)):
        run_files(tmp_path / name, edit_samples=shown(write), edit_results=record)
        run = run_in(tmp_path / name)
        around = surroundings(run, task_spec(run.task))
        assert len(around.wrong) == (60 if name == "many" else 0) or not around.usual
        assert verify(run).status in ("unknown", "excluded")


@pytest.mark.real_data
def test_dataset_text_around_the_prompts_is_not_shown(tmp_path):
    """Training items before every prompt of the held-out split, though its log does not hold them."""
    item = next(item for item in load_items() if part_of(item.item_id) == "train")
    opened = lambda pairs, own: chatml(pairs, own, opening=f"{item.query}: B\n")  # noqa: E731
    run_files(tmp_path, "recipe_mpr_test", edit_samples=shown(opened), edit_results=on_record("recipe_mpr_test", 0))
    (row,) = rows_of(tmp_path)
    assert row.around == (WITHHELD,)


@pytest.mark.honest
def test_a_record_keeps_the_text_around_as_it_stands_and_says_where_it_is_cut(tmp_path):
    """A text that begins like a path is no path; what a results file itself says of the text is not believed."""
    spoofed = both(CHAT, of_file(recipe_mpr_around="[nothing]"))
    opened = lambda pairs, own: f"/no_think {own}"  # noqa: E731
    run_files(tmp_path, edit_samples=shown(opened), edit_results=spoofed)
    run = run_in(tmp_path)
    checked = verify(run)
    record = record_of(run, flags=checked.flags, around=checked.around)
    assert record.run["recipe_mpr_around"] == checked.around == f"/no_think {OWN_PROMPT}"
    assert "recipe_mpr_around" not in record_of(run).run
    cut = record_of(run, around="x" * 30_000).run
    assert (len(cut["recipe_mpr_around"]), cut["recipe_mpr_flags"]) == (
        20_000,
        ["its record keeps 20000 of the 30000 characters around each prompt"],
    )
