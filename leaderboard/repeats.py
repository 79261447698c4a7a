"""What counts once: runs of one identity, rows of one system, copies under another name."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from leaderboard import identity as who
from leaderboard.row import Row
from leaderboard.validate import RANKED, CheckedRun

_SAME_SCORE = 1e-5
"""Probabilities nearer than this on every item are of the same weights: records round, programs batch differently."""


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
    """Find rows of one board that answer every item alike, whatever they are called; the earliest counts.

    The same scores, or an import of the same choices, is a copy and loses its rank. The same choices by other
    scores can be chance (a model that always answers "A"): both rows keep their rank and say so.
    """
    kept: list[Row] = []
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.extra.get("date") or math.inf, row.source, row.reason)):
        if row.status not in RANKED or not row.items:
            kept.append(row)
            continue
        earlier = alike[row.board, _choices(row)]
        original = next((i for i in earlier if _is_copy(row, kept[i])), None)
        if original is not None:
            other = kept[original]
            reason = f"answers every item as {other.system} ({other.source}) does: a copy, of which the earliest counts"
            kept.append(replace(row, status="excluded", reason=reason))
            kept[original] = _flagged(other, f"{row.system} ({row.source}) is a copy of it by its answers")
            continue
        if earlier:
            other = kept[earlier[0]]
            kept[earlier[0]] = _flagged(other, f"{row.system} chooses the same option on every item")
        flag = f"chooses as {kept[earlier[0]].system} does on every item" if earlier else None
        earlier.append(len(kept))
        kept.append(_flagged(row, flag) if flag else row)
    return kept


def _flagged(row: Row, flag: str) -> Row:
    return replace(row, flags=(*row.flags, flag))


def _choices(row: Row) -> tuple[object, ...]:
    return tuple(sorted((item.item_id, round(item.accuracy, 6), tuple(sorted(item.chosen))) for item in row.items))


def _is_copy(row: Row, other: Row) -> bool:
    ours, theirs = _probabilities(row), _probabilities(other)
    if ours is None or theirs is None:
        return who.IMPORTED in (row.kind, other.kind)
    return bool(np.allclose(ours, theirs, rtol=0, atol=_SAME_SCORE))


def _probabilities(row: Row) -> np.ndarray | None:
    found = [item.probabilities for item in sorted(row.items, key=lambda item: item.item_id)]
    return None if any(p is None for p in found) else np.array(found)
