"""Complete the boards of imported sets: withhold ranks until there are two sources, and add rows for comparison.

Importers can choose the items of a set. So the board also shows every other known system, the simple rules and a
constant letter on the same items. The board has ranks only once it has two systems from different sources.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations, product
from urllib.parse import urlsplit

from leaderboard.load.item_sets import ItemSet
from leaderboard.rank.cost import without_evaluation
from leaderboard.rank.item_scores import score, type_scores
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.rank.row_parts import Keys
from leaderboard.rank.similar_answers import differing
from leaderboard.verify.statuses import RANKED
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.names import folded

REFERENCE = "for comparison"
_ALONE = "no rank until this board has systems from two different sources"
_PARTS_OF_A_SOURCE = 2
_DOMAIN = re.compile(r"([\w-]+\.)+[^\W\d][\w-]+")  # neither an IP address nor a name without a dot
_HOSTS = {
    "raw.githubusercontent.com": "github.com",
    "gist.github.com": "github.com",
    "gist.githubusercontent.com": "github.com",
    "hf.co": "huggingface.co",
}
_PAGES = {"github.io": "github.com", "hf.space": "huggingface.co", "gitlab.io": "gitlab.com"}
"""Domains of pages by owner, and the host of the same owners' repositories."""


def complete(rows: Iterable[Row], known: Iterable[Row]) -> list[Row]:
    """Return the rows. Add the reference rows of each set's board, and withhold ranks if a board has only one source.

    Args:
        rows: the rows of all boards.
        known: rows of other systems on all items of the dataset or the sample.
    """
    rows, known = list(rows), list(known)
    by_board: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.item_set:
            by_board[row.board].append(row)
    kept = [row for row in rows if not row.item_set]
    for on_board in by_board.values():
        named = _named_alike(on_board)
        item_set = named[0].item_set
        assert item_set is not None  # noqa: S101 (rows are grouped by their set)
        ids = frozenset(next((row.items.ids for row in named if row.items), ()))
        kept += named if has_two_sources(named) else [_unranked(row) for row in named]
        kept += _constant_letters(named)
        kept += _references(named, item_set, ids, [*rows, *known]) if ids else []
    return kept


def _named_alike(rows: Sequence[Row]) -> list[Row]:
    """Give all rows of a board the set's most frequent name. Of equally frequent names, take the first by alphabet."""
    counts = Counter(row.item_set for row in rows)
    first = min(counts, key=lambda item_set: (-counts[item_set], item_set.name if item_set else ""))
    return [replace(row, item_set=first) for row in rows]


def has_two_sources(rows: Iterable[Row]) -> bool:
    """Return whether two rows that could have a rank differ in source, in name and in at least one answer."""
    by_source: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_contender and (key := source_key(row.origin.source)) is not None:
            by_source[key].append(row)
    return any(
        folded(one.system) != folded(other.system) and differing(one.items, other.items) > 0
        for some, others in combinations(by_source.values(), 2)
        for one, other in product(some, others)
    )


def source_key(source: str | None) -> Hashable:
    """Return a key for the owner of a public web address; None for other text, which a reader cannot look up.

    On a host with many owners, such as GitHub, the key is the host and the owner. On other hosts, the key is the
    host and the first two folders of the path.
    """
    text = (source or "").strip().casefold()
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    if not _DOMAIN.fullmatch(host):
        return None
    folders = [part.removesuffix(".git") for part in parts.path.split("/") if part]
    return _canonical(host, folders)


def _canonical(host: str, folders: list[str]) -> tuple[str, ...]:
    """Return one key for the addresses under which one owner publishes on a host for many owners."""
    host = _HOSTS.get(host, host)
    name, _, domain = host.partition(".")
    if domain in _PAGES:  # OWNER.github.io, OWNER.hf.space
        return _PAGES[domain], name
    if host in _PAGES.values():
        return host, *[part for part in folders if part not in ("datasets", "spaces")][:1]
    return host, *folders[:_PARTS_OF_A_SOURCE]


