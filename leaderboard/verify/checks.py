"""Decide what a run's numbers are worth: every check, in one list, and the status and reason that follow.

A run is checked without the dataset: each logged document must hash to its pinned digest, its options must stand as
its order has them, and its accuracy is computed anew from its scores. To add a check, write a function here and put it
into CHECKS.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from leaderboard.load.schema import Run
from leaderboard.verify.comparability import comparability_faults, number_faults
from leaderboard.verify.documents import document_faults
from leaderboard.verify.forensics import baseline_faults, baseline_name, hidden_items, is_compared
from leaderboard.verify.identity import IMPORTED, is_from_random_weights, kind
from leaderboard.verify.items import ItemResult, item_result
from leaderboard.verify.prompts import prompt_faults, prompt_flags, text_around
from leaderboard.verify.statuses import StatusName
from leaderboard.verify.surroundings import Surroundings, surroundings
from leaderboard.verify.training import CACHE_DOUBT, UNKNOWN, shared_doubts, training_doubts, used_cache
from leaderboard.verify.verified import VerifiedRun
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.task_specs import TaskSpec, is_task, task_spec

RANDOM_WEIGHTS = "made from random weights: a demonstration, listed and not ranked"


class Severity(IntEnum):
    """What a finding does to its run; the worst one, the lowest number, decides the status."""

    UNREADABLE = 0
    """Excluded: no number can be believed, so the run has no items and no further check runs."""
    INCOMPARABLE = 1
    """Excluded, without flags: what was measured is not the task."""
    OVERLAP = 2
    """Trained or selected on scored items."""
    FORGED = 3
    """Excluded: the model is another than the run says."""
    DEMONSTRATION = 4
    """Excluded: the model is no attempt at the task."""
    DOUBT = 5
    """Unknown: why the model may have seen the items, or the answers may be another model's."""
    TRUST = 6
    """Clean: why the model had not seen the items."""
    NOTE = 7
    """A flag, which leaves the status as it is."""


_STATUS: dict[Severity, StatusName] = {
    Severity.UNREADABLE: "excluded",
    Severity.INCOMPARABLE: "excluded",
    Severity.OVERLAP: "overlap",
    Severity.FORGED: "excluded",
    Severity.DEMONSTRATION: "excluded",
    Severity.DOUBT: "unknown",
    Severity.TRUST: "clean",
}


@dataclass(frozen=True)
class Finding:
    """What one check says of a run, in words."""

    severity: Severity
    text: str


@dataclass(frozen=True)
class Case:
    """A run and what checks need to know of it, each computed once, when a check asks for it."""

    run: Run

    @cached_property
    def spec(self) -> TaskSpec:
        """The run's task; the task is one of this release."""
        return task_spec(self.run.task)

    @cached_property
    def items(self) -> tuple[ItemResult, ...]:
        """The items computed anew; the documents are genuine."""
        return tuple(item_result(sample, self.spec) for sample in self.run.items)

    @cached_property
    def surroundings(self) -> Surroundings:
        """The texts around the prompts; the documents are genuine."""
        return surroundings(self.run, self.spec)


Check = Callable[[Case], Iterable[Finding]]


def _task(case: Case) -> Iterator[Finding]:
    if not is_task(case.run.task):
        yield Finding(Severity.UNREADABLE, f"task {case.run.task} is not one of this release")


def _version(case: Case) -> Iterator[Finding]:
    if case.run.version != TASK_VERSION:
        text = f"task version {case.run.version}; this release scores version {TASK_VERSION}, not comparable"
        yield Finding(Severity.UNREADABLE, text)


def _samples(case: Case) -> Iterator[Finding]:
    if case.run.samples is None:
        yield Finding(Severity.UNREADABLE, "no per-item samples; run with --log_samples")


def _documents(case: Case) -> Iterator[Finding]:
    return _each(Severity.UNREADABLE, document_faults(case.run, case.spec))


def _comparability(case: Case) -> Iterator[Finding]:
    return _each(Severity.INCOMPARABLE, comparability_faults(case.run, case.spec))


def _prompts(case: Case) -> Iterator[Finding]:
    has_none = kind(case.run) == IMPORTED and case.run.is_record
    faults = () if has_none else prompt_faults(case.run, case.spec, case.surroundings)
    return _each(Severity.INCOMPARABLE, faults)


