"""Group systems that share a base model or may be copies, so that each group counts as one independent system.

In `audit labels`, counting one model twice is worse than treating two independent systems as related. So the
rules relate more systems than those of `rank.copies`, whose flags are shown next to a rank.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.stats import binom

from leaderboard.rank.row import Row
from leaderboard.rank.similar_answers import MIN_WRONG, Matrices
from leaderboard.site.text import line
from leaderboard.verify.identity import FOLDER
from recipe_mpr_task.names import is_path

_ALIKE_SHARE = 0.8
"""One of two systems may be a copy if at least this fraction of their wrong choices is the same."""

_UNRELATED_SHARE = 0.65
"""Among the committed records, two systems of different base models share up to 64% of their wrong choices."""

_P_BY_CHANCE = 0.001
_SAME = (("content", "the same files"), ("recipe", "the same training recipe"), ("server", "the same server model"))
"""Fields of `Keys`, and what two rows with the same value share."""

_SHORTEST_NAME = 4
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Group:
    """Two or more related systems: their names, and the reasons in words."""

    systems: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Related:
    """The groups of related systems.

    Attributes:
        groups: the groups of two or more systems.
        n_independent: number of groups, if each unrelated system counts as a group.
        unknown: names of ungrouped systems whose base model is unknown. They may also be related.
        closest: the two systems of different groups with the most similar wrong choices, in words; "" if no
            two systems can be compared.
    """

    groups: tuple[Group, ...]
    n_independent: int
    unknown: tuple[str, ...]
    closest: str

    @property
    def n_related(self) -> int:
        """The number of systems in the groups."""
        return sum(len(group.systems) for group in self.groups)


@dataclass(frozen=True)
class _Pair:
    """A comparison of two rows.

    Attributes:
        first, second: index of each row.
        share: fraction of wrong choices that are the same; 0 if too few choices can be compared.
        what: what the rows' answers have in common, in words; "" if too few choices can be compared.
        may_be_copy: whether the answers are too similar for chance.
        shared: the model that the rows share, in words; "" if no shared model is known.
    """

    first: int
    second: int
    share: float
    what: str
    may_be_copy: bool
    shared: str


def find_related(rows: Sequence[Row]) -> Related:
    """Return the groups of systems that are related, directly or through others. All rows must have the same items."""
    pairs = _pairs(rows)
    graph = np.zeros((len(rows), len(rows)), bool)
    for pair in pairs:
        graph[pair.first, pair.second] = pair.may_be_copy or pair.shared
    n_groups, labels = connected_components(graph, directed=False)
    groups = [np.flatnonzero(labels == label).tolist() for label in range(n_groups)]
    apart = [pair for pair in pairs if labels[pair.first] != labels[pair.second] and pair.what]
    closest = max(apart, key=lambda pair: pair.share, default=None)
    alone = [rows[group[0]] for group in groups if len(group) == 1]
    return Related(
        groups=tuple(_group(rows, group, pairs) for group in groups if len(group) > 1),
        n_independent=int(n_groups),
        unknown=tuple(_name(row) for row in alone if row.kind != "baseline" and _base(row) is None),
        closest=_said(rows, closest) if closest else "",
    )


def _group(rows: Sequence[Row], places: Sequence[int], pairs: Sequence[_Pair]) -> Group:
    inside = [pair for pair in pairs if pair.first in places and pair.second in places]
    reasons = sorted({pair.shared for pair in inside} - {""})
    copies = [pair for pair in inside if pair.may_be_copy]
    if copies:
        more = f" (1 of {len(copies)} similar pairs)" if len(copies) > 1 else ""
        reasons.append(f"one may be a copy: {_said(rows, max(copies, key=lambda pair: pair.share))}{more}")
    return Group(tuple(_name(rows[place]) for place in places), tuple(reasons))


def _pairs(rows: Sequence[Row]) -> list[_Pair]:
    matrices = Matrices.of(rows)
    compared = matrices.compared(slice(None))
    pairs = []
    for first, second in combinations(range(len(rows)), 2):
        same, of = int(compared.same_wrong[first, second]), int(compared.fewer_wrong[first, second])
        is_told = of >= MIN_WRONG and not matrices.one_letter[[first, second]].any()
        by_choice = is_told and same >= _ALIKE_SHARE * of and _p_by_chance(same, of) < _P_BY_CHANCE
        may_be_copy = by_choice or bool(compared.is_alike[first, second])
        what = f"the same wrong choice on {same} of {of} items" if is_told else ""
        if may_be_copy and not by_choice:
            what = compared.in_common(first, second)
        share = same / of if is_told else 0.0
        pairs.append(_Pair(first, second, share, what, may_be_copy, _shared(rows[first], rows[second])))
    return pairs


def _p_by_chance(same: int, of: int) -> float:
    """Return the probability that two systems of different base models share at least this many wrong choices."""
    return float(binom.sf(same - 1, of, _UNRELATED_SHARE))


def _said(rows: Sequence[Row], pair: _Pair) -> str:
    return f"{_name(rows[pair.first])} and {_name(rows[pair.second])}, {pair.what}"


def _name(row: Row) -> str:
    return line(row.system, _LONGEST_NAME)


def _shared(row: Row, other: Row) -> str:
    """Return in words which model two rows share; "" if no shared model is known."""
    base, others = _base(row), _base(other)
    if base and others and base.casefold() == others.casefold():
        return f"base model {line(base, _LONGEST_NAME)}"
    for key, what in _SAME:
        if (value := getattr(row.keys, key)) is not None and value == getattr(other.keys, key):
            return what
    for one, another in ((row, other), (other, row)):
        name = _words((_base(one) or "").rpartition("/")[2] or one.system)
        if _base(another) is None and len(name) >= _SHORTEST_NAME and f" {name} " in f" {_named(another)} ":
            return f'names that contain "{name}"'
    return ""


def _base(row: Row) -> str | None:
    """Return the name of a row's base model; for an untrained model, its own name. None if the name is unknown."""
    if row.training and row.training.base_model:
        name, is_known = row.training.base_model, bool(row.training.base_known)
        return name if is_known or ("/" in name and not is_path(name)) else None
    return None if row.loaded.base_from == FOLDER or (row.training and row.training.has_manifest) else row.loaded.base


def _named(row: Row) -> str:
    """Return all names of a row's system as words. A folder may be named after the model in it."""
    return _words(" ".join(filter(None, (row.system, row.loaded.base, row.loaded.adapter))))


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text[:1000].casefold()))
