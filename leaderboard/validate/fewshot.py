"""Checks what stands before the prompts of a few-shot run: the shots that its seed draws, with their right answers."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from leaderboard.load.files import Run
from leaderboard.load.specs import TaskSpec, prompt_of
from recipe_mpr_task.drawing import Record, are_related, even_letters
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.splits import fold_of, scored_ids

Checker = Callable[[str, dict[str, Any]], bool]


def shots_are_checked(run: Run, spec: TaskSpec) -> bool:
    """Say whether a run's shots can be told from its log: it holds the items they are made of, as they stood."""
    plain = not run.has_chat_template and not run.has_system_text
    is_whole = spec.split in ("all", "sample") and len(run.samples or ()) == len(scored_ids(spec.split))
    return plain and is_whole and not spec.generates and isinstance(run.config.get("fewshot_seed"), int)


def shot_checker(run: Run, spec: TaskSpec) -> Checker:
    """Return a function that says whether a text is the shots of an item's document and nothing else.

    Where shots come from items that the log does not hold, or a chat template stands between them, it can only see to
    it that the item's own query is not among them; `shots_are_checked` tells.
    """
    if not run.n_shot or run.is_record or not shots_are_checked(run, spec):
        return lambda before, doc: doc["query"] not in before
    drawn = _drawn(spec.split, spec.order, run.n_shot, int(run.config["fewshot_seed"]))
    texts = {sample["doc"]["item_id"]: _shot(sample["doc"], spec) for sample in run.samples or []}

    def are_shots(before: str, doc: dict[str, Any]) -> bool:
        shots = drawn.get(doc["item_id"], ())
        return bool(shots) and before == spec.description + "".join(texts.get(shot, "") for shot in shots)

    return are_shots


@lru_cache(maxsize=16)
def _drawn(split: str, order: str, n: int, seed: int) -> Mapping[str, Sequence[str]]:
    """Ids of the items that `shots.OtherFoldShots` draws for each item; none where it cannot draw so many."""
    items = [_record(item_id, order) for item_id in sorted(scored_ids(split))]
    found = {}
    for item in items:
        fold = fold_of(item["item_id"])
        pool = [shot for shot in items if fold_of(shot["item_id"]) != fold and not are_related(shot, item)]
        found[item["item_id"]] = [s["item_id"] for s in even_letters(pool, n, item, seed)] if n <= len(pool) else []
    return found


def _record(item_id: str, order: str) -> Record:
    pinned = pinned_items()[item_id]
    shown = pinned.shown_ids(order)
    gold = shown.index(pinned.gold)
    return {"item_id": item_id, "option_ids": shown, "gold": gold, "gold_letter": LETTERS[gold]}


def _shot(doc: dict[str, Any], spec: TaskSpec) -> str:
    named = spec.asked_as["doc_to_choice"]
    choices = named if isinstance(named, list) else doc["options"] if named == "options" else LETTERS
    answer = f"{spec.asked_as['target_delimiter']}{choices[doc['gold']]}"
    return f"{prompt_of(doc, spec)}{answer}{spec.asked_as['fewshot_delimiter']}"
