"""List the items that few strong systems answer correctly, for a person who reviews the dataset's labels.

This module does not change the leaderboard. The accuracy without the marked items is for discussion only.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from tabulate import tabulate

from leaderboard.load.annotations import annotations_at_hand
from leaderboard.load.review import VERDICTS, Review
from leaderboard.rank.boards import build_boards
from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import Score
from leaderboard.related import Related, find_related
from leaderboard.site.tables import status_text
from leaderboard.site.text import LONGEST, interval_text, line, percent
from leaderboard.verify.items import ItemResult
from leaderboard.verify.statuses import RANKED, StatusName
from recipe_mpr_task.data import N_ITEMS, items_at_hand
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import LETTERS, UNTYPED, Item
from recipe_mpr_task.orders import display, pinned_items

_LONGEST_NAME = 60
_LIST = "; "  # many names have a comma
_NO_RANK = (
    "The numbers below are not leaderboard numbers: the leaderboard uses all 500 items with the dataset's labels. A "
    "system answers an item correctly if only the right option has the best score."
)
_NO_TEXTS = "Texts are not shown, because the dataset is not on this machine; get it with `recipe-mpr data fetch`."


@dataclass(frozen=True)
class LabelAudit:
    """The systems that are used, the rows that are left out, and a reviewer's verdicts.

    Attributes:
        rows: one row for each system, all on the same 500 items, sorted by name.
        left_out: (system, reason) of each row that is left out.
        reviews: the verdicts by item id.
    """

    rows: tuple[Row, ...]
    left_out: tuple[tuple[str, str], ...]
    reviews: Mapping[str, Review] = field(default_factory=dict)

    @cached_property
    def answered(self) -> dict[str, int]:
        """The number of systems that answer each item correctly, by item id."""
        counts = np.sum([row.items.accuracies == 1 for row in self.rows], axis=0)
        return dict(zip(self.rows[0].items.ids, counts.tolist(), strict=True))

    @cached_property
    def related(self) -> Related:
        """The groups of systems that share a base model or may be copies."""
        return find_related(self.rows)

    @property
    def marked(self) -> frozenset[str]:
        """Ids of the items that the review marks."""
        return frozenset(item_id for item_id, review in self.reviews.items() if review.is_mark)

    def hard(self, at_most: int) -> list[str]:
        """Return ids of the items that at most `at_most` systems answer correctly, fewest systems first."""
        few = [item_id for item_id, count in self.answered.items() if count <= at_most]
        return sorted(few, key=lambda item_id: (self.answered[item_id], item_id))


def audit_labels(
    runs: Iterable[Row], reviews: Mapping[str, Review], *, at_least: float, include: Collection[StatusName] = ()
) -> LabelAudit:
    """Choose one row for each system that was scored on all 500 items.

    Args:
        runs: rows of single runs, from `collect.read_rows`.
        reviews: the verdicts by item id.
        at_least: minimum accuracy of a system, a fraction. A weak system is right on many items by chance.
        include: unranked statuses whose rows are also used.

    Raises:
        RecipeMPRError: no system can be used.
    """
    on_board = [row for board in build_boards(runs) if board.key == MAIN_BOARD for row in board.rows]
    rows: list[Row] = []
    left_out = []
    for row in on_board:
        if row.kind == "reported":
            continue
        if reason := _why_not(row, rows, at_least, include):
            left_out.append((row.system, reason))
        else:
            rows.append(row)
    if not rows:
        why = "; ".join(f"{line(name, _LONGEST_NAME)}: {reason}" for name, reason in left_out)
        raise RecipeMPRError(
            f"no usable system; pass a run of task {MAIN_BOARD} on all {N_ITEMS} items; {why or 'no run was read'}"
        )
    return LabelAudit(tuple(sorted(rows, key=lambda row: row.system)), tuple(left_out), reviews)


def _why_not(row: Row, counted: Sequence[Row], at_least: float, include: Collection[StatusName]) -> str:
    """Return the reason to leave out a row, given the rows `counted` that are used; "" to use the row."""
    if row.status not in (*RANKED, *include):
        return f"{row.status}: {row.reason}"
    if len(row.items) != N_ITEMS or row.score.acc is None:
        return f"{len(row.items)} of {N_ITEMS} items with a score: {row.reason}"
    for other in counted:
        if row.keys.measurement == other.keys.measurement or (row.keys.system and row.keys.system == other.keys.system):
            return f"the same system as {line(other.system, _LONGEST_NAME)}"
        if row.items.choices and row.items.choices == other.items.choices:
            return f"the same choice as {line(other.system, _LONGEST_NAME)} on every item"
    if row.score.acc < at_least:
        return f"accuracy {percent(row.score.acc)}%, below {percent(at_least)}%: right on many items by chance"
    return ""


def report(audit: LabelAudit, at_most: int) -> Iterator[str]:
    """Yield the audit as lines of text: the systems, the items by number of right systems, and the hard items."""
    yield _NO_RANK + "\n"
    yield _systems(audit)
    counts = Counter(audit.answered.values())
    n_systems = len(audit.rows)
    yield f"\nAnswered correctly by k of {n_systems} systems: " + ", ".join(
        f"{k}: {counts[k]}" for k in range(n_systems + 1)
    )
    yield from _votes(audit.related, n_systems)
    if audit.reviews:
        given = Counter(review.verdict for review in audit.reviews.values())
        listed = ", ".join(f"{given[verdict]} {verdict}" for verdict in VERDICTS)
        yield f"Review: {listed}, {given[None]} not reviewed; {len(audit.marked)} items are marked."
    yield from _notes(audit.rows)
    yield from (f"Left out: {line(name, _LONGEST_NAME)}: {line(reason, LONGEST)}" for name, reason in audit.left_out)
    hard = audit.hard(at_most)
    independent = f" (at most {audit.related.n_independent} independent)" if audit.related.groups else ""
    of = f"of {n_systems} systems{independent}"
    few = f"at most {at_most} {of} answer correctly" if at_most else f"none {of} answers correctly"
    yield f"\n{len(hard)} items that {few}:"
    items = {item.item_id: item for item in items_at_hand()}
    if hard and not items:
        yield _NO_TEXTS
    annotations, choices = annotations_at_hand() if hard else {}, _choices(audit.rows, hard)
    for item_id in hard:
        yield f"\n{_heading(audit, item_id)}"
        if item_id in items:
            yield from _texts(items[item_id], choices[item_id], annotations.get(item_id, {}))


def _votes(related: Related, n_systems: int) -> Iterator[str]:
    """Yield lines on the number of independent systems, as far as known, and on the related systems."""
    if related.groups:
        yield (f"{related.n_related} of the {n_systems} systems share a base model or may be copies: count at most "
               f"{related.n_independent} independent systems.")  # fmt: skip
    elif n_systems > 1:
        yield f"No two of the {n_systems} systems are known to share a base model, and none look like copies."
    for group in related.groups:
        yield f"Related: {_LIST.join(group.systems)}: {_LIST.join(group.reasons)}"
    if related.unknown and n_systems > 1:
        yield f"Base model unknown, so these systems may also be related: {_LIST.join(related.unknown)}"
    if related.closest:
        yield f"Most similar pair that is not related: {related.closest}"


def _systems(audit: LabelAudit) -> str:
    """Return the table of systems, with accuracy on all items and on the items that are not marked."""
    headers = ["System", "Status", f"Accuracy (n {N_ITEMS})"]
    cells = [
        [line(row.system, _LONGEST_NAME), status_text(row.status, row.flags), interval_text(row.score)]
        for row in audit.rows
    ]
    if audit.reviews:
        kept = np.array([item_id not in audit.marked for item_id in audit.rows[0].items.ids])
        headers.append(f"Without marked items (n {kept.sum()})")
        for row, texts in zip(audit.rows, cells, strict=True):
            texts.append(interval_text(Score.of(float(row.items.accuracies[kept].sum()), int(kept.sum()))))
    return tabulate(cells, headers, tablefmt="simple", disable_numparse=True)


def _notes(rows: Iterable[Row]) -> Iterator[str]:
    """Yield one line for each note on the rows, with the names of the systems that have this note."""
    by_flag: dict[str, list[str]] = {}
    for row in rows:
        for flag in row.flags:
            by_flag.setdefault(flag, []).append(line(row.system, _LONGEST_NAME))
    yield from (f"Note on {', '.join(names)}: {line(flag, LONGEST)}" for flag, names in by_flag.items())


def _choices(rows: Sequence[Row], item_ids: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """Return the names of the systems that chose each option, as {item id: {recipe id: names}}."""
    chosen: dict[str, dict[str, list[str]]] = {item_id: {} for item_id in item_ids}
    for row in rows:
        for item in row.items:
            if item.item_id in chosen:
                _add(chosen[item.item_id], item, line(row.system, _LONGEST_NAME))
    return chosen


def _add(by_option: dict[str, list[str]], item: ItemResult, name: str) -> None:
    for recipe_id in item.chosen:
        by_option.setdefault(recipe_id, []).append(name)


def _heading(audit: LabelAudit, item_id: str) -> str:
    types = ", ".join(pinned_items()[item_id].types) or UNTYPED
    text = f"{item_id}  answered correctly by {audit.answered[item_id]} of {len(audit.rows)}  {types}"
    if not (review := audit.reviews.get(item_id)):
        return text
    note = f" ({line(review.note)})" if review.note else ""
    return f"{text}  verdict: {review.verdict or 'not reviewed'}{note}"


def _texts(item: Item, chosen: Mapping[str, Sequence[str]], annotations: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield lines with an item's query, options and annotations.

    A line with an option has * if the option is right, and names the systems that chose the option.
    """
    yield f"  {item.query}"
    for letter, option in zip(LETTERS, display(item, "shuffled").options, strict=True):
        names = ", ".join(chosen.get(option.recipe_id, ()))
        right = "*" if option.recipe_id == item.gold else " "
        yield f"  {right} {letter}) {option.text}" + (f"  <- {names}" if names else "")
    for part, answers in annotations.items():
        yield f"    annotated: {part} = {', '.join(answers)}"
