"""Check a run. CHECKS lists all checks; their findings determine the run's status and reason.

Checks need the dataset only for few-shot examples that were not logged. Each logged document must have the expected
hash, and its options must be in the task's order. Each item's accuracy is recomputed from the model's answer.

To add a check, write a function that takes a `Case` and yields texts. Add `_each(severity, function)` to CHECKS.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from leaderboard.load.run import Run
from leaderboard.verify import forensics
from leaderboard.verify.comparability import (
    comparability_faults,
    document_faults,
    number_faults,
    order_is_untold,
    seen_are_the_wrong_ones,
)
from leaderboard.verify.identity import IMPORTED, is_from_random_weights, kind
from leaderboard.verify.prompts import prompt_faults, prompt_flags, text_around
from leaderboard.verify.statuses import StatusName
from leaderboard.verify.verified import Case, VerifiedRun
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.task_specs import is_task

RANDOM_WEIGHTS = "made from random weights: a demonstration, listed without a rank"
ORDER_UNTOLD = "option order not stated; in file order the right option is always the first"
SEEN_BY_ANSWERS = (
    "far lower accuracy on the items that its importer names as seen than on the others; the accuracy on the others is "
    "not shown"
)
CHOSEN_ON_TEST = "choosing a checkpoint by held-out items selects on the test items, so the run has no result"
_UNKNOWN = "no record of its training data"


class Severity(IntEnum):
    """The effect of a finding on the status. If there are several findings, the lowest number decides."""

    UNREADABLE = 0
    """Status excluded: no number of the run is reliable. The run gets no items, and later checks are skipped."""
    INCOMPARABLE = 1
    """Status excluded: the run is not comparable with other runs. The run's flags are omitted."""
    OVERLAP = 2
    """Status overlap: the model was trained or selected on scored items."""
    FORGED = 3
    """Status excluded: the run gives false information about the model or its training."""
    DEMONSTRATION = 4
    """Status excluded: the model has random weights and only demonstrates the leaderboard."""
    DOUBT = 5
    """Status unknown: the model may have seen the items, or the answers may come from another model."""
    TRUST = 6
    """Status clean: the finding's text says why the model has not seen the items."""
    NOTE = 7
    """The finding's text becomes a flag. A flag does not change the status."""


_STATUS: dict[Severity, StatusName] = {Severity.OVERLAP: "overlap", Severity.DOUBT: "unknown", Severity.TRUST: "clean"}
"""The status of a run by its worst severity, which is never NOTE. Severities that are not listed give excluded."""


class Finding(NamedTuple):
    """One result of a check: a severity, and a reason as text."""

    severity: Severity
    text: str


Check = Callable[[Case], Iterable[Finding]]


def _readability(case: Case) -> Iterator[str]:
    run = case.run
    if not is_task(run.task):
        yield f"task {run.task} is not part of this release"
    elif run.version != TASK_VERSION:
        yield f"task version {run.version} is not comparable; this release scores version {TASK_VERSION}"
    elif run.samples is None:
        yield "no per-item samples; run with --log_samples"


def _selection(case: Case) -> Iterator[str]:
    if mark := case.run.training.unselected:
        yield f"a checkpoint that its training did not select ({mark}): {CHOSEN_ON_TEST}"


def _baseline(case: Case) -> Iterator[Finding]:
    if kind(case.run) != "baseline":
        return
    faults = list(forensics.baseline_faults(case))
    yield from (Finding(Severity.FORGED, text) for text in faults)
    if faults or forensics.is_compared(case):
        yield from (Finding(Severity.DOUBT, text) for text in forensics.shared_doubts(case.run))
    else:
        missing = f"its scores cannot be compared, because none are committed for {case.run.task}"
        yield Finding(Severity.DOUBT, f"recorded as baseline {forensics.baseline_name(case.run)}; {missing}")
    if not faults:
        yield Finding(Severity.TRUST, "never trained")


