"""Honest runs by what they were shown: chat templates, shots in turns, messages of an API."""

from functools import partial
from html import escape

from leaderboard.command import _write_records
from recipe_mpr_task.data import load_sample
from tests.exploit_cheats import SAMPLE
from tests.exploit_edits import both, of_file
from tests.fake_runs import run_files
from tests.honest_cases import Honest
from tests.shown_runs import chatml, messages, on_record, one_turn, shown
from tests.tables import HONEST as NAME

LLAMA = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
    "Today Date: 26 Jul 2024\n\n<|eot_id|>"
)
QWEN = "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
LISTED = "Answer with one letter: A, B, C, D or E. A letter alone is enough."
LONG = "<|system|>You choose recipes. " + "Take the request by its word, e.g. what it rules out. " * 400


def run(task=SAMPLE, n=0, write=chatml, record=None, **changes):
    edits = {"edit_samples": shown(write, n), "edit_results": record or on_record(task, n)}
    return lambda folder: run_files(folder, task, name=NAME, **edits | changes)


def ranked(*flags, around=()):
    """The row is ranked with these flags alone, and its page shows the texts around its prompts."""

    def check(table):
        row = table.honest
        assert (row.rank, row.status, row.flags) == (1, "unknown", flags)
        (page,) = table.systems
        assert [text for text in around if escape(text) not in page.replace("&#39;", "&#x27;")] == []
        assert not any(item.query in text for item in load_sample() for text in row.around)

    return check


def recorded(folder):
    run(write=partial(chatml, opening=QWEN))(folder / "run")
    assert _write_records([folder / "run"], folder / "records") == []
    for file in (folder / "run").iterdir():
        file.unlink()


def flagged(word):
    """The row is ranked, and of its flags one says `word`."""

    def check(table):
        assert table.honest.rank == 1
        assert [flag for flag in table.honest.flags if word in flag]
        (page,) = table.systems
        assert escape(LONG) in page, "the text stands in full, whatever its length"

    return check


PLAIN_API = on_record(SAMPLE, 2, chat_template_sha=None)
WITH_SYSTEM = both(on_record(SAMPLE, 0), of_file(system_instruction_sha="ab" * 32, system_instruction=LISTED))

HONEST = {
    "shots_in_several_turns": Honest("Two shots under a chat template, each in turns of its own",
        run(n=2), ranked(around=("[prompt of shot 2]<|im_end|>", "[the item's own prompt]"))),
    "shots_in_one_turn": Honest("Two shots under a chat template, in one turn", run(n=2, write=one_turn), ranked()),
    "ten_shots_in_turns": Honest("Ten shots: the template's text is counted once, not ten times", run(n=10), ranked()),
    "shots_in_messages": Honest("Two shots as messages of an API that has no chat template",
        run(n=2, write=messages, record=PLAIN_API), ranked()),
    "messages_without_shots": Honest("One message for an API", run(write=messages, record=on_record(
        SAMPLE, 0, chat_template_sha=None)), ranked(around=("[user]\n[the item's own prompt]",))),
    "shots_of_the_training_part": Honest("Shots that the log of the held-out split does not hold",
        run("recipe_mpr_test", 2), ranked()),
    "default_system_of_llama": Honest("A template with dates of its own", run(write=partial(chatml, opening=LLAMA)),
        ranked(around=(LLAMA,))),
    "default_system_of_qwen": Honest("A template with a system turn of its own",
        run(write=partial(chatml, opening=QWEN)), ranked(around=(QWEN,))),
    "letters_listed_in_a_system_text": Honest("A system text that lists the letters has its own mark only",
        run(write=partial(chatml, opening=f"<|im_start|>system\n{LISTED}<|im_end|>\n"), record=WITH_SYSTEM),
        ranked(f"asked under a system text of its own: {LISTED}", around=(LISTED,))),
    "long_instructions": Honest("Long instructions are shown in full, and marked by their length",
        run(write=partial(chatml, opening=LONG)), flagged("characters of other text")),
    "record_of_a_chat": Honest("A record keeps the text around the prompts", recorded, ranked(around=(QWEN,))),
}  # fmt: skip
