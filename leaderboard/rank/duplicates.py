"""Exclude a system's repeats: a later run of a task, pooled folds next to a run on all items, a run read twice."""

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace

from leaderboard.rank.row import Row
from leaderboard.rank.similar_answers import differing
from leaderboard.verify.checks import RANDOM_WEIGHTS
from leaderboard.verify.forensics import CACHE_DOUBT
from leaderboard.verify.statuses import RANKED
from recipe_mpr_task.names import folded

_READ_TWICE = "the same run, read twice"
_REPEAT = "repeat of"


def mark_repeats(rows: Iterable[Row]) -> list[Row]:
    """Keep one ranked run for each identity and task, by default the earliest, so that users cannot pick the best."""
    why = "only the earliest run of a system is ranked"
    return _one_each(sorted(rows, key=lambda row: (*by_date(row), row.task)), lambda row: row.task, why)


def mark_repeated_rows(rows: Iterable[Row]) -> list[Row]:
    """Keep one ranked row for each identity and board. A run on all items is preferred to pooled folds."""
    why = "same items and same settings"
    return _one_each(sorted(rows, key=lambda row: (row.task != row.board, row.source)), lambda row: row.board, why)


def _one_each(rows: Iterable[Row], place: Callable[[Row], str], why: str) -> list[Row]:
    """Keep one ranked row for each identity and place (task or board): the first, or a later row with less doubt.

    Exclude the other rows with the reason `why`. If the answers of an excluded later row differ from those of the first
    row, each of the two rows gets a note.
    """
    seen: dict[tuple[str, str], int] = {}
    kept: list[Row] = []
    for row in rows:
        key = (place(row), row.keys.identity)
        if not is_measurement(row) or seen.setdefault(key, len(kept)) == len(kept):
            kept.append(row)
            continue
        first = kept[seen[key]]
        different = differing(row.items, first.items)
        # Keep a later row with less doubt in two cases: its answers are the first row's, or the first run used a cache.
        # So a user can replace a run that used a cache, but cannot pick the better of two runs without a cache.
        if _doubt(row) < _doubt(first) and (CACHE_DOUBT in first.flags or not different):
            reason = f"{_REPEAT} {row.source}, which has a better status or used no cache: {why}; {first.reason}"
            kept[seen[key]] = replace(first, status="excluded", reason=reason)
            seen[key] = len(kept)
            kept.append(row)
            continue
        is_one_run = _is_one_run(row, first)
        agreement = "" if different or is_one_run else f", with the same answers on all {len(row.items)} items"
        reason = f"{_REPEAT} {first.source}{agreement}: {_READ_TWICE if is_one_run else why}"
        if different:
            disagreement = f"the two runs differ on {different} of {len(row.items)} items"
            mine, theirs = (f"{100 * (one.score.acc or 0):.1f}" for one in (row, first))
            reason += f"; {disagreement}: this run scores {mine}%, the other {theirs}%"
            kept[seen[key]] = flagged(first, f"another run ({row.source}) scores {mine}%; {disagreement}")
        kept.append(replace(row, status="excluded", reason=reason))
    return kept


def is_repeat(row: Row) -> bool:
    """Return whether a row is excluded because another run of the same system is ranked."""
    return row.status == "excluded" and row.reason.startswith(_REPEAT)


def is_measurement(row: Row) -> bool:
    """Return whether a row is ranked, or is excluded because of its random weights. Only these rows are pooled."""
    return row.status in RANKED or (row.status == "excluded" and row.reason.startswith(RANDOM_WEIGHTS))


def by_date(row: Row) -> tuple[float, str]:
    """Return a sort key that puts the earliest run first and runs without a date last."""
    return row.date or math.inf, row.source


def mark_read_twice(rows: Iterable[Row]) -> list[Row]:
    """Keep the row with more doubt if a run was read twice, as a results file and as a record. Exclude the other row.

    Identities are not compared, because an identity can depend on a folder's path. Two ranked rows are one run if
    board, task, name, date, and the choice and accuracy on every item are equal. The kept row gets the flags of both
    rows.
    """
    doubtful_first = sorted(rows, key=lambda row: (tuple(-d for d in _doubt(row)), *by_date(row), row.reason))
    seen: dict[tuple[Hashable, ...], int] = {}
    kept: list[Row] = []
    for row in doubtful_first:
        key = (row.board, row.task, folded(row.system), row.date)
        if row.status in RANKED and key in seen and _is_one_run(row, kept[seen[key]]):
            first = kept[seen[key]]
            kept[seen[key]] = replace(first, flags=tuple(dict.fromkeys((*first.flags, *row.flags))))
            reason = f"{_REPEAT} {first.source}: {_READ_TWICE}"
            keys = replace(row.keys, same_as=first.keys.measurement)
            kept.append(replace(row, status="excluded", reason=reason, keys=keys))
            continue
        if row.status in RANKED and row.items:
            seen.setdefault(key, len(kept))
        kept.append(row)
    return kept


def _doubt(row: Row) -> tuple[int, int]:
    """Return (1 if a cache was used else 0, index of the status in `RANKED`); (0, 0) if unranked. Larger is worse."""
    return (int(CACHE_DOUBT in row.flags), RANKED.index(row.status)) if row.status in RANKED else (0, 0)


def _is_one_run(row: Row, other: Row) -> bool:
    has_choices = bool(row.items.choices and other.items.choices)
    return has_choices and row.date is not None and row.date == other.date and not differing(row.items, other.items)


def flagged(row: Row, *flags: str) -> Row:
    """Return a copy of the row with these flags added."""
    return replace(row, flags=(*row.flags, *flags))
