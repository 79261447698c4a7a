"""How many tries stand behind a row, as far as this build knows: seeds of its recipe, settings of its system."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from leaderboard.rank.relations import recipe_key, seed
from leaderboard.rank.row import Row
from leaderboard.verify.checks import RANKED

_ELSEWHERE = "tries elsewhere are unknown"

Seeds = dict[Any, set[str]]


def mark_tries(rows: Iterable[Row], runs: Iterable[Row]) -> list[Row]:
    """Say on each row how many seeds of its recipe, and settings of its system, are known.

    Sets `extra["tries"]`, in words, and the numbers `seeds_shown`, `seeds_known` and `settings`, where they are known.

    Args:
        rows: of all boards.
        runs: everything that was read, which may hold runs that no row shows.
    """
    rows = list(rows)
    known = _seeds([*rows, *runs])
    ranked: dict[str, list[Row]] = defaultdict(list)
    settings: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.status in RANKED:
            ranked[row.board].append(row)
        if (key := row.extra.get("system_key")) is not None and row.score.acc is not None:
            settings[row.board, str(key)].append(row)
    shown = {board: _seeds(here) for board, here in ranked.items()}
    return [_told(row, known, shown.get(row.board, {}), settings) for row in rows]


def _seeds(rows: Iterable[Row]) -> Seeds:
    found: Seeds = defaultdict(set)
    for row in rows:
        if (key := recipe_key(row)) is not None and (number := seed(row)) is not None:
            found[str(key)].add(str(number))
    return found


def _told(row: Row, known: Seeds, shown: Seeds, settings: dict[tuple[str, str], list[Row]]) -> Row:
    """Set on one row what is known of its tries."""
    said: list[str] = []
    numbers: dict[str, int] = {}
    if (key := str(recipe_key(row))) in known:
        numbers = {"seeds_shown": len(shown.get(key, ())), "seeds_known": len(known[key])}
        said.append(_seeds_told(**numbers))
    here = settings.get((row.board, str(row.extra.get("system_key"))), [])
    if (count := len({other.identity or str(other.extra.get("setting_key")) for other in here})) > 1:
        numbers["settings"] = count
        best = max((other.score.acc or 0 for other in here if other.status in RANKED), default=None)
        is_best = row.status in RANKED and row.score.acc == best
        said.append(f"{'best' if is_best else 'one'} of {count} settings of this system here")
    if not said:
        return row
    if "settings" not in numbers or said[-1].startswith("best"):
        said.append(_ELSEWHERE)
    return replace(row, extra={**row.extra, "tries": "; ".join(said), **numbers})


def _seeds_told(seeds_shown: int, seeds_known: int) -> str:
    if seeds_known == 1:
        return "one seed of this recipe here"
    return f"{seeds_shown} of {seeds_known} seeds of this recipe stand here"
