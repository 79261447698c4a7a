"""Find how two rows are related: one training in two forms, one model in two dtypes, seeds of one recipe.

Relations rest on what the rows' results files say. A row that claims to be of another's model is flagged as such.
"""

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from leaderboard.rank.row import Row
from recipe_mpr_task.statistics import Ints

_NOT_SHARED = -1


def _training_system(row: Row) -> str | None:
    """Return what identifies one training: recipe, base and seed; None if the row was not trained here."""
    return row.training.system if row.training else None


def _model(row: Row) -> Hashable:
    """Return what was loaded by its public name; None for folders, whose names are no identity."""
    loaded = row.loaded
    if "folder" in (loaded.base_from, loaded.adapter_from) or "/" not in (loaded.adapter or loaded.base or ""):
        return None
    return row.kind, loaded.base, loaded.adapter, loaded.revision


def _known_base(row: Row) -> str | None:
    """Return the base of a clean training of ours; else None, because the row may be a copy."""
    return row.training.base_model if row.training and row.training.system and row.status == "clean" else None


_KEYS: tuple[Callable[[Row], Hashable], ...] = (
    _training_system,
    lambda row: row.keys.recipe,
    lambda row: row.keys.content,
    lambda row: row.keys.system,
    _model,
    _known_base,
)


def relation_codes(rows: Sequence[Row]) -> Ints:
    """Number the rows' keys, shape (rows, keys): related rows share a number of 0 or more in a column."""
    codes = np.full((len(rows), len(_KEYS)), _NOT_SHARED, np.int64)
    for column, key_of in enumerate(_KEYS):
        numbers: dict[Hashable, int] = {}
        for place, row in enumerate(rows):
            key = key_of(row)
            if key is not None:
                codes[place, column] = numbers.setdefault(key, len(numbers))
    return codes


def related(codes: Ints, place: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say which rows are related to the one at a place, shape (rows,)."""
    mine = codes[place]
    return np.asarray(((codes == mine) & (mine != _NOT_SHARED)).any(axis=1))


def relation(row: Row, other: Row) -> str:
    """Return what a row is to another that it is related to, in words: "same model as X (source), merged"."""
    named = f"{other.system} ({short_source(other)})"
    is_one_recipe = _is_shared(row.keys.recipe, other.keys.recipe)
    is_one_training = _is_shared(_training_system(row), _training_system(other))
    if is_one_training or (is_one_recipe and row.keys.seed == other.keys.seed):
        forms = [(one.training and one.training.form) or "whole" for one in (row, other)]
        how = f", {forms[0]}; that one is {forms[1]}" if forms[0] != forms[1] else ", asked otherwise"
        return f"same model as {named}{how}"
    if is_one_recipe:
        return f"same recipe as {named}, seed {row.keys.seed}; that one has seed {other.keys.seed}"
    if _training_system(row) and _training_system(other) and _is_shared(_known_base(row), _known_base(other)):
        return f"trained from the same base as {named}, by another recipe"
    mine, theirs = row.keys.dtype, other.keys.dtype
    if mine != theirs:
        return f"same model as {named}, {mine or 'dtype unknown'}; that one in {theirs or 'unknown dtype'}"
    return f"same model as {named}, loaded or asked otherwise"


def short_source(row: Row) -> str:
    """Return a row's source; of a pooled row the first file, and how many more."""
    first, *more = row.source.split(", ")
    return f"{first} and {len(more)} more" if more else first


def _is_shared(key: str | None, other: str | None) -> bool:
    return key is not None and key == other
