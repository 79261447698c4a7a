"""How two rows are known to belong together: one training in two forms, one model in two dtypes, seeds of one recipe.

What is known is what the rows say of themselves. A row that claims to be another's model says so in its note.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from leaderboard.rank.row import Row
from leaderboard.rank.statistics import Ints

_NOT_SHARED = -1

_LOADED = ("base", "adapter", "revision")


def training_system(row: Row) -> Any:
    """Return what identifies one training: recipe, base and seed; None if the row was not trained here."""
    return _training(row).get("system")


def recipe_key(row: Row) -> Any:
    """Return what identifies a recipe without its seed; None if unknown."""
    return row.extra.get("recipe_key") or _training(row).get("family")


def seed(row: Row) -> Any:
    """Return the seed of a row's training; None if unknown."""
    told = row.extra.get("seed")
    return _training(row).get("seed") if told is None else told


def _model(row: Row) -> Any:
    """What was loaded, by its public name; None for folders, whose names many have."""
    loaded = row.extra.get("model")
    if not isinstance(loaded, dict) or "folder" in (loaded.get("base_from"), loaded.get("adapter_from")):
        return None
    named = [str(loaded.get(key)) for key in _LOADED]
    return (row.kind, *named) if "/" in str(loaded.get("adapter") or loaded.get("base")) else None


def _training(row: Row) -> dict[str, Any]:
    found = row.extra.get("training")
    return found if isinstance(found, dict) else {}


def _known_base(row: Row) -> Any:
    """Return the base of a training of ours of which everything is accounted for; else None: it may be a copy."""
    return _training(row).get("base_model") if row.status == "clean" and training_system(row) else None


_KEYS: tuple[Callable[[Row], Any], ...] = (
    training_system,
    recipe_key,
    lambda row: row.extra.get("content"),
    lambda row: row.extra.get("system_key"),
    _model,
    _known_base,
)


def relation_codes(rows: Sequence[Row]) -> Ints:
    """Number what ties rows together, shape (rows, kinds of tie): related rows share a number that is not negative."""
    codes = np.full((len(rows), len(_KEYS)), _NOT_SHARED, np.int64)
    for kind, key_of in enumerate(_KEYS):
        numbers: dict[Any, int] = {}
        for place, row in enumerate(rows):
            key = key_of(row)
            if key is not None:
                codes[place, kind] = numbers.setdefault(repr(key), len(numbers))
    return codes


def related(codes: Ints, place: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say which rows are related to the one at a place, shape (rows,)."""
    mine = codes[place]
    return np.asarray(((codes == mine) & (mine != _NOT_SHARED)).any(axis=1))


def relation(row: Row, other: Row) -> str:
    """Return what a row is to another that it is related to, in words: "same model as X (source), merged"."""
    named = f"{other.system} ({short_source(other)})"
    is_one_recipe = _is_shared(recipe_key, row, other)
    if _is_shared(training_system, row, other) or (is_one_recipe and seed(row) == seed(other)):
        forms = [str(_training(one).get("form") or "whole") for one in (row, other)]
        said = f", {forms[0]}; that one is {forms[1]}" if forms[0] != forms[1] else ", asked otherwise"
        return f"same model as {named}{said}"
    if is_one_recipe:
        return f"same recipe as {named}, seed {seed(row)}; that one has seed {seed(other)}"
    if training_system(row) and training_system(other) and _is_shared(_known_base, row, other):
        return f"trained from the same base as {named}, by another recipe"
    dtypes = [row.extra.get("dtype"), other.extra.get("dtype")]
    if dtypes[0] != dtypes[1]:
        return f"same model as {named}, {dtypes[0] or 'dtype unknown'}; that one in {dtypes[1] or 'unknown dtype'}"
    return f"same model as {named}, loaded or asked otherwise"


def short_source(row: Row) -> str:
    """Return where a row's run was found; of a pooled row the first place, and how many more."""
    first, *more = row.source.split(", ")
    return f"{first} and {len(more)} more" if more else first


def _is_shared(key_of: Callable[[Row], Any], row: Row, other: Row) -> bool:
    return key_of(row) is not None and key_of(row) == key_of(other)
