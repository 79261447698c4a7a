"""Set each result that others claim beside what the answers on its items say."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from leaderboard.rank.published import Claim, published_claims
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row, Score
from leaderboard.verify.statuses import RANKED
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task_specs import task_spec

_SAME = 0.0005
"""Half of the last digit of an accuracy that is reported in percent with one decimal."""


@dataclass(frozen=True)
class ScoredClaim:
    """A claim, and what can be computed about it. None means unknown.

    Attributes:
        system: name of the system, as its source calls it.
        source: where the result was published, in words.
        url: link to the source.
        claimed: the accuracy that the source states.
        recounted: the accuracy counted from the answers on the items, if they were published.
        letter: the letter that is right most often on the same items in the order that the system saw.
        constant_letter: the accuracy of always answering `letter`.
        unseen: the accuracy on the items that the system was not trained or prompted with, where it has seen some.
        follows: what a reader may conclude, in sentences.
    """

    system: str
    source: str
    url: str | None
    claimed: Score | None
    recounted: Score | None
    letter: str | None
    constant_letter: Score | None
    unseen: Score | None
    follows: str


def scored_claims(boards: Iterable[Board]) -> list[ScoredClaim]:
    """Return every claim: the reported results, and the imported runs that belong to none of them."""
    imported = [row for board in boards for row in board.rows if row.evidence == "recounted" and row.is_whole_run]
    by_name = {row.system: row for row in imported}
    claims = published_claims()
    linked = {claim.recount for claim in claims}
    scored = [_of_claim(claim, by_name.get(claim.recount or "")) for claim in claims]
    return scored + [_of_run(row) for row in imported if row.system not in linked]


def _of_claim(claim: Claim, row: Row | None) -> ScoredClaim:
    letter, constant = _file_order(claim) if claim.order == "file" else (None, None)
    if row and row.constant_letter:
        letter, constant = row.constant_letter.letter, row.constant_letter.score
    facts = [f"Overlap: {claim.overlap}."] if claim.overlap else []
    facts += [claim.note] if claim.note else []
    return _scored(claim.system, claim.source.title, claim.url, claim.score, row, letter, constant, facts)


def _of_run(row: Row) -> ScoredClaim:
    constant = row.constant_letter
    source = row.origin.source or ""
    url = source if source.startswith("https://") else None
    claimed = None if row.origin.claimed is None else Score(row.origin.claimed)
    letter, score = (constant.letter, constant.score) if constant else (None, None)
    return _scored(row.system, source, url, claimed, row, letter, score, [])


def _scored(
    system: str, source: str, url: str | None, claimed: Score | None, row: Row | None, letter: str | None,
    constant: Score | None, facts: list[str],
) -> ScoredClaim:  # fmt: skip
    recounted = row.score if row else None
    follows = [*_conclusions(claimed, recounted, letter, constant), *facts]
    if row and row.status not in RANKED:
        follows.append(f"{row.status.capitalize()}: {row.reason}.")
    unseen = row.clean_subset if row else None
    return ScoredClaim(system, source, url, claimed, recounted, letter, constant, unseen, " ".join(follows))


def _conclusions(
    claimed: Score | None, recounted: Score | None, letter: str | None, constant: Score | None
) -> list[str]:
    """Return what follows from the numbers alone."""
    said = []
    if recounted is None:
        said.append("A claim: no answers on items were published, so nobody can count it again.")
    elif claimed is None or claimed.acc is None or recounted.acc is None:
        said.append("Counted from the published answers.")
    elif abs(claimed.acc - recounted.acc) <= _SAME:
        said.append("The published answers give the claimed number.")
    else:
        said.append(f"The published answers give {100 * recounted.acc:.1f}, not {100 * claimed.acc:.1f}.")
    best = recounted or claimed
    if constant and constant.acc is not None and best and best.acc is not None and constant.acc >= best.acc:
        said.append(f'Always answering "{letter}" gets as much or more on these items in this order.')
    return said


def _file_order(claim: Claim) -> tuple[str, Score]:
    """Return the best constant letter on a board's items in file order, and its score."""
    ids = scored_ids(task_spec(claim.board).split)
    pinned = pinned_items()
    places = Counter(pinned[item_id].shown_ids("file").index(pinned[item_id].gold) for item_id in ids)
    place, count = max(places.items(), key=lambda entry: (entry[1], -entry[0]))
    return LETTERS[place], Score.of(count, len(ids))
