"""Write `results.md`: the ranked systems of every board, and a table of what others claim."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from leaderboard.rank.claims import ScoredClaim, scored_claims
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Score
from leaderboard.site.tables import cell_text, link, ranked_table
from leaderboard.site.text import LONGEST, interval_text, percent

_HEAD = """# Results

Made by the program from compact records and from `published.yaml`; do not edit. Accuracy is in percent with its 95%
Wilson interval; chance is 20. The column "Evidence" says where a number comes from:

- `run here`: these tasks asked the system, and the number comes from logged prompts and answers.
- `recounted`: others asked the system and published its answers item by item; they were counted again.
- A number that somebody only states is a claim. Claims stand in a table of their own, at the end."""

_CLAIMS = """## Claims, scored again

*Constant letter*: what always answering the best letter gets on the same items, in the order that the system saw.
*Unseen*: right on the items that the system was not trained or prompted with, where it has seen some."""

_CLAIM_HEADERS = ("System", "Source", "Claimed", "n", "Counted", "Constant letter", "Unseen", "What follows")


def to_results(boards: Sequence[Board]) -> str:
    """Return `results.md`. A claim is never in a table of ranked systems."""
    parts = [_HEAD]
    for board in boards:
        if ranked := [row for row in board.rows if row.rank is not None]:
            parts += [f"## {cell_text(board.title)}", ranked_table(ranked)]
    parts += [_CLAIMS, claims_table(scored_claims(boards))]
    return "\n\n".join(parts) + "\n"


def claims_table(claims: Iterable[ScoredClaim]) -> str:
    """Return the Markdown table of claims."""
    cells = [
        [
            cell_text(claim.system),
            link(claim.source, claim.url),
            _claimed(claim.claimed),
            _n(claim),
            interval_text(claim.recounted) if claim.recounted else "",
            _constant_letter(claim),
            interval_text(claim.unseen) + f" of {claim.unseen.n}" if claim.unseen else "",
            cell_text(claim.follows, LONGEST),
        ]
        for claim in claims
    ]
    return tabulate(cells, _CLAIM_HEADERS, tablefmt="pipe", disable_numparse=True)


def _constant_letter(claim: ScoredClaim) -> str:
    if claim.constant:
        return f"{claim.constant.letter}: {percent(claim.constant.score.acc)}"
    return {"not_shown": "sees no order", "not_stated": "order not stated"}.get(claim.order, "")


def _claimed(score: Score | None) -> str:
    return percent(score.acc) if score else "no number"


def _n(claim: ScoredClaim) -> str:
    score = claim.recounted or claim.claimed
    return str(score.n) if score and score.n else "not stated"
