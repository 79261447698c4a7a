"""Write `results.md`: the ranked systems of every board, and a table of what others claim."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from leaderboard.rank.claims import ScoredClaim, scored_claims
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Score
from leaderboard.site.tables import HOW_TO_READ, board_section, cell_text, link
from leaderboard.site.text import LONGEST, interval_text, percent

_HEAD = f"""# Results

Made by the program from compact records and from `published.yaml`; do not edit. Claims stand in a table of their own,
at the end. {HOW_TO_READ}"""

_CLAIMS = """## Claims, scored again

Counted: the accuracy of the answers on the items, where somebody brought them. Constant letter: the letter that is
right most often on the same items in the order that the system saw, and what always answering it gets. Unseen: the
accuracy on the items that the system was not trained or prompted with, if it has seen some. Of imported systems,
everything but the counts is what the importer says."""

_CLAIM_HEADERS = ("System", "Source", "Claimed", "n", "Counted", "Constant letter", "Unseen", "What follows")


def to_results(boards: Sequence[Board]) -> str:
    """Return `results.md`. A claim is in no table but the last."""
    parts = [_HEAD]
    for board in boards:
        if rows := [row for row in board.rows if row.evidence != "claimed"]:
            parts += board_section(board.key, board.title, rows)
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
    return {"not_shown": "saw no list of options", "not_stated": "order not stated"}.get(claim.order, "")


def _claimed(score: Score | None) -> str:
    return percent(score.acc) if score else "no number"


def _n(claim: ScoredClaim) -> str:
    score = claim.recounted or claim.claimed
    return str(score.n) if score and score.n else "not stated"
