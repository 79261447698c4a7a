"""Write `results.md`: what was measured here, what was counted from others' answers, and what is only claimed."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from leaderboard.rank.claims import ScoredClaim, scored_claims
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Score
from leaderboard.site.tables import cell_text, ranked_table
from leaderboard.site.text import interval_text, percent

_HEAD = """# Results

Made by the program from compact records and from `published.yaml`; do not edit. Accuracy is in percent with its 95%
Wilson interval; chance is 20. Three kinds of numbers are kept apart. **Measured**: these tasks asked the system,
and every number comes from logged answers. **Counted**: others asked the system and published its answers item by item;
they were counted again. **Claimed**: somebody states a number."""

_CLAIMS = """## Claims, scored again

*Constant letter*: what always answering the best letter gets on the same items, in the order that the system saw.
*Unseen*: right on the items that the system was not trained or prompted with, where it has seen some."""

_CLAIM_HEADERS = ("System", "Source", "Claimed", "n", "Counted", "Constant letter", "Unseen", "What follows")


def to_results(boards: Sequence[Board]) -> str:
    """Return `results.md`. A claim is never in a table of measured or counted systems."""
    parts = [_HEAD]
    for evidence, word in (("run here", "Measured"), ("recounted", "Counted")):
        for board in boards:
            rows = [row for row in board.rows if row.evidence == evidence and row.rank is not None]
            if rows:
                parts += [f"## {word}: {cell_text(board.title)}", ranked_table(rows)]
    parts += [_CLAIMS, claims_table(scored_claims(boards))]
    return "\n\n".join(parts) + "\n"


def claims_table(claims: Iterable[ScoredClaim]) -> str:
    """Return the Markdown table of claims."""
    cells = [
        [
            cell_text(claim.system),
            f"[{cell_text(claim.source)}]({claim.url})" if claim.url else cell_text(claim.source),
            _claimed(claim.claimed),
            _n(claim),
            interval_text(claim.recounted) if claim.recounted else "",
            f"{claim.constant.letter}: {percent(claim.constant.score.acc)}" if claim.constant else "",
            interval_text(claim.unseen) + f" of {claim.unseen.n}" if claim.unseen else "",
            cell_text(claim.follows),
        ]
        for claim in claims
    ]
    return tabulate(cells, _CLAIM_HEADERS, tablefmt="pipe", disable_numparse=True)


def _claimed(score: Score | None) -> str:
    return percent(score.acc) if score else "no number"


def _n(claim: ScoredClaim) -> str:
    score = claim.recounted or claim.claimed
    return str(score.n) if score and score.n else "not stated"
