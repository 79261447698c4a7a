"""Rows of one board that share a name, or have names that look alike."""

from collections import defaultdict
from collections.abc import Iterable

from leaderboard.load.names import folded
from leaderboard.rank.duplicates import flagged
from leaderboard.rank.relations import recipe_key, seed
from leaderboard.rank.row import Row
from leaderboard.verify.checks import RANKED


def mark_namesakes(rows: Iterable[Row]) -> list[Row]:
    """Mark ranked rows of one board that share a name, unless shots, prompt, chat or system text tell them apart.

    Names are compared without case, accents, white space and invisible characters, look-alikes made one. Names that
    differ but look alike are marked however the systems were asked. Rows of one server and model name that only their
    display names tell apart are marked as well: it may be one model, run again.
    """
    rows = list(rows)
    by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
    by_server: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.status in RANKED:
            by_name[row.board, folded(row.system)].append(place)
        if row.status in RANKED and (server := row.extra.get("server_key")):
            by_server[row.board, server].append(place)
    groups = [(places, _said) for places in by_name.values()] + [(places, _served) for places in by_server.values()]
    for places, words in groups:
        group = [rows[place] for place in places]
        for place, row in zip(places, group, strict=True):
            if (said := words(row, group)) is not None:
                rows[place] = flagged(rows[place], said)
    return rows


def _served(row: Row, group: Iterable[Row]) -> str | None:
    """What is said of rows that one server gave under one model name, and that only their display names tell apart."""
    names = (other for other in group if _plain(other) != _plain(row) and not _is_asked_otherwise(row, other))
    other = next(names, None)
    return f"asked of the same server and model name as {other.system} ({other.source})" if other else None


def _said(row: Row, group: Iterable[Row]) -> str | None:
    others = [other for other in group if other is not row]
    if other := next((other for other in others if _plain(other) != _plain(row)), None):
        return f"its name looks like that of another row: {other.system} ({other.source})"
    same = (other for other in others if not _is_asked_otherwise(row, other) and not _is_other_seed(row, other))
    return f"has the name of another row ({other.source})" if (other := next(same, None)) else None


def _plain(row: Row) -> str:
    return " ".join(row.system.casefold().split())


def _is_other_seed(row: Row, other: Row) -> bool:
    """Whether two rows are seeds of one recipe, which have its name."""
    return recipe_key(row) is not None and recipe_key(row) == recipe_key(other) and seed(row) != seed(other)


def _is_asked_otherwise(row: Row, other: Row) -> bool:
    keys = ("shots", "prompt", "chat_template", "system_text")
    return row.kind == other.kind and any(row.extra.get(key) != other.extra.get(key) for key in keys)
