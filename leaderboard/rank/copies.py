"""Flag rows that answer alike, whatever their names and boards, and rows that answer one letter."""

from collections.abc import Iterable
from dataclasses import replace

from leaderboard.rank.choices import answers_one_letter, letter_share
from leaderboard.rank.duplicates import by_date, flagged
from leaderboard.rank.relations import relation, short_source
from leaderboard.rank.row import Row
from leaderboard.rank.similar_answers import Likeness, find_alike
from leaderboard.verify.statuses import RANKED


def mark_copies(rows: Iterable[Row]) -> list[Row]:
    """Flag both of two rows that answer alike, on any boards and of any status; name the relation if it is known.

    Neither loses its rank: a date does not prove which is the copy.
    """
    rows = sorted(rows, key=lambda row: (*by_date(row), row.reason))
    places = [place for place, row in enumerate(rows) if row.items]
    with_items = [rows[place] for place in places]
    for place, likenesses in zip(places, find_alike(with_items), strict=True):
        flags = [_words(rows[place], with_items[likeness.other], likeness) for likeness in likenesses]
        rows[place] = flagged(rows[place], *flags)
    return rows


def _words(row: Row, other: Row, likeness: Likeness) -> str:
    counted = f"the same {'wrong choice' if likeness.by_choice else 'scores'} on {likeness.same} of {likeness.of} items"
    if likeness.is_related:
        return f"{relation(row, other)}: {counted}"
    there = f", on {other.board}" if other.board != row.board else ""
    return f"like {other.system} ({short_source(other)}{there}), gives {counted}: one may be a copy"


def mark_one_letter(rows: Iterable[Row]) -> list[Row]:
    """Flag ranked rows that answer one letter nearly always: they agree without having copied."""
    return [_one_letter(row) if row.status in RANKED and row.kind != "baseline" else row for row in rows]


def _one_letter(row: Row) -> Row:
    if not answers_one_letter(row):
        return row
    letter, share = letter_share(row)
    return replace(row, flags=(f"answers {letter} on {100 * share:.0f}% of items", *row.flags))
