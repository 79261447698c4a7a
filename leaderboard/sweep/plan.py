"""Make the plan of a sweep: the state of each cell before anything runs, and the estimated number of tokens."""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from leaderboard.sweep.cells import Cell, groups_of, refusal
from leaderboard.sweep.models import BASELINE, ENCODER
from leaderboard.sweep.recognition import Recognition, key_of
from recipe_mpr_task.data import items_at_hand, load_sample
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task_specs import task_spec

Status = Literal["there", "waiting", "running", "done", "failed", "refused", "repeat"]
_CHARACTERS_A_TOKEN = 4.2
"""Mean length of a token in English text, for byte-pair tokenizers of 30,000 to 150,000 tokens."""

_MOST_LINES = 60


@dataclass
class CellState:
    """The state of a cell.

    Attributes:
        status: `there` if the result existed before the sweep; `repeat` if another cell is the same measurement.
        note: why the cell has its status; "" for no note.
        n_items: number of items that the task scores.
        tokens: estimated number of tokens that the model reads.
        fraction: fraction of the items that are done, from 0 to 1.
        started: time at which the cell started, or later at which its model was loaded, in seconds of `time.monotonic`.
        seconds: duration of the cell since `started`; None if the cell is not done.
        tries: number of processes that have started the cell.
    """

    cell: Cell
    status: Status
    note: str = ""
    n_items: int = 0
    tokens: int = 0
    fraction: float = 0.0
    started: float | None = None
    seconds: float | None = None
    tries: int = 0


def make_plan(
    cells: Sequence[Cell], there: Recognition, cannot: Callable[[Cell], str | None] = lambda _: None
) -> list[CellState]:
    """Return the state of each cell before the sweep.

    Args:
        cells: the sweep's cells.
        there: the existing runs.
        cannot: returns why a cell cannot be run here, or None. The cell then fails, unless its result exists.
    """
    states: list[CellState] = []
    first: dict[str, Cell] = {}
    for cell in cells:
        state = CellState(cell, "waiting", n_items=len(scored_ids(task_spec(cell.task).split)))
        states.append(state)
        if reason := refusal(cell):
            state.status, state.note = "refused", reason
            continue
        if (same := first.setdefault(key_of(cell), cell)) is not cell:
            state.status, state.note = "repeat", f"same measurement as {same.name}"
        elif run := there.find(cell):
            state.status, state.note = "there", run.source
        elif reason := cannot(cell):
            state.status, state.note = "failed", reason
        else:
            state.tokens = estimated_tokens(cell)
    return states


def estimated_tokens(cell: Cell) -> int:
    """Estimate how many tokens a model reads for a cell. Generated tokens are not counted."""
    spec = task_spec(cell.task)
    if cell.model.backend == BASELINE:
        return 0
    n_items, query, option, prompt = len(scored_ids(spec.split)), *_lengths(spec.split, spec.prompt)
    if cell.model.backend == ENCODER:
        characters = N_OPTIONS * (query + option)
    else:
        rotations = max(1, spec.n_responses // N_OPTIONS)
        characters = (prompt * (1 + cell.shots) + len(spec.description)) * rotations
        if "options" in str(spec.asked_as.get("doc_to_choice")):
            characters = N_OPTIONS * (characters + option)  # each option is scored as a text after the prompt
    return round(n_items * characters / _CHARACTERS_A_TOKEN)


@cache
def _lengths(split: str, prompt: str) -> tuple[float, float, float]:
    """Return the mean number of characters of a query, an option and a prompt.

    If the dataset is not on this machine, the embedded sample is used.
    """
    items = load_sample() if split == "sample" else items_at_hand() or load_sample()
    shown = [display(item, "shuffled") for item in items]
    texts = [[option.text for option in one.options] for one in shown]
    prompts = [
        render(prompt, {"query": one.item.query, "options": options, "letters": list(LETTERS)})
        for one, options in zip(shown, texts, strict=True)
    ]
    return (
        statistics.fmean(len(one.item.query) for one in shown),
        statistics.fmean(len(text) for options in texts for text in options),
        statistics.fmean(map(len, prompts)),
    )


def plan_text(states: Sequence[CellState], *, whole: bool) -> str:
    """Return the plan as a table and a summary. If `whole` is false, a plan of more than 60 cells has no table."""
    from tabulate import tabulate

    text = ""
    if whole or len(states) <= _MOST_LINES:
        lines = [
            (s.status, s.cell.model.name, s.cell.task, s.cell.how, s.n_items, f"{s.tokens:,}", s.note) for s in states
        ]
        headers = ("State", "Model", "Task", "How", "Items", "Tokens, about", "Note")
        text = tabulate(lines, headers, tablefmt="simple", disable_numparse=True, maxcolwidths=[*[None] * 6, 70])
        text += "\n\n"
    waiting = [s for s in states if s.status == "waiting"]
    n_tokens, groups = sum(s.tokens for s in waiting), len(groups_of(s.cell for s in waiting))
    n_cells = "1 cell" if len(states) == 1 else f"{len(states)} cells"
    return f"{text}{n_cells}: {counts_text(states)}. To run: {groups} model loads, about {n_tokens:,} tokens."


def counts_text(states: Sequence[CellState]) -> str:
    """Return the number of cells with each status as text, such as "3 there, 8 waiting, 1 refused"."""
    counts = Counter(state.status for state in states)
    order: tuple[Status, ...] = ("there", "done", "running", "waiting", "failed", "refused", "repeat")
    return ", ".join(f"{counts[status]} {status}" for status in order if counts[status])