def _training(case: Case) -> Iterator[Finding]:
    run, items = case.run, case.items
    if kind(run) == "baseline":
        return
    seen = sum(item.seen == 1 for item in items)
    if kind(run) == IMPORTED and not seen:
        unverified = "the option order is not verified"
        yield Finding(Severity.DOUBT, f"imported: {_UNKNOWN}, and {unverified}")
    elif kind(run) == IMPORTED:
        how = "used for training or in the prompt, as its importer states"
        yield Finding(Severity.OVERLAP, f"{seen} of the {len(items)} scored items were {how}")
    elif seen:
        yield Finding(Severity.OVERLAP, f"{seen} of the {len(items)} scored items were used for training or validation")
    elif hidden := forensics.hidden_items(run.training, items):
        named = f"{len(hidden)} items ({', '.join(hidden[:3])})"
        yield Finding(Severity.FORGED, f"{named} are logged as unseen, but are in its training split")
    elif doubts := dict.fromkeys((*forensics.shared_doubts(run), *forensics.training_doubts(run))):
        yield Finding(Severity.DOUBT, f"{_UNKNOWN}: {'; '.join(doubts)}")
    elif any(item.seen is None for item in items):
        reason = f"; its log says: {run.training.reason}" if run.training.reason else ""
        yield Finding(Severity.DOUBT, f"{_UNKNOWN}{reason}")
    else:
        yield Finding(Severity.TRUST, run.training.reason or "no scored item was used for training or validation")


def _demonstration(case: Case) -> Iterator[str]:
    if is_from_random_weights(case.run):
        yield RANDOM_WEIGHTS


def _notes(case: Case) -> Iterator[str]:
    run = case.run
    yield from run.flags  # only records have flags
    if kind(run) == IMPORTED:
        yield from _import_notes(case)
    if run.n_truncated:
        yield f"{run.n_truncated} texts were cut to the model's maximum length"
    yield from prompt_flags(case)
    if forensics.used_cache(run):
        yield forensics.CACHE_DOUBT


def _import_notes(case: Case) -> Iterator[str]:
    run, n = case.run, len(case.items)
    if order_is_untold(run):
        yield ORDER_UNTOLD
    if by_letters := run.facts.n_by_letters or sum(sample.is_unread for sample in run.items):
        yield (
            f"chosen options unknown ({by_letters} items): the file has only two letters, the answered and the right "
            "option's"
        )
    if seen_are_the_wrong_ones(case.items):
        yield SEEN_BY_ANSWERS
    if unparsed := sum(sample.is_unparsed for sample in run.items):
        yield f"{unparsed} of {n} items unparsed: no answer could be read, so these items count as wrong"
    named = run.facts.n_seen_named
    if named and not any(item.seen == 1 for item in case.items):
        yield f"its importer names {named} items used for training or in the prompt; none is among the {n} scored items"


def _each(severity: Severity, texts: Callable[[Case], Iterable[str]]) -> Check:
    """Turn a function that yields texts into a check. All findings of this check have the given severity."""
    return lambda case: [Finding(severity, text) for text in texts(case)]


CHECKS: tuple[Check, ...] = (
    _each(Severity.UNREADABLE, _readability),
    _each(Severity.UNREADABLE, _selection),
    _each(Severity.UNREADABLE, document_faults),
    _each(Severity.INCOMPARABLE, comparability_faults),
    _each(Severity.INCOMPARABLE, prompt_faults),
    _each(Severity.INCOMPARABLE, number_faults),
    _baseline,
    _training,
    _each(Severity.DEMONSTRATION, _demonstration),
    _each(Severity.NOTE, _notes),
)
"""All checks. Reasons and flags are listed in this order. After an UNREADABLE finding, later checks are skipped."""


def verify(run: Run) -> VerifiedRun:
    """Check a run with CHECKS. Return the run with its recomputed items, status, reason and flags."""
    case = Case(run)
    findings: list[Finding] = []
    for check in CHECKS:
        findings += check(case)
        if unreadable := _texts(findings, Severity.UNREADABLE):
            return VerifiedRun(run, (), "excluded", "; ".join(unreadable))
    worst = min(finding.severity for finding in findings)
    reasons = _texts(findings, worst)
    if worst in (Severity.FORGED, Severity.DEMONSTRATION):
        reasons += _texts(findings, Severity.DOUBT) or _texts(findings, Severity.TRUST)
    flags = [] if worst == Severity.INCOMPARABLE else _texts(findings, Severity.NOTE)
    return VerifiedRun(
        run=run,
        items=case.items,
        status=_STATUS.get(worst, "excluded"),
        reason="; ".join(reasons),
        flags=tuple(dict.fromkeys(flags)),
        around=text_around(case),
    )


def _texts(findings: list[Finding], severity: Severity) -> list[str]:
    return [finding.text for finding in findings if finding.severity == severity]
