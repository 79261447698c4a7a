"""Count the columns that are true in both rows of a pair, for all pairs, by matrix products."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipe_mpr_task.statistics import Floats, Ints

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Patterns:
    """Boolean rows, many of them equal. Each distinct row is stored once.

    Attributes:
        distinct: the distinct rows, shape (distinct rows, columns).
        places: index in `distinct` of each row, shape (rows,).
    """

    distinct: Flags
    places: Ints

    @classmethod
    def of_rows(cls, flags: Flags) -> "Patterns":
        """Return the patterns of these rows."""
        _, first, places = np.unique(np.packbits(flags, axis=1), axis=0, return_index=True, return_inverse=True)
        return cls(flags[first], places.reshape(-1))

    def of(self, block: slice) -> "Patterns":
        """Return the rows of a block."""
        kept, places = np.unique(self.places[block], return_inverse=True)
        return Patterns(self.distinct[kept], places)

    def shared_with(self, these: Flags) -> Floats:
        """Count for each row of `these` and each row of the patterns the columns that are true in both."""
        return shared(these, self.distinct)[:, self.places]


def product(sparse: Any, block: slice, others: slice) -> Floats:
    """Return the dot product of each row of the block with each of the other rows, shape (rows, other rows)."""
    return np.asarray((sparse[block] @ sparse[others].T).toarray(), np.float32)


def shared(these: Flags, those: Flags) -> Floats:
    """Count for each pair of rows the columns that are true in both. The counts are exact in 32-bit floats."""
    return np.asarray(these.astype(np.float32) @ those.astype(np.float32).T)
