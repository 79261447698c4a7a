"""Faults of how a run was made: its items are right, but its number is not comparable with others."""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from leaderboard.identity import IMPORTED, kind, model_args
from leaderboard.load import Run
from leaderboard.specs import TaskSpec
from recipe_mpr_task import prompts
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.orders import EXPLOITABLE_ORDERS
from recipe_mpr_task.splits import scored_ids


def conduct_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """Give, in words, each reason for not comparing a run with others.

    Args:
        run: its documents found genuine.
        spec: its task.
    """
    order = model_args(run).get("order") if kind(run) == IMPORTED else spec.order
    if order in EXPLOITABLE_ORDERS:
        yield f"{order} order: the gold option is always A"
    if kind(run) != IMPORTED:
        yield from _prompt_faults(run, spec)
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


def _prompt_faults(run: Run, spec: TaskSpec) -> Iterator[str]:
    """What the model was shown must be the task's own: another text can give gold away."""
    recorded = run.task_config
    if recorded.get("doc_to_text") != prompts.template(spec.prompt):
        yield f"its prompt template is not {spec.prompt}, the task's own: what the model was shown may give gold away"
        return
    if (recorded.get("description") or "") != spec.description:
        yield "its description is not the task's own"
    for key, own in spec.asked_as.items():
        if recorded.get(key, own) != own:
            yield f"its {key} is not the task's own"
    if other := [sample["doc"]["item_id"] for sample in run.samples or [] if not _shown_as_asked(sample, run, spec)]:
        yield f"{n_items(other)} shown with another prompt than the task's template gives ({some(other)})"


def _shown_as_asked(sample: dict[str, Any], run: Run, spec: TaskSpec) -> bool:
    """Say whether each logged prompt ends in the item's own; true where none was logged."""
    is_chat = run.has_chat_template
    plain = not is_chat and not run.n_shot and not run.results.get("system_instruction_sha")
    for place, context in enumerate(_contexts(sample.get("arguments"))):
        expected = _prompt(sample["doc"], spec, rotation=place // N_OPTIONS)
        shown = expected.strip() in context if is_chat else context.endswith(expected)
        if not shown or (plain and context != spec.description + expected):
            return False
    return True


def _contexts(arguments: Any) -> list[str]:
    """The prompts that lm-eval logged for one item, in the order of its requests."""
    requests = arguments.values() if isinstance(arguments, dict) else []
    return [_text(request.get("arg_0") if isinstance(request, dict) else None) for request in requests]


def _text(context: Any) -> str:
    """A prompt's text; for chat models behind an API lm-eval logs the messages as JSON."""
    text = str(context[0]) if isinstance(context, list) and context else str(context)
    if text.startswith("[{"):
        with suppress(ValueError, TypeError, AttributeError, RecursionError):
            return "\n".join(str(message.get("content")) for message in json.loads(text))
    return text


_RENDERED: dict[tuple[str, str, str, int], str] = {}


def _prompt(doc: dict[str, Any], spec: TaskSpec, rotation: int) -> str:
    """Render an item's prompt, once for all runs: its document is genuine, so the same in each."""
    key = (spec.prompt, spec.order, doc["item_id"], rotation)
    if key not in _RENDERED:
        turned = {name: [*doc[name][rotation:], *doc[name][:rotation]] for name in ("options", "option_ids")}
        _RENDERED[key] = prompts.render(spec.prompt, doc | turned)
    return _RENDERED[key]


def n_items(ids: Collection[Any]) -> str:
    """Return "1 item" or "N items"."""
    return "1 item" if len(ids) == 1 else f"{len(ids)} items"


def some(ids: Collection[Any]) -> str:
    """Return the first three ids, for a message."""
    shown = list(ids)[:3]
    return ", ".join(str(i)[:40] for i in shown) + (", ..." if len(ids) > len(shown) else "")
