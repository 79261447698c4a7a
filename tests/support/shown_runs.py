"""Write prompts of fake runs: the sampler's shots in the format of a chat template or an API."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from recipe_mpr_task.data import load_items
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render
from recipe_mpr_task.shots import OtherFoldShots, TrainPartShots
from recipe_mpr_task.task import record_of
from tests.support.run_edits import Edit, Json, both, config, of_file

SEED = 1234

Pair = tuple[str, str]
"""A shot's prompt and its answer."""


def chatml(pairs: Iterable[Pair], own: str, opening: str = "", closing: str = "") -> str:
    """Return a text with each shot's prompt in a user turn, and its answer in an assistant turn."""
    turns = "".join(f"<|im_start|>user\n{q}<|im_end|>\n<|im_start|>assistant\n{a}<|im_end|>\n" for q, a in pairs)
    return f"{opening}{turns}<|im_start|>user\n{own}<|im_end|>\n<|im_start|>assistant\n{closing}"


def one_turn(pairs: Iterable[Pair], own: str) -> str:
    """Return a text with all shots in one user turn, before the item's own prompt."""
    return chatml((), "".join(f"{q} {a}\n\n" for q, a in pairs) + own)


def messages(pairs: Iterable[Pair], own: str, **fields: object) -> list[str]:
    """Return messages for an API as lm-eval logs them: a list of one JSON text."""
    turns = [(role, text) for pair in pairs for role, text in zip(("user", "assistant"), pair, strict=True)]
    named: list[Json] = [{"role": role, "content": text} for role, text in (*turns, ("user", own))]
    named[-1] |= fields
    return [json.dumps(named, ensure_ascii=False)]


def shown(
    write: Callable[[list[Pair], str], Any],
    n: int = 0,
    change: Callable[[list[Pair], Json], list[Pair]] = lambda pairs, _: pairs,
) -> Edit:
    """Return an edit of samples that logs `write(shots, own prompt)` as each item's prompt.

    Args:
        write: `chatml`, `one_turn`, `messages`, or a function with the same two arguments.
        n: number of shots that the sampler draws.
        change: function that gets the drawn shots and the item's document, and returns the shots to show.
    """

    def edit(samples: list[Json]) -> None:
        docs = [sample["doc"] for sample in samples]
        is_test = {doc["part"] for doc in docs} == {"test"}
        pool = [record_of(display(item, "shuffled")) for item in load_items()] if is_test else docs
        sampler = (TrainPartShots if is_test else OtherFoldShots)(pool, rnd=SEED)
        for sample in samples:
            drawn = sampler.sample(n, sample["doc"])
            pairs = change([(render("default", shot), shot["gold_letter"]) for shot in drawn], sample["doc"])
            text = write(pairs, render("default", sample["doc"]))
            for request in sample["arguments"].values():
                request["arg_0"] = text

    return edit


def on_record(task: str, n: int, **changes: Any) -> Edit:
    """Return an edit of results that records `n` shots and a chat template for `task`."""
    return both(of_file(**{"chat_template_sha": "ab" * 32, "n-shot": {task: n}} | changes), config(fewshot_seed=SEED))


CHAT, SHOTS = on_record("recipe_mpr_sample", 0), on_record("recipe_mpr_sample", 2)
"""Edits of results that record a chat template, without shots and with two shots."""
