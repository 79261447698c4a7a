"""Whether the model was shown and asked what the task shows and asks: another text can give gold away."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from leaderboard.load.results import Run
from leaderboard.load.schema import AROUND
from leaderboard.load.task_specs import TaskSpec
from leaderboard.verify.answer_keys import answers_named
from leaderboard.verify.comparability import n_items, some
from leaderboard.verify.identity import kind, model_args
from leaderboard.verify.logged_prompts import prompts_of, requests
from leaderboard.verify.shots import documents_at_hand, shots_of, why_unchecked
from leaderboard.verify.surroundings import Surroundings
from recipe_mpr_task import prompts
from recipe_mpr_task.item import LETTERS, N_OPTIONS

_LONG = 300
"""Characters around a prompt: most chat templates have fewer; instructions, or a key to many answers, have more."""

_KEY = 5
"""Answer letters around a prompt, lists of them apart: chat templates have none, a key to many answers has more."""

_TELLING = 20
"""Characters of a query or option from which its being in another text is no chance."""

_QUOTED = 80

WITHHELD = "[not shown: it holds queries or options of the dataset]"
"""What a reader is shown instead of a text around the prompts that holds dataset text."""


def prompt_faults(run: Run, spec: TaskSpec, around: Surroundings) -> Iterator[str]:
    """What the model was shown and asked must be the task's own: another text can give gold away.

    Args:
        run: its documents found genuine.
        spec: its task.
        around: its `around.surroundings`.
    """
    recorded = run.task_config
    if recorded.get("doc_to_text") != prompts.template(spec.prompt):
        yield f"its prompt template is not {spec.prompt}, the task's own: what the model was shown may give gold away"
        return
    if (recorded.get("description") or "") != spec.description:
        yield "its description is not the task's own"
    for key, own in spec.asked_as.items():
        if recorded.get(key, own) != own:
            yield f"its {key} is not the task's own"
    if ids := around.wrong:
        shots = " and the shots that its seed draws" if shots_of(run, spec) else ""
        yield f"{n_items(ids)} shown with another prompt than the task's template gives{shots} ({some(ids)})"
    if named := items_named(around, [sample["doc"] for sample in run.samples or []]):
        yield f"the text around its prompts names {n_items(named)} of the dataset ({some(named)})"
    if ids := around.other:
        yield f"{n_items(ids)} shown with other text around the prompt than the rest ({some(ids)})"
    if other := _asked_otherwise(run, spec):
        yield f"{n_items(other)} asked for other answers than the task's doc_to_choice gives ({some(other)})"


_LEAST_CHARACTERS = 2.5
"""Characters of English text that a token of any usual tokenizer has at the least."""


def _cut_flag(run: Run) -> str | None:
    """What is said of a context that was set so short that prompts may have been cut: the log has them whole."""
    told = next((args[name] for name in ("max_length", "max_model_len") if (args := model_args(run)).get(name)), None)
    if told is None or kind(run) != "causal" or not str(told).isdecimal():
        return None
    longest = max((len(prompt.text) for sample in run.samples or [] for prompt in prompts_of(sample)), default=0)
    if int(str(told)) >= longest / _LEAST_CHARACTERS:
        return None
    return (
        f"its context was set to {str(told)[:12]} tokens, and prompts of up to {longest} characters may have been cut"
    )


def prompt_flags(run: Run, spec: TaskSpec, around: Surroundings) -> Iterator[str]:
    """Give what a reader should know of the texts that were not the task's own, though all items had the same.

    Args:
        run: without `prompt_faults`.
        spec: its task.
        around: its `around.surroundings`.
    """
    logged = " ".join(str(run.results.get("system_instruction") or "").split())
    own = logged or "not logged"
    if run.has_system_text:
        yield f"asked under a system text of its own: {own[:_QUOTED]}{'...' * (len(own) > _QUOTED)}"
    if run.is_record:  # the rest was said when the record was made
        return
    samples = run.samples or []
    if not all(map(requests, samples)):
        yield "its prompts were not logged, so nobody can see what the model was shown"
    elif run.has_system_text and logged not in " ".join(" ".join(around.texts).split()):
        yield "the system text that its results name does not stand in its prompts"
    if not all("resps" in sample for sample in samples):
        yield "its raw responses were not logged, so nobody can see whether its scores are the model's first answers"
    yield from _hints(around, spec)
    if cut := _cut_flag(run):
        yield cut
    if kind(run) == "causal" and (why := why_unchecked(run, spec)):
        yield why


def text_around(run: Run, spec: TaskSpec, around: Surroundings) -> str:
    """Return what a reader is shown of the text around a run's prompts, dataset text never among it."""
    if kind(run) != "causal":  # it reads no prompts
        return ""
    if run.is_record:
        return str(run.results.get(AROUND) or "")
    docs = [*(sample["doc"] for sample in run.samples or []), *documents_at_hand(spec)]
    return WITHHELD if items_named(around, docs) else around.as_text()


def _hints(around: Surroundings, spec: TaskSpec) -> Iterator[str]:
    """Give what in the constant text around the prompts, the task's own description apart, may tell answers."""
    own = len(spec.description) if any(spec.description in text for text in around.texts) else 0
    if (size := sum(map(len, around.texts)) - own) > _LONG:
        yield f"{size} characters of other text stand around each of its prompts"
    if (count := answers_named("\n".join(around.texts))) >= _KEY:
        yield f"the text around its prompts holds {count} answer letters or numbers, as a key to answers does"


def items_named(around: Surroundings, docs: Sequence[dict[str, Any]]) -> list[str]:
    """Return ids of the documents whose query or options the text around the prompts holds."""
    text = "\n".join(around.texts).casefold()
    return [
        doc["item_id"]
        for doc in (docs if len(text) >= _TELLING else ())
        if any(len(own) >= _TELLING and own.casefold() in text for own in (doc["query"], *doc["options"]))
    ]


def _asked_otherwise(run: Run, spec: TaskSpec) -> list[str]:
    """Return ids of the items whose logged continuations are not the task's own, or not written as the others' are."""
    asked = {sample["doc"]["item_id"]: _delimiters(sample, spec) for sample in run.samples or []}
    usual = Counter(delimiter for found in asked.values() for delimiter in found or ()).most_common(1)
    allowed = {delimiter for delimiter, _ in usual}
    return [item_id for item_id, found in asked.items() if found is None or found - allowed]


def _delimiters(sample: dict[str, Any], spec: TaskSpec) -> set[str] | None:
    """Return what stands before the answers in an item's logged continuations; None if they are not the task's own.

    Where no requests were logged, `prompt_flags` says so.
    """
    named = spec.asked_as["doc_to_choice"]
    choices = named if isinstance(named, list) else {"letters": LETTERS}.get(named) or sample["doc"].get("options")
    asked = [request.get("arg_1") if isinstance(request, dict) else None for request in requests(sample)]
    if not asked or (spec.generates and len(asked) == spec.n_responses):
        return set()
    own = [choices[k % N_OPTIONS] for k in range(len(asked))]
    found = {str(text).removesuffix(answer) for text, answer in zip(asked, own, strict=True)}
    is_own = len(asked) == spec.n_responses and not any(delimiter.strip() for delimiter in found)
    return found if is_own else None
