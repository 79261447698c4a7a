"""Faults of how a run was made: its items are right, but its number is not comparable with others."""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from leaderboard.load.files import Run
from leaderboard.load.specs import TaskSpec, prompt_of
from leaderboard.validate.fewshot import Checker, shot_checker
from leaderboard.validate.identity import IMPORTED, kind, model_args
from recipe_mpr_task import prompts
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.orders import EXPLOITABLE_ORDERS
from recipe_mpr_task.splits import scored_ids


def conduct_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Give, in words, each reason for not comparing a run with others.

    Args:
        run: its documents found genuine.
        spec: its task.
    """
    is_import = run.is_record and kind(run) == IMPORTED
    orders = (spec.order, model_args(run).get("order") if is_import else None)
    for order in [order for order in EXPLOITABLE_ORDERS if order in orders]:
        yield f"{order} order: the gold option is always A"
    if not is_import:
        yield from prompt_faults(run, spec)
    if run.config.get("limit") is not None:
        yield f"--limit {str(run.config['limit']).removesuffix('.0')[:40]}"
    counts = Counter(sample["doc"]["item_id"] for sample in run.samples or [])
    wanted = scored_ids(spec.split)
    for ids, what in (
        (wanted - counts.keys(), "missing"),
        (counts.keys() - wanted, "not of its split"),
        ({i for i, n in counts.items() if n > 1}, "there more than once"),
    ):
        if ids:
            yield f"{n_items(ids)} {what} ({some(sorted(ids))})"


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
    if len(around) > 1:
        usual = around.most_common(1)[0][0]
        other = [item_id for item_id, texts in shown.items() if texts and texts != {usual}]
        yield f"{n_items(other)} shown with other text around the prompt than the rest ({some(other)})"
    if other := [sample["doc"]["item_id"] for sample in run.samples or [] if not _asked_for(sample, spec)]:
        yield f"{n_items(other)} asked for other answers than the task's doc_to_choice gives ({some(other)})"


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
    return not (run.has_chat_template or run.n_shot or run.results.get("system_instruction_sha"))


def _asked_for(sample: dict[str, Any], spec: TaskSpec) -> bool:
    """Say whether the logged continuations are the task's own, in the order of the options."""
    named = spec.asked_as["doc_to_choice"]
    choices = named if isinstance(named, list) else {"letters": LETTERS}.get(named) or sample["doc"].get("options")
    asked = [request.get("arg_1") if isinstance(request, dict) else None for request in _requests(sample)]
    if spec.generates or not asked:
        return True
    own = (str(text).strip() == choices[k % N_OPTIONS].strip() for k, text in enumerate(asked))
    return len(asked) == spec.n_responses and all(own)


def _requests(sample: dict[str, Any]) -> list[Any]:
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


def n_items(ids: Collection[Any]) -> str:
    """Return "1 item" or "N items"."""
    return "1 item" if len(ids) == 1 else f"{len(ids)} items"


def some(ids: Collection[Any]) -> str:
    """Return the first three ids, for a message."""
    shown = list(ids)[:3]
    return ", ".join(str(i)[:40].encode(errors="replace").decode() for i in shown) + (
        ", ..." if len(ids) > len(shown) else ""
    )
