"""What counts once: runs of one identity, rows of one system, copies under another name."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from leaderboard import identity as who
from leaderboard.row import Row
from leaderboard.validate import RANKED, CheckedRun

_DIGITS = 4
"""Probabilities that agree so far on most items are of the same weights: records round, programs batch differently."""

_FEW = 20


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
    """Find rows of one board that answer alike, whatever they are called; the earliest counts.

    The same scores on half of the items or more, or an import of the same choices, is a copy and loses its rank. The
    same choices by other scores can be chance (a model that always answers "A"): both rows keep their rank and say so.
    """
    kept: list[Row] = []
    by_answer: dict[tuple[object, ...], list[int]] = defaultdict(list)
    by_choices: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.extra.get("date") or math.inf, row.source, row.reason)):
        if row.status not in RANKED or not row.items:
            kept.append(row)
            continue
        answers = _answers(row)
        shared = Counter(place for answer in answers for place in by_answer[answer])
        alike = by_choices[row.board, _choices(row)]
        imports = [place for place in alike if who.IMPORTED in (row.kind, kept[place].kind)]
        if shared and (most := shared.most_common(1)[0])[1] >= max(_FEW, len(row.items) / 2):
            _mark(kept, row, most[0], f"gives the same scores on {most[1]} of {len(row.items)} items")
        elif imports:
            _mark(kept, row, imports[0], "chooses the same option on every item")
        else:
            if alike:
                other = kept[alike[0]]
                kept[alike[0]] = _flagged(other, f"{row.system} chooses the same option on every item")
            kept.append(_flagged(row, f"chooses as {kept[alike[0]].system} does on every item") if alike else row)
            alike.append(len(kept) - 1)
            for answer in answers:
                by_answer[answer].append(len(kept) - 1)
    return kept


def _mark(kept: list[Row], copy: Row, original: int, what: str) -> None:
    """Take a copy's rank, and say so on both rows."""
    other = kept[original]
    reason = f"{what} as {other.system} ({other.source}): a copy, of which the earliest counts"
    kept.append(replace(copy, status="excluded", reason=reason))
    kept[original] = _flagged(
        other, f"{copy.system} ({copy.source}) {what}: one is a copy, and this the earlier by date"
    )


def _flagged(row: Row, flag: str) -> Row:
    return replace(row, flags=(*row.flags, flag))


def _choices(row: Row) -> tuple[object, ...]:
    return tuple(sorted((item.item_id, round(item.accuracy, 6), tuple(sorted(item.chosen))) for item in row.items))


def _answers(row: Row) -> list[tuple[object, ...]]:
    """Each item's probabilities, rounded; those of an item without any preference would be anybody's."""
    return [
        (row.board, item.item_id, *(round(p, _DIGITS) for p in item.probabilities))
        for item in row.items
        if item.probabilities and max(item.probabilities) - min(item.probabilities) > 10**-_DIGITS
    ]
