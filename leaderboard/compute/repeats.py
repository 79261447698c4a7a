"""What counts once: runs of one identity, rows of one system, copies under another name."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from leaderboard.compute.row import Row
from leaderboard.validate import identity as who
from leaderboard.validate.run import RANKED, CheckedRun
from recipe_mpr_task.item import N_OPTIONS

_DIGITS = 4
"""Probabilities that agree so far on most items are of the same weights: records round, programs batch differently."""

_FEW = 20
_TELLING = 0.001


def mark_repeats(runs: Iterable[CheckedRun]) -> list[CheckedRun]:
    """Of several valid runs of one identity let the earliest count, so that nobody picks the best."""
    seen: dict[tuple[str, str], str] = {}
    kept = []
    for run in sorted(runs, key=lambda run: (who.date(run.run), run.run.source, run.run.task)):
        key = (run.run.task, who.identity(run.run))
        if run.status in RANKED and key in seen:
            reason = f"repeat of {seen[key]}: of one system's runs the earliest counts"
            kept.append(replace(run, status="excluded", reason=reason))
            continue
        if run.status in RANKED:
            seen[key] = run.run.source
        kept.append(run)
    return kept


def mark_repeated_rows(rows: Iterable[Row]) -> list[Row]:
    """Of two rows of one identity on one board (a whole run, and its folds pooled) let one count."""
    seen: dict[tuple[str, str], str] = {}
    kept = []
    for row in sorted(rows, key=lambda row: (row.task != row.board, row.source)):
        key = (row.board, row.extra["identity"])
        if row.status in RANKED and key in seen:
            reason = f"repeat of {seen[key]}: the same items asked the same way"
            kept.append(replace(row, status="excluded", reason=reason))
            continue
        if row.status in RANKED:
            seen[key] = row.source
        kept.append(row)
    return kept


def mark_copies(rows: Iterable[Row]) -> list[Row]:
    """Find rows of one board that answer alike, whatever they are called, and say so on both.

    A date proves nothing, so neither loses its rank to the other, unless they are one run read twice (a run and its
    record): the same name, date and scores.
    """
    kept: list[Row] = []
    by_answer: dict[tuple[str, str, bytes], list[int]] = defaultdict(list)
    by_choices: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.extra.get("date") or math.inf, row.source, row.reason)):
        if row.status not in RANKED or not row.items:
            kept.append(row)
            continue
        answers = _answers(row)
        shared = Counter(place for answer in answers for place in by_answer[answer])
        alike = by_choices[row.board, _choices(row)]
        other, what = _likeness(row, shared, alike)
        if other is not None and what == "" and _is_same_run(row, kept[other]):
            reason = f"repeat of {kept[other].source}: the same run, read twice"
            kept.append(replace(row, status="excluded", reason=reason))
            continue
        marked = row
        if other is not None:
            said = what or f"gives the same scores on {shared[other]} of {len(row.items)} items: one is a copy"
            marked = _flagged(row, f"like {kept[other].system} ({kept[other].source}), {said}")
            kept[other] = _flagged(kept[other], f"like {row.system} ({row.source}), {said}")
        kept.append(marked)
        alike.append(len(kept) - 1)
        for answer in answers:
            by_answer[answer].append(len(kept) - 1)
    return kept


def _likeness(row: Row, shared: Counter[int], alike: list[int]) -> tuple[int | None, str]:
    """The earlier row that this one answers like, and how, "" for the same scores; None if there is none."""
    if shared and (most := shared.most_common(1)[0])[1] >= max(_FEW, len(row.items) / 2):
        return most[0], ""
    return (alike[0], "chooses the same option on every item: perhaps a copy") if alike else (None, "")


def _is_same_run(row: Row, other: Row) -> bool:
    return (row.system, row.extra.get("date")) == (other.system, other.extra.get("date"))


def _flagged(row: Row, flag: str) -> Row:
    return replace(row, flags=(*row.flags, flag))


def _choices(row: Row) -> tuple[object, ...]:
    return tuple(sorted((item.item_id, item.chosen) for item in row.items))


def _answers(row: Row) -> list[tuple[str, str, bytes]]:
    """Each item's probabilities, rounded; without those that are anybody's: no preference, or no doubt."""
    items = [item for item in row.items if item.probabilities]
    if not items:
        return []
    probabilities = np.array([item.probabilities for item in items])
    best = probabilities.max(axis=1)
    tells = (best > 1 / N_OPTIONS + _TELLING) & (best < 1 - _TELLING)
    rounded = np.rint(probabilities * 10**_DIGITS).astype(np.int32)
    return [(row.board, items[k].item_id, rounded[k].tobytes()) for k in np.flatnonzero(tells)]