def _unranked(row: Row) -> Row:
    if row.status not in RANKED:
        return row
    return replace(row, no_rank=_ALONE, reason=f"{_ALONE}; {row.reason}")


def _references(rows: Sequence[Row], item_set: ItemSet, ids: frozenset[str], known: Iterable[Row]) -> list[Row]:
    """Return a row on a set's items for each other known system. Use rows that have all of these items and more."""
    shown: dict[Hashable, Row] = {}
    for row in sorted(known, key=lambda row: -len(row.items)):
        is_usable = row.status in (*RANKED, "overlap") and row.score.acc is not None and _base(row) is not None
        if is_usable and ids < frozenset(row.items.ids):
            shown.setdefault((folded(row.system), row.keys.identity or row.source), row)
    return [_restricted(row, item_set, rows[0].board, ids) for row in shown.values()]


_BASES = {
    "recipe_mpr": "all 500 items",
    "recipe_mpr_test": "the held-out 50 items",
    "recipe_mpr_sample": "the embedded sample",
}
"""Boards whose rows are used for comparison, besides boards of larger imported sets. Each item has one order."""


def _base(row: Row) -> str | None:
    """Return in words the items that a row was scored on; None if the row is on another kind of board."""
    return f"the {row.item_set.n} items of {row.item_set.name}" if row.item_set else _BASES.get(row.board)


def _restricted(row: Row, item_set: ItemSet, board: str, ids: frozenset[str]) -> Row:
    """Return an unranked copy of a row with only the items of a set."""
    items = RowItems.of([item for item in row.items if item.item_id in ids])
    why = f"{REFERENCE}: these items, taken from the run on {_base(row)}"
    # If the importer chose easy items, the other systems' accuracies are higher on these items, too.
    there = f"{100 * (row.score.acc or 0):.1f}% on {_base(row)}"
    return replace(
        row,
        board=board,
        task=board,
        reason=f"{why}; {row.reason}",
        no_rank=why,
        score=score(items.accuracies),
        types=type_scores(items),
        items=items,
        item_set=item_set,
        cost=without_evaluation(row.cost),
        protocol="; ".join(filter(None, (row.protocol, REFERENCE, there))),
        clean_subset=score(items.accuracies[items.seen == 0]) if row.status == "overlap" else None,
        rank=None, rank_low=None, rank_high=None, is_tied=None, against_leader=None,
        metrics={}, spread=None, position=None, curve=(), around=(), flags=(), tries=None, gold_letters=(),
    )  # fmt: skip


def _constant_letters(rows: Sequence[Row]) -> list[Row]:
    """Return a row of the best constant letter for each of the (at most three) most frequent option orders.

    Two orders are the same if they have equal numbers of right options at each letter. Skip unknown orders.
    """
    orders = Counter(row.gold_letters for row in rows if sum(row.gold_letters) == len(row.items) > 0)
    return [_constant(rows, counts) for counts, _ in orders.most_common(_MOST_ORDERS)]


_MOST_ORDERS = 3


def _constant(rows: Sequence[Row], counts: tuple[int, ...]) -> Row:
    first = next(row for row in rows if row.gold_letters == counts)
    constant = replace(first, gold_letters=counts).constant_letter
    assert constant is not None  # noqa: S101 (the counts are not all zero)
    same = sum(row.gold_letters == counts for row in rows) - 1
    others = f" and {same} more" if same else ""
    order = f"in the order that {first.system}{others} saw"
    return Row(
        system=f"always {constant.letter}",
        kind="baseline",
        status="clean",
        reason=f"{REFERENCE}, {order}, by their logged right letters",
        board=first.board,
        task=first.task,
        task_version=first.task_version,
        score=constant.score,
        types={},
        params=None,
        source=first.source,
        evidence="recounted",
        keys=Keys(identity=sha256_of(f"constant|{first.board}|{counts}".encode())),
        item_set=first.item_set,
        protocol=f"{REFERENCE}, {order}",
        gold_letters=counts,
        no_rank=REFERENCE,
    )
