"""Render `results.md`: the tables of all boards, and a table of the published claims."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from leaderboard.rank.claims import ScoredClaim, scored_claims
from leaderboard.rank.ranking import Board
from leaderboard.rank.row_parts import Score
from leaderboard.site.tables import HOW_TO_READ, board_section, cell_text, link
from leaderboard.site.text import LONGEST, interval_text, percent

_HEAD = f"""# Results

Generated from compact records and `published.yaml`; do not edit. The last table has the published claims.

{HOW_TO_READ}"""

_CLAIMS = """## Published claims

- Recounted: accuracy recomputed from published answers, if any.
- Constant letter: the best constant letter on the same items, in the order that the system saw, and its accuracy.
- Unseen: if the system was trained or prompted with some items, the accuracy on the other items.
- For imported systems, the accuracy is recomputed. All other statements are the importer's and are not verified."""

_CLAIM_HEADERS = ("System", "Source", "Claimed", "n", "Recounted", "Constant letter", "Unseen", "Conclusion")


def to_results(boards: Sequence[Board]) -> str:
    """Return `results.md`. Only the last table has claims."""
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
    return {"not_shown": "options scored one by one", "not_stated": "order not stated"}.get(claim.order, "")


def _claimed(score: Score | None) -> str:
    return percent(score.acc) if score else "no number"


def _n(claim: ScoredClaim) -> str:
    score = claim.recounted or claim.claimed
    return str(score.n) if score and score.n else "not stated"
