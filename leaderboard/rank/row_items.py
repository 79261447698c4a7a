"""Store a row's item results as one text and a few arrays, so that a thousand rows of 500 items fit into memory."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import CoreSchema, core_schema

from leaderboard.verify.items import ItemResult
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.statistics import Floats, Ints

_DIGITS = 4
"""Number of decimals kept for a probability. Further decimals depend on the batch size, and records omit them."""

_MARGIN = 10
"""In units of 1/10,000. Best probabilities within this distance of 1/5 or 1 are too common to identify a model."""

_BASE_32 = "0123456789abcdefghijklmnopqrstuv"
"""One character for each of the 32 possible sets of chosen options."""

Picks = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class RowItems:
    """A row's item results, sorted by item id.

    Iteration parses `text` into results. Their probabilities have four decimals. Metrics and rotations are not stored.

    Attributes:
        text: a JSON list, which the system's page embeds. Each item is a list [item id, accuracy, chosen recipe ids,
            probabilities, seen in training]. A missing value is null.
        ids: item ids.
        accuracies: fractions, shape (items,); NaN if an accuracy is unknown.
        answers: hashes of item id and probabilities, one for each informative item, shape (n_informative,). An item is
            informative unless its best probability is near 1/5 or 1. If two rows have the same hash, they gave the
            same probabilities on an item.
        choices: one character of `_BASE_32` per item, which encodes the chosen options; "" if no item has a choice.
    """

    text: str
    ids: tuple[str, ...]
    accuracies: Floats
    answers: Ints
    choices: str

    @classmethod
    def of(cls, results: Sequence[ItemResult]) -> "RowItems":
        """Make a row's items from item results in any order."""
        results = sorted(results, key=lambda item: item.item_id)
        picks = [_pick(item) for item in results]
        return cls(
            text=json.dumps([_plain(item) for item in results], separators=(",", ":"), allow_nan=False),
            ids=tuple(item.item_id for item in results),
            accuracies=np.array([item.accuracy for item in results], dtype=np.float64),
            answers=_answers([item for item in results if item.probabilities]),
            choices="".join(_BASE_32[pick] for pick in picks) if any(picks) else "",
        )

    @property
    def picks(self) -> Picks:
        """Return each item's chosen options as a bit mask, shape (items,).

        Bit k is 1 if option k was chosen, counted in the order of the dataset's file. Tied options set several bits.
        """
        codes = np.frombuffer((self.choices or "0" * len(self.ids)).encode("ascii"), np.uint8)
        return np.where(codes > ord("9"), codes - ord("a") + 10, codes - ord("0")).astype(np.uint8)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        """Tell pydantic how to store items, so that the cache can keep rows as JSON. `text` is not parsed."""
        stored = core_schema.plain_serializer_function_ser_schema(cls._as_plain)
        return core_schema.no_info_plain_validator_function(cls._of_plain, serialization=stored)

    def _as_plain(self) -> tuple[str, str, list[float | None], list[int], str]:
        accuracies = [None if math.isnan(accuracy) else accuracy for accuracy in self.accuracies.tolist()]
        return self.text, " ".join(self.ids), accuracies, self.answers.tolist(), self.choices

    @classmethod
    def _of_plain(cls, plain: tuple[str, str, list[float | None], list[int], str]) -> "RowItems":
        text, ids, accuracies, answers, choices = plain
        known = np.array(accuracies, dtype=np.float64)  # None becomes NaN
        return cls(text, _ids_in(ids), known, np.array(answers, dtype=np.int64), choices)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[ItemResult]:
        for item_id, accuracy, chosen, probabilities, seen in json.loads(self.text):
            yield ItemResult(
                item_id=item_id,
                accuracy=math.nan if accuracy is None else accuracy,
                types=pinned_items()[item_id].types,
                chosen=tuple(chosen),
                probabilities=None if probabilities is None else tuple(probabilities),
                seen=seen,
            )


@lru_cache(maxsize=64)
def _ids_in(text: str) -> tuple[str, ...]:
    """Split a text of item ids. Rows with the same items get the same tuple from the cache."""
    return tuple(text.split())


def _pick(item: ItemResult) -> int:
    if not item.chosen:
        return 0
    options = pinned_items()[item.item_id].option_ids
    return sum([1 << options.index(recipe_id) for recipe_id in set(item.chosen)])


def _plain(item: ItemResult) -> list[Any]:
    probabilities = None if item.probabilities is None else [round(p, _DIGITS) for p in item.probabilities]
    accuracy = None if math.isnan(item.accuracy) else item.accuracy
    return [item.item_id, accuracy, item.chosen, probabilities, item.seen]


def _answers(items: Sequence[ItemResult]) -> Ints:
    whole = 10**_DIGITS
    probabilities = np.array([item.probabilities for item in items]).reshape(-1, N_OPTIONS)
    rounded = np.rint(probabilities * whole).astype(np.int64)
    best = rounded.max(axis=1, initial=0)
    is_informative = (best > whole / N_OPTIONS + _MARGIN) & (best < whole - _MARGIN)
    ids = np.array([_hash(item.item_id) for item in items], dtype=np.int64)
    weights = np.array([_hash(letter) for letter in LETTERS], dtype=np.int64)
    return np.asarray((rounded @ weights + ids)[is_informative])  # int64 may overflow, which is harmless in a hash


@lru_cache(maxsize=1024)
def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little", signed=True)


NO_ITEMS = RowItems.of(())
