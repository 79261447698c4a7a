"""What counts once: runs of one identity, rows of one system, copies under another name."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from leaderboard.compute.row import Row
from leaderboard.compute.statistics import Ints
from leaderboard.validate.run import RANKED

_FEW = 20
"""Items: fewer that answer alike prove nothing."""


def mark_repeats(rows: Iterable[Row]) -> list[Row]:
    """Of several valid rows of one identity on one task let the earliest count, so that nobody picks the best."""
    why = "of one system's runs the earliest counts"
    return _one_each(sorted(rows, key=lambda row: (*_by_date(row), row.task)), lambda row: row.task, why)


def mark_repeated_rows(rows: Iterable[Row]) -> list[Row]:
    """Of two rows of one identity on one board (a whole run, and its folds pooled) let one count."""
    why = "the same items asked the same way"
    return _one_each(sorted(rows, key=lambda row: (row.task != row.board, row.source)), lambda row: row.board, why)


def _one_each(rows: Iterable[Row], place: Callable[[Row], str], why: str) -> list[Row]:
    """Let the first row of each identity at a place count; exclude the later ones, and say on both if they disagree."""
    seen: dict[tuple[str, str], int] = {}
    kept: list[Row] = []
    for row in rows:
        key = (place(row), row.identity)
        if row.status in RANKED and key in seen:
            first = kept[seen[key]]
            reason = f"repeat of {first.source}: {why}"
            if row.score.acc != first.score.acc:
                reason += f"; this one scores {_percent(row)}, that one {_percent(first)}"
                kept[seen[key]] = _flagged(first, f"run again ({row.source}) it scores {_percent(row)}")
            kept.append(replace(row, status="excluded", reason=reason))
            continue
        if row.status in RANKED:
            seen[key] = len(kept)
        kept.append(row)
    return kept


def _percent(row: Row) -> str:
    return f"{100 * (row.score.acc or 0):.1f}"


def _by_date(row: Row) -> tuple[float, str]:
    return row.extra.get("date") or math.inf, row.source


def mark_copies(rows: Iterable[Row]) -> list[Row]:
    """Find rows of one board that answer alike, whatever they are called, and say so on both.

    A date proves nothing, so neither loses its rank to the other, unless they are one run read twice (a run and its
    record): the same name, date and scores.
    """
    rows = sorted(rows, key=lambda row: (*_by_date(row), row.reason))
    given_twice = _answers_given_twice(rows)
    kept: list[Row] = []
    by_answer: dict[tuple[str, int], list[int]] = defaultdict(list)
    by_choices: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        if not _may_be_copy(row):
            kept.append(row)
            continue
        answers = [(row.board, answer) for answer in np.intersect1d(row.items.answers, given_twice).tolist()]
        shared = Counter(place for answer in answers for place in by_answer[answer])
        alike = by_choices[row.board, row.items.choices] if row.items.choices else []
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


def _may_be_copy(row: Row) -> bool:
    return row.status in RANKED and bool(row.items)


def _answers_given_twice(rows: Iterable[Row]) -> Ints:
    """The answers that more than one row gave: the few that need a closer look."""
    given = [row.items.answers for row in rows if _may_be_copy(row)]
    answers, times = np.unique(np.concatenate(given) if given else np.array([], np.int64), return_counts=True)
    return answers[times > 1]


def mark_namesakes(rows: Iterable[Row]) -> list[Row]:
    """Mark ranked rows of one board that share a name, unless shots, prompt, chat or system text tell them apart."""
    rows = list(rows)
    by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.status in RANKED:
            by_name[row.board, " ".join(row.system.lower().split())].append(place)
    for places in by_name.values():
        for k in places:
            same = (j for j in places if j != k and not _is_asked_otherwise(rows[j], rows[k]))
            if (other := next(same, None)) is not None:
                rows[k] = _flagged(rows[k], f"has the name of another row ({rows[other].source})")
    return rows


def _is_asked_otherwise(row: Row, other: Row) -> bool:
    keys = ("shots", "prompt", "chat_template", "system_text")
    return row.kind == other.kind and any(row.extra.get(key) != other.extra.get(key) for key in keys)


def _likeness(row: Row, shared: Counter[int], alike: list[int]) -> tuple[int | None, str]:
    """The earlier row that this one answers like, and how, "" for the same scores; None if there is none."""
    if shared and (most := shared.most_common(1)[0])[1] >= max(_FEW, len(row.items) / 2):
        return most[0], ""
    return (alike[0], "chooses the same option on every item: perhaps a copy") if alike else (None, "")


def _is_same_run(row: Row, other: Row) -> bool:
    return (row.system, row.extra.get("date")) == (other.system, other.extra.get("date"))


def _flagged(row: Row, flag: str) -> Row:
    return replace(row, flags=(*row.flags, flag))
