"""The shots that a few-shot run must have been shown: those that its seed draws, with their right answers."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Template

from leaderboard.load.results import Run
from leaderboard.load.task_specs import TaskSpec, prompt_of
from recipe_mpr_task.data import items_at_hand
from recipe_mpr_task.item import LETTERS, Item
from recipe_mpr_task.orders import display, pinned_items
from recipe_mpr_task.shot_selection import Record, are_related, even_letters
from recipe_mpr_task.splits import fold_of, part_of, scored_ids

Shot = tuple[str, str]
"""A shot's own prompt and its right answer."""

Drawer = Callable[[dict[str, Any]], Sequence[Shot]]
"""Returns the shots of an item's document; none where the pool is too small for them."""


def why_unchecked(run: Run, spec: TaskSpec) -> str | None:
    """Return why a run's shots cannot be checked, in words; None if they can, or if there are none."""
    if not run.n_shot or run.is_record:
        return None
    if not _has_seed(run):
        return "its shots were not checked: the few-shot seed was not logged"
    if shot_pool(spec) - _documents(run, spec).keys():
        return (
            "its shots were not checked: the dataset is not at hand; "
            "run `recipe-mpr data fetch` and build the leaderboard again"
        )
    return None


def shots_of(run: Run, spec: TaskSpec) -> Drawer | None:
    """Return a function that gives an item's shots as the run's seed draws them; None if they cannot be known.

    Args:
        run: its documents found genuine; the texts of shots come from its log, else from the dataset.
        spec: its task.
    """
    if not run.n_shot or why_unchecked(run, spec):
        return None
    drawn = _drawn(spec.split, spec.order, run.n_shot, int(run.config["fewshot_seed"]))
    documents = _documents(run, spec)
    answers = _answers(spec)

    def shots(doc: dict[str, Any]) -> Sequence[Shot]:
        chosen = (documents[item_id] for item_id in drawn.get(doc["item_id"], ()))
        return [(prompt_of(shot, spec), answers(shot)) for shot in chosen]

    return shots


def documents_at_hand(spec: TaskSpec) -> Sequence[dict[str, Any]]:
    """Return the documents of the whole dataset that a task scores a part of; none where it is not at hand."""
    return () if spec.split == "sample" else tuple(_of_dataset(spec.order, items_at_hand()).values())


def _has_seed(run: Run) -> bool:
    seed = run.config.get("fewshot_seed")
    return isinstance(seed, int) and not isinstance(seed, bool)


def shot_pool(spec: TaskSpec) -> frozenset[str]:
    """Return the ids of all items that shots of any item of the task may come from."""
    ids = scored_ids("sample" if spec.split == "sample" else "all")
    return frozenset(i for i in ids if part_of(i) == "train") if spec.split == "published" else ids


def _documents(run: Run, spec: TaskSpec) -> Mapping[str, dict[str, Any]]:
    """Documents by item id: those of the log, and of the dataset if it is at hand and needed."""
    logged = {sample["doc"]["item_id"]: sample["doc"] for sample in run.samples or []}
    return logged if shot_pool(spec) <= logged.keys() else {**_of_dataset(spec.order, items_at_hand()), **logged}


@lru_cache(maxsize=4)
def _of_dataset(order: str, items: tuple[Item, ...]) -> Mapping[str, dict[str, Any]]:
    """The fields that templates read of every item of the dataset; empty where it is not at hand."""
    found = {}
    for shown in (display(item, order) for item in items):
        texts, ids = zip(*((option.text, option.recipe_id) for option in shown.options), strict=True)
        found[shown.item.item_id] = {
            "item_id": shown.item.item_id, "query": shown.item.query, "letters": list(LETTERS), "options": list(texts),
            "option_ids": list(ids), "gold": shown.gold, "gold_letter": shown.gold_letter,
        }  # fmt: skip
    return found


@lru_cache(maxsize=16)
def _drawn(split: str, order: str, n: int, seed: int) -> Mapping[str, Sequence[str]]:
    """Ids of the items that the task's sampler draws for each item; none where it cannot draw so many."""
    ids = sorted(scored_ids("sample" if split == "sample" else "all"))
    records = {item_id: _record(item_id, order) for item_id in ids}
    found = {}
    for item_id in scored_ids(split):
        item = records[item_id]
        pool = [shot for i, shot in records.items() if _may_show(split, i, item_id) and not are_related(shot, item)]
        found[item_id] = [s["item_id"] for s in even_letters(pool, n, item, seed)] if n <= len(pool) else []
    return found


def _may_show(split: str, shot_id: str, item_id: str) -> bool:
    """Say what `shots.TrainPartShots.may_use` and `OtherFoldShots.may_use` say, of ids alone."""
    if split == "published":
        return part_of(shot_id) == "train" and shot_id != item_id
    return fold_of(shot_id) != fold_of(item_id)


def _record(item_id: str, order: str) -> Record:
    pinned = pinned_items()[item_id]
    shown = pinned.shown_ids(order)
    gold = shown.index(pinned.gold)
    return {"item_id": item_id, "option_ids": shown, "gold": gold, "gold_letter": LETTERS[gold]}


def _answers(spec: TaskSpec) -> Callable[[dict[str, Any]], str]:
    """Return the function from a document to its right answer as the task writes it."""
    target, named = str(spec.asked_as["doc_to_target"]), spec.asked_as["doc_to_choice"]
    if target != "gold":
        template = Template(target)
        return lambda doc: template.render(**doc)
    if isinstance(named, list):
        return lambda doc: str(named[doc["gold"]])
    return lambda doc: str(doc["options"][doc["gold"]] if named == "options" else LETTERS[doc["gold"]])
