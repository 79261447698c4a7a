"""Compute, from a run's few-shot seed, the shots that each prompt must contain, with their right answers."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from jinja2 import Template

from leaderboard.load.run import Run
from recipe_mpr_task.data import items_at_hand
from recipe_mpr_task.document import Document
from recipe_mpr_task.item import LETTERS, Item
from recipe_mpr_task.orders import display
from recipe_mpr_task.shot_selection import drawn_shots, shot_pool
from recipe_mpr_task.task_specs import TaskSpec, prompt_of

Shot = tuple[str, str]
"""A shot's prompt and its right answer."""


def why_unchecked(run: Run, spec: TaskSpec) -> str | None:
    """Return why a run's shots cannot be checked; None if they can, if the run has no shots, or if it is a record."""
    if not run.n_shot or run.is_record:
        return None
    if run.config.fewshot_seed is None:
        return "its shots were not checked: the few-shot seed was not logged"
    if shot_pool(spec.split) - _documents(run, spec).keys():
        return (
            "its shots were not checked: the dataset is not on this machine; "
            "run `recipe-mpr data fetch` and build the leaderboard again"
        )
    return None


def shots_of(run: Run, spec: TaskSpec) -> Callable[[Document], Sequence[Shot]] | None:
    """Return a function that takes a document of the dataset and returns the shots of its prompt.

    The run's seed determines the shots. Their texts come from the log, else from the dataset. The returned function
    returns no shots if there are too few candidates. Return None if the run has no shots, or if its shots are unknown.
    """
    seed = run.config.fewshot_seed
    if not run.n_shot or seed is None or why_unchecked(run, spec):
        return None
    drawn = drawn_shots(spec.split, spec.order, run.n_shot, seed)
    documents = _documents(run, spec)
    target = str(spec.asked_as["doc_to_target"])
    template = Template(target)

    def answer(document: Document) -> str:
        if target == "gold":
            return str(choices_of(document, spec)[document.gold])
        return str(template.render(**document.as_record()))

    def shots(document: Document) -> Sequence[Shot]:
        chosen = (documents[item_id] for item_id in drawn.get(document.item_id, ()))
        return [(prompt_of(shot, spec), answer(shot)) for shot in chosen]

    return shots


def documents_at_hand(spec: TaskSpec) -> Sequence[Document]:
    """Return all documents of the dataset; empty if the task uses the sample, or the dataset is not on this machine."""
    return () if spec.split == "sample" else tuple(_of_dataset(spec.order, items_at_hand()).values())


def choices_of(document: Document, spec: TaskSpec) -> Sequence[str]:
    """Return the five continuations that the task's `doc_to_choice` gives for a document."""
    named = spec.asked_as["doc_to_choice"]
    return named if isinstance(named, list) else document.options if named == "options" else LETTERS


def _documents(run: Run, spec: TaskSpec) -> Mapping[str, Document]:
    """Return the logged documents by item id. If the log lacks possible shots, add the documents of the dataset."""
    logged = {sample.item_id: sample.doc for sample in run.items}
    return logged if shot_pool(spec.split) <= logged.keys() else {**_of_dataset(spec.order, items_at_hand()), **logged}


@lru_cache(maxsize=4)
def _of_dataset(order: str, items: tuple[Item, ...]) -> Mapping[str, Document]:
    """Return a document for each of `items`, by item id, with options in `order`."""
    return {
        shown.item.item_id: Document(
            item_id=shown.item.item_id,
            query=shown.item.query,
            options=[option.text for option in shown.options],
            option_ids=[option.recipe_id for option in shown.options],
            gold=shown.gold,
            query_types=list(shown.item.query_types),
        )
        for shown in (display(item, order) for item in items)
    }
