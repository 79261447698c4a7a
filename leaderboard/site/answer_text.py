"""Write a board's main result in sentences, for the page and `leaderboard.json`."""

from typing import Any

from leaderboard.rank.answer import Answer, Rival
from leaderboard.rank.published import Claim
from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import Score
from leaderboard.site.names import name_of, seed_of, trust_of
from leaderboard.site.text import line, percent
from leaderboard.verify.statuses import STATUSES

_LONGEST_NAME = 80
_ORDERS = {
    "file": ', with the options in file order, where always answering "A" scores 100%',
    "not_stated": "; the source does not state the option order",
}
"""Text after a claim, by the option order that the claim's source states."""


def answer_object(answer: Answer) -> dict[str, Any]:
    """Return a board's answer for `leaderboard.json`.

    `lead`, `name`, `figure` and `rest` are the parts of one sentence. The page shows `name` and `figure` in bold.
    `facts` has further sentences, each with a label.
    """
    best, rivals = answer.best, answer.rivals
    return {
        "best": _system(best) | {"trust": trust_of(best)} if best else None,
        "next": _rival(rivals[0]) if rivals else None,
        "level_with": [rival.row.id for rival in answer.level],
        "recounted": _system(answer.recounted) if answer.recounted else None,
        "claim": _claim(answer.claim) if answer.claim else None,
        "lead": "Best measured here:" if best else "No system measured here has a rank on this board.",
        "name": _name(best) if best else "",
        "figure": f"{percent(best.score.acc)}%" if best else "",
        "rest": _rest(best, answer) if best else "",
        "facts": [{"label": label, "text": text} for label, text in _facts(answer) if text],
    }


def _rest(best: Row, answer: Answer) -> str:
    """Return the end of the sentence on the best system: its interval, its seeds, and the gap to the next system."""
    n, which = answer.n_seeds, "median" if answer.n_seeds % 2 else "lower median"
    seeds = f"; {which} of {n} seeds" if n > 1 else ""
    return f"({_interval(best.score)}{seeds}), {_distance(answer)}."


def _distance(answer: Answer) -> str:
    level = answer.level
    if level:
        others = "1 other system" if len(level) == 1 else f"{len(level)} other systems"
        return f"tied with {others}"
    if not answer.rivals:
        return "the only ranked system measured here"
    rival = answer.rivals[0]
    return f"{_points(rival)} points ahead of the next system measured here, {_name(rival.row)}"


def _facts(answer: Answer) -> list[tuple[str, str]]:
    best = answer.best
    return [
        ("Next", _next(answer)),
        ("Trust", _trust(best) if best else ""),
        ("Recounted", _recounted(answer.recounted, best) if answer.recounted else ""),
        ("Best published, not verified", _claimed(answer.claim) if answer.claim else ""),
    ]


def _next(answer: Answer) -> str:
    if not answer.rivals:
        return ""
    rival = answer.rivals[0]
    comparison = rival.against_best.comparison
    bounds = f"corrected 95% interval {percent(-comparison.high)} to {percent(-comparison.low)}"
    verdict = "not significant in the paired test" if rival.is_level else "significant in the paired test"
    seed = f" ({seed_of(rival.row)})" if seed_of(rival.row) else ""
    score = f"{percent(rival.row.score.acc)}%"
    return f"{_name(rival.row)}{seed}, {score}, {_points(rival)} points behind ({bounds}): {verdict}."


def _trust(best: Row) -> str:
    words = trust_of(best)
    if best.kind == "baseline":
        why = "the system is a simple rule"
    elif best.status == "clean" and best.training:
        why = "the system's training record lists none of the scored items"
    else:
        why = STATUSES[best.status].help[:1].lower() + STATUSES[best.status].help[1:].removesuffix(".")
    return f"{words[:1].upper()}{words[1:]}: {why}."


def _recounted(row: Row, best: Row | None) -> str:
    score = f"{percent(row.score.acc)}% ({_interval(row.score)})"
    is_higher = best is not None and (row.score.acc or 0) > (best.score.acc or 0)
    more = f" Higher than the best accuracy measured here. Status: {trust_of(row)}." if is_higher else ""
    source = "" if row.origin.source else " without a stated source"
    return f"{_name(row)}, {score}, recomputed from imported answers{source}, not run here.{more}"


def _claimed(claim: Claim) -> str:
    return f"{line(claim.system, _LONGEST_NAME)}, {percent(claim.score.acc)}%{_ORDERS.get(claim.order, '')}."


def _points(rival: Rival) -> str:
    return percent(-rival.against_best.comparison.difference)


def _interval(score: Score) -> str:
    return f"{percent(score.low)} to {percent(score.high)}"


def _name(row: Row) -> str:
    return line(name_of(row), _LONGEST_NAME)


def _system(row: Row) -> dict[str, Any]:
    score = row.score
    return {"row": row.id, "system": row.system, "acc": score.acc, "acc_low": score.low, "acc_high": score.high}


def _rival(rival: Rival) -> dict[str, Any]:
    compared = rival.against_best
    return _system(rival.row) | {**vars(compared.comparison), "p_holm": compared.p_holm}


def _claim(claim: Claim) -> dict[str, Any]:
    return {"system": claim.system, "acc": claim.score.acc, "n": claim.score.n, "url": claim.url, "order": claim.order}