def _numbers(case: Case) -> Iterator[Finding]:
    return _each(Severity.INCOMPARABLE, number_faults(case.run, case.items))


def _baseline(case: Case) -> Iterator[Finding]:
    if kind(case.run) != "baseline":
        return
    faults = list(baseline_faults(case.run, case.spec))
    yield from _each(Severity.FORGED, faults)
    if faults or is_compared(case.run, case.spec):
        yield from _each(Severity.DOUBT, shared_doubts(case.run))
    else:
        missing = f"there are no committed scores to compare it with on {case.run.task}"
        yield Finding(Severity.DOUBT, f"it says it is the baseline {baseline_name(case.run)}; {missing}")
    if not faults:
        yield Finding(Severity.TRUST, "never trained")


def _import(case: Case) -> Iterator[Finding]:
    if kind(case.run) == IMPORTED:
        text = f"imported: {UNKNOWN}, nor, beyond its own word, how the options were shown"
        yield Finding(Severity.DOUBT, text)


def _training(case: Case) -> Iterator[Finding]:
    if kind(case.run) in ("baseline", IMPORTED):
        return
    run, items = case.run, case.items
    if seen := sum(item.seen == 1 for item in items):
        text = f"{seen} of the {len(items)} scored items were trained or validated on"
        yield Finding(Severity.OVERLAP, text)
    elif hidden := hidden_items(run.training, items):
        named = f"{len(hidden)} items ({', '.join(hidden[:3])})"
        yield Finding(Severity.FORGED, f"{named} are logged as unseen, though its training record's split has them")
    elif doubts := dict.fromkeys((*shared_doubts(run), *training_doubts(run))):
        yield Finding(Severity.DOUBT, f"{UNKNOWN}: {'; '.join(doubts)}")
    elif any(item.seen is None for item in items):
        reason = f"; its log says: {run.training.reason}" if run.training.reason else ""
        yield Finding(Severity.DOUBT, f"{UNKNOWN}{reason}")
    else:
        yield Finding(Severity.TRUST, run.training.reason or "no scored item was trained or validated on")


def _random_weights(case: Case) -> Iterator[Finding]:
    if is_from_random_weights(case.run):
        yield Finding(Severity.DEMONSTRATION, RANDOM_WEIGHTS)


def _flags_of_record(case: Case) -> Iterator[Finding]:
    return _each(Severity.NOTE, case.run.flags)


def _order_of_import(case: Case) -> Iterator[Finding]:
    args = case.run.args
    if kind(case.run) == IMPORTED and not args.text("order") and sum(args.gold_letters) < len(case.run.items):
        text = "in which order it saw the options is not told: in the file's order the right one is always the first"
        yield Finding(Severity.NOTE, text)


def _cut_texts(case: Case) -> Iterator[Finding]:
    if case.run.n_truncated:
        yield Finding(Severity.NOTE, f"{case.run.n_truncated} texts were cut to the model's length")


def _unusual_prompts(case: Case) -> Iterator[Finding]:
    return _each(Severity.NOTE, prompt_flags(case.run, case.spec, case.surroundings))


def _request_cache(case: Case) -> Iterator[Finding]:
    if used_cache(case.run):
        yield Finding(Severity.NOTE, CACHE_DOUBT)


def _each(severity: Severity, texts: Iterable[str]) -> Iterator[Finding]:
    return (Finding(severity, text) for text in texts)


CHECKS: tuple[Check, ...] = (
    _task, _version, _samples, _documents,
    _comparability, _prompts, _numbers,
    _baseline, _import, _training, _random_weights,
    _flags_of_record, _order_of_import, _cut_texts, _unusual_prompts, _request_cache,
)  # fmt: skip
"""In this order reasons and flags are joined. A check runs only if the checks before found nothing UNREADABLE."""


def verify(run: Run) -> VerifiedRun:
    """Run all checks and return the run with its items, status, reason and flags."""
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
        status=_STATUS[worst],
        reason="; ".join(reasons),
        flags=tuple(dict.fromkeys(flags)),
        around=text_around(run, case.spec, case.surroundings),
    )


def _texts(findings: list[Finding], severity: Severity) -> list[str]:
    return [finding.text for finding in findings if finding.severity == severity]
