"""What counts once: runs of one identity, rows of one system, one run read twice."""

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace

from leaderboard.load.names import folded
from leaderboard.rank.choices import differing
from leaderboard.rank.row import Row
from leaderboard.verify.checks import RANKED
from leaderboard.verify.training import CACHE_DOUBT

_READ_TWICE = "the same run, read twice"


def mark_repeats(rows: Iterable[Row]) -> list[Row]:
    """Of several valid rows of one identity on one task let the earliest count, so that nobody picks the best."""
    why = "of one system's runs the earliest counts"
    return _one_each(sorted(rows, key=lambda row: (*by_date(row), row.task)), lambda row: row.task, why)


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
            if _stands_instead(row, first):
                reason = f"repeat of {row.source}, of which more is known: {why}; {first.reason}"
                kept[seen[key]] = replace(first, status="excluded", reason=reason)
                seen[key] = len(kept)
                kept.append(row)
                continue
            disagreement = _disagreement(row, first)
            reason = f"repeat of {first.source}: {_READ_TWICE if _is_one_run(row, first) else why}"
            if disagreement:
                reason += f"; {disagreement}: this one scores {_percent(row)}, that one {_percent(first)}"
                said = f"run again ({row.source}) it scores {_percent(row)}; {disagreement}"
                kept[seen[key]] = flagged(first, said)
            kept.append(replace(row, status="excluded", reason=reason))
            continue
        if row.status in RANKED:
            seen[key] = len(kept)
        kept.append(row)
    return kept


def _stands_instead(row: Row, first: Row) -> bool:
    """Whether a later run counts: more is known of it, and the first answers alike, or from a cache.

    So nobody can pick the better of two runs, and a run made again as it should be is not lost.
    """
    return _doubt(row) < _doubt(first) and (CACHE_DOUBT in first.flags or not differing(row, first))


def _disagreement(row: Row, first: Row) -> str:
    """On how many items two rows of one identity chose otherwise; nothing if on none."""
    different = differing(row, first)
    return f"the two differ on {different} of {len(row.items)} items" if different else ""


def _percent(row: Row) -> str:
    return f"{100 * (row.score.acc or 0):.1f}"


def by_date(row: Row) -> tuple[float, str]:
    """Return what puts the earliest run first."""
    return row.extra.get("date") or math.inf, row.source


def mark_read_twice(rows: Iterable[Row]) -> list[Row]:
    """Of a run and its record, whose identities may differ by a folder, let one count: the more doubtful one.

    They have one name, one date and one choice on every item; probabilities tell nothing where a model is sure.
    """
    doubtful_first = sorted(rows, key=lambda row: (tuple(-d for d in _doubt(row)), *by_date(row), row.reason))
    seen: dict[tuple[Hashable, ...], int] = {}
    kept: list[Row] = []
    for row in doubtful_first:
        key = (row.board, row.task, folded(row.system), row.extra.get("date"))
        if row.status in RANKED and key in seen and _is_one_run(row, kept[seen[key]]):
            first = kept[seen[key]]
            kept[seen[key]] = replace(first, flags=tuple(dict.fromkeys((*first.flags, *row.flags))))
            reason = f"repeat of {first.source}: {_READ_TWICE}"
            kept.append(replace(row, status="excluded", reason=reason, identity=first.identity))
            continue
        if row.status in RANKED and row.items:
            seen.setdefault(key, len(kept))
        kept.append(row)
    return kept


def _doubt(row: Row) -> tuple[int, int]:
    """How doubtful a ranked row is; of rows without rank nothing needs to be known."""
    return (int(CACHE_DOUBT in row.flags), RANKED.index(row.status)) if row.status in RANKED else (0, 0)


def _is_one_run(row: Row, other: Row) -> bool:
    date = row.extra.get("date")
    has_choices = bool(row.items.choices and other.items.choices)
    return date is not None and date == other.extra.get("date") and has_choices and not differing(row, other)


def flagged(row: Row, *flags: str) -> Row:
    """Return the row with further flags."""
    return replace(row, flags=(*row.flags, *flags))
