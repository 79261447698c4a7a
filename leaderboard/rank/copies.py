"""Says which rows answer alike, whatever they are called and wherever they stand, and which answer one letter."""

from collections.abc import Iterable
from dataclasses import replace

from leaderboard.rank.choices import answers_one_letter, letter_share
from leaderboard.rank.duplicates import by_date, flagged
from leaderboard.rank.relations import relation, short_source
from leaderboard.rank.row import Row
from leaderboard.rank.similar_answers import Likeness, find_alike
from leaderboard.verify.checks import RANKED


def mark_copies(rows: Iterable[Row]) -> list[Row]:
    """Find rows that answer alike, on any boards and of any status, and say so on both.

    A date proves nothing, so neither loses its rank to the other. What is known to belong together is said to be so.
    """
    rows = sorted(rows, key=lambda row: (*by_date(row), row.reason))
    places = [place for place, row in enumerate(rows) if row.items]
    looked_at = [rows[place] for place in places]
    for place, likenesses in zip(places, find_alike(looked_at), strict=True):
        said = [_words(rows[place], looked_at[found.other], found) for found in likenesses]
        rows[place] = flagged(rows[place], *said) if said else rows[place]
    return rows


def _words(row: Row, other: Row, found: Likeness) -> str:
    counted = f"the same {'wrong choice' if found.by_choice else 'scores'} on {found.same} of {found.of} items"
    if found.is_related:
        return f"{relation(row, other)}: {counted}"
    there = f", on {other.board}" if other.board != row.board else ""
    return f"like {other.system} ({short_source(other)}{there}), gives {counted}: one may be a copy"


def mark_one_letter(rows: Iterable[Row]) -> list[Row]:
    """Say of ranked rows that they answer one letter nearly always: so they agree, and have copied nothing."""
    return [_one_letter(row) if row.status in RANKED and row.kind != "baseline" else row for row in rows]


def _one_letter(row: Row) -> Row:
    if not answers_one_letter(row):
        return row
    letter, share = letter_share(row)
    return replace(row, flags=(f"answers {letter} on {100 * share:.0f}% of items", *row.flags))
