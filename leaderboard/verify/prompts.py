"""Check that the model was shown exactly the task's texts. Any other text can reveal the right option."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from leaderboard.load.run import Run
from leaderboard.load.samples import Sample
from leaderboard.verify.comparability import counted
from leaderboard.verify.forensics import answers_named
from leaderboard.verify.identity import IMPORTED, kind
from leaderboard.verify.shots import choices_of, documents_at_hand, shots_of, why_unchecked
from leaderboard.verify.surroundings import Surroundings
from leaderboard.verify.verified import Case
from recipe_mpr_task import prompts
from recipe_mpr_task.document import Document
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.task_specs import TaskSpec

Evidence = Literal["run here", "recounted", "claimed"]

_LONG = 300
"""Limit of characters around a prompt. Most chat templates have fewer; instructions or an answer key have more."""

_KEY = 5
"""Limit of answers named around a prompt, as `answers_named` counts. Chat templates name fewer; answer keys more."""

_SHORTEST_QUOTE = 20
"""Queries and options with fewer characters are not searched for, because a short text can occur by chance."""

_LEAST_CHARACTERS = 2.5
"""Characters per token, a low estimate. All common tokenizers have a higher mean on English text."""

WITHHELD = "[not shown: this text contains queries or options of the dataset]"
"""Shown instead of the text around the prompts if this text contains queries or options of the dataset."""

NOT_LOGGED = "its prompts were not logged, so nobody can see what the model was shown"


def prompt_faults(case: Case) -> Iterator[str]:
    """Yield reasons to exclude a run because of texts that the model was shown. Imported systems have no prompts."""
    run, spec, around = case.run, case.spec, case.around
    if kind(run) == IMPORTED and run.is_record:
        return
    recorded = run.results.task
    if recorded.doc_to_text != prompts.template(spec.prompt):
        yield f"its prompt template is not the task's ({spec.prompt}); the prompt may reveal the right option"
        return
    if (recorded.description or "") != spec.description:
        yield "its description is not the task's"
    for key, own in spec.asked_as.items():
        if recorded.differs(key, own):
            yield f"its {key} is not the task's"
    if around.wrong:
        shots = " and the seed's shots" if shots_of(run, spec) else ""
        yield counted(around.wrong, f"shown with another prompt than the one from the task's template{shots}")
    if named := items_named(around, [sample.doc for sample in run.items]):
        yield f"the text around its prompts contains {counted(named, 'of the dataset')}"
    if around.other:
        yield counted(around.other, "shown with other text around the prompt than the other items")
    if run.is_record:  # a record has no answer choices
        return
    asked = {sample.item_id: _delimiters(sample, spec) for sample in run.items}
    usual = Counter(delimiter for delimiters in asked.values() for delimiter in delimiters or ()).most_common(1)
    allowed = {delimiter for delimiter, _ in usual}
    if other := [item_id for item_id, delimiters in asked.items() if delimiters is None or delimiters - allowed]:
        yield counted(other, "with other answer choices than the task's doc_to_choice")


def prompt_flags(case: Case) -> Iterator[str]:
    """Yield notes for readers about a run's prompts: added texts, missing logs, cut prompts and unchecked shots."""
    run, around = case.run, case.around
    logged = " ".join(str(run.results.system_instruction or "").split())
    if run.has_system_text:
        yield f"run with a custom system text: {logged[:80] or 'not logged'}{'...' * (len(logged) > 80)}"
    if run.is_record:  # the record's flags already have the notes below
        return
    if not all(sample.prompts for sample in run.items):
        yield NOT_LOGGED
    elif run.has_system_text and logged not in " ".join(" ".join(around.texts).split()):
        yield "the system text in its results file does not appear in its prompts"
    if not all(sample.has_raw for sample in run.items):
        yield "its raw responses were not logged, so its scores were not checked against these responses"
    description = case.spec.description
    own = len(description) if any(description in text for text in around.texts) else 0
    if (size := sum(map(len, around.texts)) - own) > _LONG:
        yield f"{size} characters of other text surround each of its prompts"
    if (count := answers_named("\n".join(around.texts))) >= _KEY:
        yield f"the text around its prompts contains {count} answer letters or numbers, as an answer key does"
    if kind(run) != "causal":  # only causal models read a prompt
        return
    length = run.args.text("max_length") or run.args.text("max_model_len")
    longest = max((len(prompt.text) for sample in run.items for prompt in sample.prompts), default=0)
    if length.isdecimal() and int(length) < longest / _LEAST_CHARACTERS:  # estimated, as lm-eval logs uncut prompts
        cut = f"prompts of up to {longest} characters may have been cut"
        yield f"its context was set to {length[:12]} tokens: {cut}"
    if why := why_unchecked(run, case.spec):
        yield why


def text_around(case: Case) -> str:
    """Return the text around a causal model's prompts; WITHHELD if it contains dataset texts; "" for other systems."""
    run = case.run
    if kind(run) != "causal":  # only causal models read prompts
        return ""
    if run.is_record:
        return run.results.around
    documents = [*(sample.doc for sample in run.items), *documents_at_hand(case.spec)]
    return WITHHELD if items_named(case.around, documents) else case.around.as_text()


def evidence(run: Run) -> Evidence:
    """Return the evidence for a run's numbers.

    "run here": items and prompts were logged. "recounted": items without prompts, or an import. "claimed": no items.
    """
    if not run.items:
        return "claimed"
    prompts_seen = NOT_LOGGED not in run.flags if run.is_record else all(sample.prompts for sample in run.items)
    return "run here" if prompts_seen and kind(run) != IMPORTED else "recounted"


def items_named(around: Surroundings, documents: Sequence[Document]) -> list[str]:
    """Return ids of the documents whose query or option texts occur in the text around the prompts."""
    text = "\n".join(around.texts).casefold()
    return [
        document.item_id
        for document in (documents if len(text) >= _SHORTEST_QUOTE else ())
        if any(len(own) >= _SHORTEST_QUOTE and own.casefold() in text for own in (document.query, *document.options))
    ]


def _delimiters(sample: Sample, spec: TaskSpec) -> set[str] | None:
    """Return the white space before the answers in an item's logged continuations, without duplicates.

    Return None if a continuation is missing, or is not white space followed by the task's answer. Return an empty set
    if the task generates text, or if no requests were logged. `prompt_flags` reports missing requests.
    """
    asked = sample.continuations
    if not asked or (spec.generates and len(asked) == spec.n_responses):
        return set()
    choices = choices_of(sample.doc, spec)
    delimiters = {text.removesuffix(choices[k % N_OPTIONS]) for k, text in enumerate(asked)}
    is_own = len(asked) == spec.n_responses and not any(delimiter.strip() for delimiter in delimiters)
    return delimiters if is_own else None
