"""Flag pairs of rows with similar answers, even if their names or boards differ.

If the results files show a relation, such as "same model", the flag names the relation. Otherwise the flag says
"one may be a copy".
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from leaderboard.rank.alike_pairs import AlikePairs
from leaderboard.rank.duplicates import by_date, flagged
from leaderboard.rank.row import Row
from leaderboard.rank.similar_answers import ONE_LETTER, Matrices, letter_share
from leaderboard.verify.statuses import RANKED
from recipe_mpr_task.statistics import Ints

_LEAST_ITEMS = 12
"""Rows with fewer items are not flagged for answering with one letter, because a few equal letters can be chance."""

_CELLS = 4_000_000
"""Compare blocks of rows with all rows. A block has at most this many pairs, which take about 200 MB."""

_NOT_SHARED = -1


def mark_one_letter(rows: Iterable[Row]) -> list[Row]:
    """Flag each ranked row that answers nearly all items with one letter. Skip baselines and rows with few items."""
    rows = list(rows)
    for place, row in enumerate(rows):
        if row.status in RANKED and row.kind != "baseline" and len(row.items) >= _LEAST_ITEMS:
            letter, share = letter_share(row)
            if share >= ONE_LETTER:
                rows[place] = replace(row, flags=(f"answers {letter} on {100 * share:.0f}% of items", *row.flags))
    return rows


def mark_copies(rows: Iterable[Row]) -> list[Row]:
    """Flag both rows of a pair with similar answers, if at least one is ranked. Their boards may differ.

    Both rows keep their ranks, because dates do not prove which row is the copy.
    """
    rows = sorted(rows, key=lambda row: (*by_date(row), row.reason))
    places = [place for place, row in enumerate(rows) if row.items]
    for place, flags in zip(places, find_alike([rows[place] for place in places]), strict=True):
        rows[place] = flagged(rows[place], *flags)
    return rows


def find_alike(rows: Sequence[Row], most_cells: int = _CELLS) -> list[list[str]]:
    """Return each row's flags: at most one about a similar unrelated row, then at most one about a similar related row.

    If several rows are similar, the flag names the first ranked row. If none is ranked, the flag names the first row.
    Every row must have items. Two rows with equal `Keys.measurement`, or two unranked rows, are not compared.
    `most_cells` limits the memory and does not change the result.
    """
    matrices = Matrices.of(rows)
    codes = _codes(rows)
    measurements = [row.keys.measurement or f"row {place}" for place, row in enumerate(rows)]
    identities = np.unique(np.array(measurements), return_inverse=True)[1]
    ranked = np.array([row.status in RANKED for row in rows], dtype=bool)
    preference = np.argsort(~ranked, kind="stable")
    pairs = AlikePairs.of(matrices, most_cells)
    flags: list[list[str]] = []
    for place, row in enumerate(rows):
        if not pairs.has_any[place]:
            flags.append([])
            continue
        is_alike = pairs.with_row(place) & (identities != identities[place]) & (ranked | ranked[place])
        alike = preference[is_alike[preference]]
        is_related = ((codes[alike] == codes[place]) & (codes[place] != _NOT_SHARED)).any(axis=1)
        flags.append([
            _flag(row, rows[other], matrices.in_common(place, other), is_related=are_related)
            for are_related, others in ((False, alike[~is_related]), (True, alike[is_related]))
            for other in others[:1]
        ])  # fmt: skip
    return flags


def _codes(rows: Sequence[Row]) -> Ints:
    """Number the rows' values of `_KEYS`, shape (rows, keys). Equal values have equal numbers; None is -1."""
    codes = np.full((len(rows), len(_KEYS)), _NOT_SHARED, np.int64)
    for column, key_of in enumerate(_KEYS):
        numbers: dict[Hashable, int] = {}
        keys = [key_of(row) for row in rows]
        codes[:, column] = [_NOT_SHARED if key is None else numbers.setdefault(key, len(numbers)) for key in keys]
    return codes


def _training_system(row: Row) -> str | None:
    """Return the hash of the training's settings, seed and base model; None if the row has no training record."""
    return row.training.system if row.training else None


def _model(row: Row) -> Hashable:
    """Return the names of a model from the hub. For a folder, return None, because the folder may contain any model."""
    loaded = row.loaded
    if "folder" in (loaded.base_from, loaded.adapter_from) or "/" not in (loaded.adapter or loaded.base or ""):
        return None
    return row.kind, loaded.base, loaded.adapter, loaded.revision


def _known_base(row: Row) -> str | None:
    """Return a trained row's base model. Return None if the row is not clean, because the row may be a copy."""
    return row.training.base_model if row.training and row.training.system and row.status == "clean" else None


_KEYS: tuple[Callable[[Row], Hashable], ...] = (
    _training_system,
    lambda row: row.keys.recipe,
    lambda row: row.keys.content,
    lambda row: row.keys.system,
    _model,
    _known_base,
)


def _flag(row: Row, other: Row, in_common: str, *, is_related: bool) -> str:
    first, *more = other.source.split(", ")
    source = f"{first} and {len(more)} more" if more else first
    if is_related:
        return f"{_relation(row, other, f'{other.system} ({source})')}: {in_common}"
    there = f", on {other.board}" if other.board != row.board else ""
    return f"gives {in_common} as {other.system} ({source}{there}): one may be a copy"


def _relation(row: Row, other: Row, named: str) -> str:
    """Return in words how a row is related to another row, such as "same model as {named}, other settings"."""
    is_one_recipe = _is_shared(row.keys.recipe, other.keys.recipe)
    is_one_training = _is_shared(_training_system(row), _training_system(other))
    if is_one_training or (is_one_recipe and row.keys.seed == other.keys.seed):
        forms = [(one.training and one.training.form) or "whole" for one in (row, other)]
        how = f", form {forms[0]} instead of {forms[1]}" if forms[0] != forms[1] else ", other settings"
        return f"same model as {named}{how}"
    if is_one_recipe:
        return f"same recipe as {named}, seed {row.keys.seed} instead of {other.keys.seed}"
    if _training_system(row) and _training_system(other) and _is_shared(_known_base(row), _known_base(other)):
        return f"trained from the same base as {named}, by another recipe"
    mine, theirs = row.keys.dtype, other.keys.dtype
    if mine != theirs:
        return f"same model as {named}, dtype {mine or 'unknown'} instead of {theirs or 'unknown'}"
    return f"same model as {named}, other settings"


def _is_shared(key: str | None, other: str | None) -> bool:
    return key is not None and key == other
