"""Whether the model was shown and asked what the task shows and asks: another text can give gold away."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from leaderboard.load.files import Run
from leaderboard.load.specs import TaskSpec, prompt_of
from leaderboard.validate.conduct import n_items, some
from leaderboard.validate.fewshot import Checker, shot_checker, shots_are_checked
from leaderboard.validate.identity import kind
from recipe_mpr_task import prompts
from recipe_mpr_task.item import LETTERS, N_OPTIONS

_LONG = 300
"""Characters around a prompt: most chat templates have fewer; instructions, or a key to many answers, have more."""

_TELLING = 20
"""Characters of a query or option from which its being in another text is no chance."""

_QUOTED = 80


def prompt_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """What the model was shown and asked must be the task's own: another text can give gold away."""
    recorded = run.task_config
    if recorded.get("doc_to_text") != prompts.template(spec.prompt):
        yield f"its prompt template is not {spec.prompt}, the task's own: what the model was shown may give gold away"
        return
    if (recorded.get("description") or "") != spec.description:
        yield "its description is not the task's own"
    for key, own in spec.asked_as.items():
        if recorded.get(key, own) != own:
            yield f"its {key} is not the task's own"
    are_shots = shot_checker(run, spec)
    shown = {sample["doc"]["item_id"]: _around(sample, run, spec, are_shots) for sample in run.samples or []}
    if other := [item_id for item_id, texts in shown.items() if texts is None]:
        yield f"{n_items(other)} shown with another prompt than the task's template gives ({some(other)})"
    around = Counter(text for texts in shown.values() for text in texts or ())
    usual = around.most_common(1)[0][0] if around else ("", "")
    if named := _items_named("\n".join(usual), run):
        yield f"the text around its prompts names {n_items(named)} of the dataset ({some(named)})"
    if len(around) > 1:
        other = [item_id for item_id, texts in shown.items() if texts and texts != {usual}]
        yield f"{n_items(other)} shown with other text around the prompt than the rest ({some(other)})"
    if other := [sample["doc"]["item_id"] for sample in run.samples or [] if not _asked_for(sample, spec)]:
        yield f"{n_items(other)} asked for other answers than the task's doc_to_choice gives ({some(other)})"


def prompt_flags(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Give what a reader should know of the texts that were not the task's own, though all items had the same.

    Args:
        run: without `prompt_faults`.
        spec: its task.
    """
    if run.has_system_text:
        own = " ".join(str(run.results.get("system_instruction") or "not logged").split())
        yield f"asked under a system text of its own: {own[:_QUOTED]}{'...' * (len(own) > _QUOTED)}"
    if run.is_record:  # the rest was said when the record was made
        return
    samples = run.samples or []
    if not all(map(_requests, samples)):
        yield "its prompts were not logged, so nobody can see what the model was shown"
    elif samples and (size := _size_around(samples[0], run, spec)) > _LONG:
        yield f"{size} characters of other text stand around each of its prompts"
    if run.n_shot and kind(run) == "causal" and not shots_are_checked(run, spec):
        yield "its shots are items that its log does not hold, so they were not checked"


def _size_around(sample: dict[str, Any], run: Run, spec: TaskSpec) -> int:
    """Characters around one item's prompt, its shots left out: what all items had, as `prompt_faults` sees to."""
    around = _around(sample, run, spec, lambda _before, _doc: True) or ()
    return sum(len(text) for before_after in around for text in before_after)


def _items_named(text: str, run: Run) -> list[str]:
    """The items whose query or options a text holds."""
    text = text.casefold()
    docs = [sample["doc"] for sample in run.samples or []] if len(text) >= _TELLING else []
    return [
        doc["item_id"]
        for doc in docs
        if any(len(own) >= _TELLING and own.casefold() in text for own in (doc["query"], *doc["options"]))
    ]


def _around(sample: dict[str, Any], run: Run, spec: TaskSpec, are_shots: Checker) -> set[tuple[str, str]] | None:
    """What stands before and after an item's own prompt in each of its logged ones; None if one is not there.

    Shots differ from item to item, so they are checked and left out.
    """
    found = set()
    for rotation, context in {(place // N_OPTIONS, text) for place, text in enumerate(_contexts(sample))}:
        expected = prompt_of(sample["doc"], spec, rotation)
        expected = expected.strip() if run.has_chat_template else spec.description * (not run.n_shot) + expected
        before, own, after = context.rpartition(expected)
        if not own or (not run.has_chat_template and after) or (_is_plain(run) and before):
            return None
        if run.n_shot and not are_shots(before, sample["doc"]):
            return None
        found.add(("" if run.n_shot else before, after))
    return found


def _is_plain(run: Run) -> bool:
    """Whether nothing at all stands before a prompt."""
    return not (run.has_chat_template or run.n_shot or run.has_system_text)


def _asked_for(sample: dict[str, Any], spec: TaskSpec) -> bool:
    """Say whether the logged continuations are the task's own, in the order of the options."""
    named = spec.asked_as["doc_to_choice"]
    choices = named if isinstance(named, list) else {"letters": LETTERS}.get(named) or sample["doc"].get("options")
    asked = [request.get("arg_1") if isinstance(request, dict) else None for request in _requests(sample)]
    if not asked:
        return True  # `prompt_flags` says so
    own = (str(text).strip() == choices[k % N_OPTIONS].strip() for k, text in enumerate(asked))
    return len(asked) == spec.n_responses and (spec.generates or all(own))


def _requests(sample: dict[str, Any]) -> list[Any]:
    """The requests that lm-eval logged for one item; none where they are in no form of its own."""
    arguments = sample.get("arguments")
    return list(arguments.values()) if isinstance(arguments, dict) else []


def _contexts(sample: dict[str, Any]) -> list[str]:
    """The prompts that lm-eval logged for one item, in the order of its requests."""
    return [_text(request.get("arg_0") if isinstance(request, dict) else None) for request in _requests(sample)]


def _text(context: Any) -> str:
    """A prompt's text; for chat models behind an API lm-eval logs the messages as JSON."""
    text = str(context[0]) if isinstance(context, list) and context else str(context)
    if text.startswith("[{"):
        with suppress(ValueError, TypeError, AttributeError, RecursionError):
            return "\n".join(str(message.get("content")) for message in json.loads(text))
    return text
