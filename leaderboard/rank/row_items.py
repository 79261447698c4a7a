"""Store a row's item results as a few arrays, so that ten thousand rows of 500 items fit into memory."""

import hashlib
import math
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import CoreSchema, core_schema, to_json

from leaderboard.verify.items import ItemResult
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.statistics import Floats, Ints

UNITS = 10_000
"""A probability is kept as a multiple of 1/10,000. More decimals change with the batch size and are cut in records."""

NO_UNITS = -1

UNKNOWN = -1

_MARGIN = 10
"""In units of 1 / UNITS. Best probabilities within this distance of 1/5 or 1 are too common to identify a model."""

_BASE_32 = "0123456789abcdefghijklmnopqrstuv"
"""One character for each of the 32 possible sets of chosen options."""

Picks = NDArray[np.uint8]
Units = NDArray[np.int16]
Seen = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class RowItems:
    """A row's item results, sorted by item id, in one array per field.

    Iteration yields the results. Their probabilities have four decimals. Metrics and rotations are not stored.

    Attributes:
        ids: item ids.
        accuracies: fractions, shape (items,); NaN if an accuracy is unknown.
        choices: one character of `_BASE_32` per item, which encodes the chosen options; "" if no item has a choice.
        units: probabilities of the options in displayed order, as multiples of 1 / UNITS, shape (items, 5). The five
            values of an item without probabilities are NO_UNITS.
        seen: 1 if the model was trained or validated on the item, 0 if not, UNKNOWN if unknown; shape (items,).
        answers: hashes of item id and probabilities, one for each informative item, shape (n_informative,). An item is
            informative unless its best probability is near 1/5 or 1. If two rows have the same hash, they gave the
            same probabilities on an item.
        has_own_choices: False for a row over several prompts. Its `choices` and `answers` are those of one prompt, to
            detect copies, and are not shown.
    """

    ids: tuple[str, ...]
    accuracies: Floats
    choices: str
    units: Units
    seen: Seen
    answers: Ints
    has_own_choices: bool = True

    @classmethod
    def of(cls, results: Sequence[ItemResult]) -> "RowItems":
        """Make a row's items from item results in any order."""
        results = sorted(results, key=lambda item: item.item_id)
        ids = tuple([item.item_id for item in results])
        picks = [_pick(item.item_id, item.chosen) for item in results]
        units = _units(results)
        return cls(
            ids=ids,
            accuracies=np.array([item.accuracy for item in results], dtype=np.float64),
            choices="".join([_BASE_32[pick] for pick in picks]) if any(picks) else "",
            units=units,
            seen=np.array([UNKNOWN if item.seen is None else item.seen for item in results], dtype=np.int8),
            answers=_answers(ids, units),
        )

    @property
    def picks(self) -> Picks:
        """Return each item's chosen options as a bit mask, shape (items,).

        Bit k is 1 if option k was chosen, counted in the order of the dataset's file. Tied options set several bits.
        """
        codes = np.frombuffer((self.choices or "0" * len(self.ids)).encode("ascii"), np.uint8)
        return np.where(codes > ord("9"), codes - ord("a") + 10, codes - ord("0")).astype(np.uint8)

    @property
    def text(self) -> str:
        """Return a JSON list, which the system's page embeds.

        Each item is a list [item id, accuracy, chosen recipe ids, probabilities as multiples of 1 / UNITS, seen in
        training]. A missing value is null.
        """
        return to_json([*self._plain_items()]).decode()

    def _plain_items(self) -> Iterator[tuple[str, float | None, tuple[str, ...], list[int] | None, Any]]:
        picks = self.picks if self.has_own_choices else np.zeros(len(self), np.uint8)
        columns = (self.accuracies.tolist(), picks.tolist(), self.units.tolist(), self.seen.tolist())
        for item_id, accuracy, pick, units, seen in zip(self.ids, *columns, strict=True):
            yield (
                item_id,
                None if math.isnan(accuracy) else accuracy,
                _chosen(item_id, pick),
                None if units[0] == NO_UNITS else units,
                None if seen == UNKNOWN else seen,
            )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        """Tell pydantic how to store items, so that the cache can keep rows as JSON."""
        stored = core_schema.plain_serializer_function_ser_schema(cls._as_plain)
        return core_schema.no_info_plain_validator_function(cls._of_plain, serialization=stored)

    def _as_plain(self) -> tuple[str | bool, ...]:
        arrays = (self.accuracies, self.units, self.seen, self.answers)
        encoded = (b64encode(array.tobytes()).decode() for array in arrays)
        return " ".join(self.ids), self.choices, self.has_own_choices, *encoded

    @classmethod
    def _of_plain(cls, plain: Sequence[Any]) -> "RowItems":
        ids, choices, has_own_choices, *encoded = plain
        accuracies, units, seen, answers = map(b64decode, encoded)
        return cls(
            ids=_ids_in(ids),
            accuracies=np.frombuffer(accuracies, np.float64),
            choices=choices,
            units=np.frombuffer(units, np.int16).reshape(-1, N_OPTIONS),
            seen=np.frombuffer(seen, np.int8),
            answers=np.frombuffer(answers, np.int64),
            has_own_choices=has_own_choices,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[ItemResult]:
        for item_id, accuracy, chosen, units, seen in self._plain_items():
            yield ItemResult(
                item_id=item_id,
                accuracy=math.nan if accuracy is None else accuracy,
                types=pinned_items()[item_id].types,
                chosen=chosen,
                probabilities=None if units is None else tuple([unit / UNITS for unit in units]),
                seen=seen,
            )


@lru_cache(maxsize=64)  # thousands of rows have the same items
def shown_slots(ids: tuple[str, ...], order: str) -> Picks:
    """Return, for each item and letter, the shown option's index in the dataset's file, shape (items, 5)."""
    pinned = [pinned_items()[item_id] for item_id in ids]
    slots = [[one.option_ids.index(recipe_id) for recipe_id in one.shown_ids(order)] for one in pinned]
    return np.array(slots, np.uint8).reshape(-1, N_OPTIONS)


@lru_cache(maxsize=64)
def _ids_in(text: str) -> tuple[str, ...]:
    """Split a text of item ids. Rows with the same items get the same tuple from the cache."""
    return tuple(text.split())


@lru_cache(maxsize=8192)  # the choices of 500 items return in thousands of rows
def _pick(item_id: str, chosen: tuple[str, ...]) -> int:
    options = pinned_items()[item_id].option_ids if chosen else ()
    return sum([1 << options.index(recipe_id) for recipe_id in set(chosen)])


@lru_cache(maxsize=8192)
def _chosen(item_id: str, pick: int) -> tuple[str, ...]:
    """Return the chosen recipe ids, in shuffled order."""
    pinned = pinned_items()[item_id]
    return tuple(i for i in pinned.shown_ids("shuffled") if pick >> pinned.option_ids.index(i) & 1)


def _units(results: Sequence[ItemResult]) -> Units:
    units = np.full((len(results), N_OPTIONS), NO_UNITS, np.int16)
    known = [place for place, item in enumerate(results) if item.probabilities is not None]
    if known:
        units[known] = np.rint(np.array([results[place].probabilities for place in known]) * UNITS)
    return units


def _answers(ids: Sequence[str], units: Units) -> Ints:
    best = units.max(axis=1, initial=NO_UNITS)
    is_informative = (best > UNITS / N_OPTIONS + _MARGIN) & (best < UNITS - _MARGIN)
    hashes = np.array([_hash(item_id) for item_id in ids], dtype=np.int64)
    weights = np.array([_hash(letter) for letter in LETTERS], dtype=np.int64)
    # int64 may overflow, which is harmless in a hash
    return np.asarray((units.astype(np.int64) @ weights + hashes)[is_informative])


@lru_cache(maxsize=1024)
def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little", signed=True)


NO_ITEMS = RowItems.of(())
