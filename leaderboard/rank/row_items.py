"""A row's items in one text and a few columns: so a thousand rows of 500 items are held, remembered and shown."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from leaderboard.rank.statistics import Floats, Ints
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.metrics import SEEN
from recipe_mpr_task.orders import pinned_items

_DIGITS = 4
"""Probabilities that agree so far on most items are of the same weights: records round, programs batch differently."""

_TELLING = 10
"""Of 10,000: a probability this near to 1/5 or to 1 is anybody's, no preference or no doubt."""


Picks = NDArray[np.uint8]

_CHARACTERS = "0123456789abcdefghijklmnopqrstuv"
"""One for each set of the five options."""

_PICK_OF = np.zeros(128, np.uint8)
_PICK_OF[[ord(character) for character in _CHARACTERS]] = range(len(_CHARACTERS))


@dataclass(frozen=True, eq=False)
class PackedItems(Sequence[ItemResult]):
    """A row's item results, sorted by item id; they are unpacked when asked for one by one.

    Unpacked ones have probabilities to four decimals and no metrics but `seen_in_training`.

    Attributes:
        text: JSON, for each item [item id, accuracy, chosen recipe ids, probabilities, seen in training]; null where
            there is none. What the system's page holds.
        ids: item ids.
        accuracies: fractions, shape (items,); NaN where there is none.
        answers: a hash of each item's id and probabilities, shape (items that tell,): two rows that share one gave the
            same probabilities on an item. Items without preference or without doubt are left out.
        choices: what was chosen, one character an item, see `picks`; "" if nothing was chosen on any item.
    """

    text: str
    ids: tuple[str, ...]
    accuracies: Floats
    answers: Ints
    choices: str

    @classmethod
    def of(cls, results: Sequence[ItemResult]) -> "PackedItems":
        """Pack item results."""
        results = sorted(results, key=lambda item: item.item_id)
        picks = [_pick(item) for item in results]
        return cls(
            text=json.dumps([_plain(item) for item in results], separators=(",", ":"), allow_nan=False),
            ids=tuple(item.item_id for item in results),
            accuracies=np.array([item.accuracy for item in results], dtype=np.float64),
            answers=_answers([item for item in results if item.probabilities]),
            choices="".join(_CHARACTERS[pick] for pick in picks) if any(picks) else "",
        )

    @property
    def picks(self) -> Picks:
        """Return the chosen options of each item as bits, shape (items,): bit k is the item's k-th option in the file.

        0 where nothing was chosen; tied options are several bits.
        """
        if not self.choices:
            return np.zeros(len(self.ids), np.uint8)
        return _PICK_OF[np.frombuffer(self.choices.encode("ascii"), np.uint8)]

    def columns(self) -> dict[str, Any]:
        """Return all but the text as plain values."""
        accuracies = [None if math.isnan(accuracy) else accuracy for accuracy in self.accuracies.tolist()]
        return {"ids": self.ids, "accuracies": accuracies, "answers": self.answers.tolist(), "choices": self.choices}

    @classmethod
    def restored(cls, text: str, columns: dict[str, Any]) -> "PackedItems":
        """Make it again of its text and columns."""
        accuracies = np.array(columns["accuracies"], dtype=np.float64)  # of None it makes NaN
        answers = np.array(columns["answers"], dtype=np.int64)
        return cls(text, _shared(tuple(columns["ids"])), accuracies, answers, columns["choices"])

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[ItemResult]:
        return (_result(*fields) for fields in json.loads(self.text))

    @overload
    def __getitem__(self, index: int) -> ItemResult: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ItemResult, ...]: ...
    def __getitem__(self, index: int | slice) -> ItemResult | tuple[ItemResult, ...]:
        return tuple(self)[index]


@lru_cache(maxsize=64)
def _shared(ids: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all rows of the same items."""
    return ids


def _pick(item: ItemResult) -> int:
    options = pinned_items()[item.item_id].option_ids if item.chosen else ()
    return sum(1 << options.index(recipe_id) for recipe_id in set(item.chosen))


def _plain(item: ItemResult) -> list[Any]:
    probabilities = None if item.probabilities is None else [round(p, _DIGITS) for p in item.probabilities]
    accuracy = None if math.isnan(item.accuracy) else item.accuracy
    seen = item.metrics.get(SEEN)
    return [item.item_id, accuracy, item.chosen, probabilities, None if seen is None else int(seen)]


def _result(
    item_id: str, accuracy: float | None, chosen: list[str], probabilities: list[float] | None, seen: int | None
) -> ItemResult:
    return ItemResult(
        item_id=item_id,
        accuracy=math.nan if accuracy is None else accuracy,
        types=pinned_items()[item_id].types,
        metrics={} if seen is None else {SEEN: seen},
        chosen=tuple(chosen),
        probabilities=None if probabilities is None else tuple(probabilities),
    )


def _answers(items: Sequence[ItemResult]) -> Ints:
    whole = 10**_DIGITS
    shape = (len(items), N_OPTIONS)
    rounded = np.rint(np.array([item.probabilities for item in items]).reshape(shape) * whole).astype(np.int64)
    best = rounded.max(axis=1, initial=0)
    tells = (best > whole / N_OPTIONS + _TELLING) & (best < whole - _TELLING)
    ids = np.array([_hash(item.item_id) for item in items], dtype=np.int64)
    weights = np.array([_hash(letter) for letter in LETTERS], dtype=np.int64)
    return (rounded @ weights + ids)[tells]  # wraps around, as hashes may


@lru_cache(maxsize=1024)
def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little", signed=True)


NO_ITEMS = PackedItems.of(())
