"""Compare each published claim with the accuracy recomputed from its published answers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from leaderboard.rank.item_set_boards import REFERENCE
from leaderboard.rank.published import Claim, Order, published_claims
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import ConstantLetter, Score
from leaderboard.verify.statuses import RANKED
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import NOT_SHOWN, pinned_items
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task_specs import task_spec

_SAME = 0.0005
"""Half of the last digit of an accuracy that is reported in percent with one decimal."""


@dataclass(frozen=True)
class ScoredClaim:
    """A claim, and the accuracies computed for comparison. None means unknown.

    Attributes:
        system: name of the system, as its source calls it.
        source: where the result was published, in words.
        url: link to the source.
        claimed: the accuracy that the source states.
        constant: the letter that is right most often on the same items, in the order that the system saw. Its score is
            the accuracy of always answering this letter.
        notes: notes on the claim, for readers.
        row: the imported run with the published answers.
        order: how the source says that the options were shown; "not_stated" if the source does not say.
        board: key of the board with the same items.
    """

    system: str
    source: str
    url: str | None
    claimed: Score | None
    constant: ConstantLetter | None
    notes: tuple[str, ...] = ()
    row: Row | None = None
    order: Order = "not_stated"
    board: str = ""

    @property
    def recounted(self) -> Score | None:
        """The accuracy counted from the published answers."""
        return self.row.score if self.row else None

    @property
    def unseen(self) -> Score | None:
        """The accuracy on the items unseen in training and prompts; None if the system has seen no items or all."""
        unseen = self.row.clean_subset if self.row else None
        return unseen if unseen and unseen.n else None

    @property
    def follows(self) -> str:
        """The conclusions for a reader, in sentences."""
        no_rank = self.row and (self.row.status not in RANKED or self.row.no_rank)
        said = [f"{self.row.status}: {self.row.reason}"] if self.row and no_rank else []
        said += [*self._of_constant_letter(), self._of_counts(), *self.notes]
        return " ".join(f"{text[:1].upper()}{text[1:].removesuffix('.')}." for text in said)

    def _of_counts(self) -> str:
        claimed = self.claimed.acc if self.claimed else None
        counted = self.recounted.acc if self.recounted else None
        if counted is None:
            return "A claim only: the system's answers to the items are not available"
        if claimed is None:
            return "Recomputed from the imported answers"
        if abs(claimed - counted) <= _SAME:
            return "The published answers give the claimed accuracy"
        return f"The published answers give {100 * counted:.1f}%, not {100 * claimed:.1f}%"

    def _of_constant_letter(self) -> list[str]:
        best = (self.recounted or self.claimed or Score(None)).acc
        constant = self.constant.score.acc if self.constant else None
        if self.constant is None or constant is None or best is None or constant < best:
            return []
        return [f'Always answering "{self.constant.letter}" is at least as accurate on these items in this order']


def scored_claims(boards: Iterable[Board]) -> list[ScoredClaim]:
    """Return every claim: first the reported results, then other imported runs with a source or a claimed accuracy."""
    rows = [row for board in boards for row in board.rows]
    imported = [row for row in rows if row.kind == "imported" and not row.no_rank.startswith(REFERENCE)]
    named = Counter(row.system for row in imported)
    by_name = {row.system: row for row in imported if named[row.system] == 1}
    reported = published_claims()
    scored = [_of_report(claim, by_name.get(claim.recount or "")) for claim in reported]
    linked = {claim.row.id for claim in scored if claim.row}
    own = (row for row in imported if row.origin.source or row.origin.claimed is not None)
    return scored + [_of_run(row) for row in own if row.id not in linked]


def _of_report(claim: Claim, row: Row | None) -> ScoredClaim:
    overlap = f"Overlap: {claim.overlap}" if claim.overlap else ""
    constant = row.constant_letter if row else None
    if constant is None and claim.order == "file":
        constant = _in_file_order(claim.board)
    notes = tuple(filter(None, (overlap, claim.note)))
    return ScoredClaim(
        claim.system, claim.source.title, claim.url, claim.score, constant, notes, row, claim.order, claim.board
    )


def _of_run(row: Row) -> ScoredClaim:
    source = row.origin.source or ""
    url = source if source.startswith("https://") else None
    order: Order = "not_shown" if row.origin.order == NOT_SHOWN else "not_stated"
    claimed = None if row.origin.claimed is None else Score(row.origin.claimed)
    notes = (f"the importer notes: {row.origin.note}",) if row.origin.note else ()
    return ScoredClaim(row.system, source, url, claimed, row.constant_letter, notes, row, order, board=row.board)


@cache
def _in_file_order(board: str) -> ConstantLetter:
    """Return the best constant letter on a board's items in file order."""
    pinned = pinned_items()
    ids = scored_ids(task_spec(board).split)
    places = Counter(pinned[item_id].shown_ids("file").index(pinned[item_id].gold) for item_id in ids)
    place, count = max(places.items(), key=lambda entry: (entry[1], -entry[0]))
    return ConstantLetter(LETTERS[place], Score.of(count, len(ids)))
