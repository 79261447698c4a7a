"""Flag rows with the same name or server, and count the seeds and settings that were tried for each row."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from leaderboard.rank.duplicates import flagged
from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import Tries
from leaderboard.verify.statuses import RANKED
from recipe_mpr_task.names import folded

Seeds = dict[str, set[str]]


def mark_namesakes(rows: Iterable[Row]) -> list[Row]:
    """Flag ranked rows of one board that may be the same system.

    - Same name: flagged, unless shots, prompt, chat template, system text or the seeds of one recipe differ.
    - Names that look alike but differ in more than case and spaces, for example in accents: always flagged.
    - Different names, same server and model name: flagged, unless shots, prompt, chat template or system text differ.
    """
    rows = list(rows)
    _flag_groups(rows, lambda row: folded(row.system), _name_flag)
    _flag_groups(rows, lambda row: row.keys.server, _server_flag)
    return rows


def _flag_groups(
    rows: list[Row], key_of: Callable[[Row], str | None], flag_of: Callable[[Row, Sequence[Row]], str | None]
) -> None:
    """Flag ranked rows in place. `flag_of` compares a row with the other ranked rows of the same board and key."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.status in RANKED and (key := key_of(row)) is not None:
            groups[row.board, key].append(place)
    for places in groups.values():
        group = [rows[place] for place in places]
        for place, row in zip(places, group, strict=True):
            if flag := flag_of(row, [other for other in group if other is not row]):
                rows[place] = flagged(row, flag)


def _name_flag(row: Row, others: Sequence[Row]) -> str | None:
    if other := next((other for other in others if _plain(other) != _plain(row)), None):
        return f"the name looks like another row's name: {other.system} ({other.source})"
    for other in others:
        is_one_recipe = row.keys.recipe is not None and row.keys.recipe == other.keys.recipe
        if not _is_asked_otherwise(row, other) and not (is_one_recipe and row.keys.seed != other.keys.seed):
            return f"has the same name as another row ({other.source})"
    return None


def _server_flag(row: Row, others: Sequence[Row]) -> str | None:
    for other in others:
        if _plain(other) != _plain(row) and not _is_asked_otherwise(row, other):
            return f"same server and model name as {other.system} ({other.source})"
    return None


def _plain(row: Row) -> str:
    return " ".join(row.system.casefold().split())


def _is_asked_otherwise(row: Row, other: Row) -> bool:
    mine, theirs = (replace(one.asked, generation=None) for one in (row, other))
    return row.kind == other.kind and mine != theirs


def mark_tries(rows: Iterable[Row], runs: Iterable[Row]) -> list[Row]:
    """Add to each row the number of seeds of its recipe and the number of settings of its system.

    `rows` are the rows of all boards. `runs` are all runs that were read, even runs that are not on a board.
    """
    rows, runs = list(rows), list(runs)
    known, checkpoints = _seeds([*rows, *runs]), _checkpoints([*rows, *runs])
    shown = {
        board: _seeds(row for row in rows if row.board == board and row.status in RANKED)
        for board in {row.board for row in rows}
    }
    by_system: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
    for row in rows:
        if row.keys.system is not None and row.score.acc is not None:
            by_system[row.board, row.keys.system].append(row)
    return [
        replace(row, tries=_tries(row, known, shown[row.board], by_system[row.board, row.keys.system], checkpoints))
        for row in rows
    ]


def _checkpoints(rows: Iterable[Row]) -> dict[str, int]:
    """Return for each system the number of its scored checkpoints that training did not select."""
    marks: dict[str, set[tuple[str | None, str]]] = defaultdict(set)
    for row in rows:
        if row.keys.system is not None and row.training and row.training.unselected:
            marks[row.keys.system].add((row.training.split, row.training.unselected))
    return {system: len(of_system) for system, of_system in marks.items()}


def _seeds(rows: Iterable[Row]) -> Seeds:
    """Return the set of seeds of each recipe, by the recipe's hash."""
    seeds: Seeds = defaultdict(set)
    for row in rows:
        if row.keys.recipe is not None and row.keys.seed is not None:
            seeds[row.keys.recipe].add(str(row.keys.seed))
    return seeds


def _tries(
    row: Row, known: Seeds, shown: Seeds, same_system: Sequence[Row], unselected: Mapping[str, int]
) -> Tries | None:
    """Return a row's tries; None if no seed of its recipe is known and its system has one setting and checkpoint.

    `known` has the seeds in all runs. `shown` has the seeds of the ranked rows on the row's board. `unselected` has
    by system the number of checkpoints that training did not select.
    """
    parts: list[str] = []
    seeds_shown = seeds_known = None
    if (recipe := row.keys.recipe) is not None and recipe in known:
        seeds_shown, seeds_known = len(shown.get(recipe, ())), len(known[recipe])
        several = f"{seeds_shown} of {seeds_known} known seeds of this recipe are shown"
        parts.append("one known seed of this recipe" if seeds_known == 1 else several)
    settings = len({other.keys.measurement or str(other.keys.setting) for other in same_system})
    best = max((other.score.acc or 0 for other in same_system if other.status in RANKED), default=None)
    is_best = row.status in RANKED and row.score.acc == best
    if settings > 1:
        parts.append(f"{'best' if is_best else 'one'} of {settings} settings of this system on this board")
    is_selected = row.training is not None and not row.training.unselected
    checkpoints = unselected.get(row.keys.system or "", 0) if is_selected else 0
    if checkpoints:
        others = f"{checkpoints} other checkpoint{'s' * (checkpoints > 1)} of this training"
        parts.append(f"{others} {'were' if checkpoints > 1 else 'was'} scored but not selected")
    if not parts:
        return None
    if settings <= 1 or is_best:
        parts.append("other tries are unknown")
    return Tries("; ".join(parts), seeds_shown, seeds_known, settings if settings > 1 else None, checkpoints or None)
