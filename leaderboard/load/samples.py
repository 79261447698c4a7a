"""Parse one logged item: its document, the prompts that the model was shown, and the model's answers."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from recipe_mpr_task.document import Document


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt of one request.

    Attributes:
        text: the prompt as one text. Chat messages are formatted by `turn` and joined.
        is_messages: whether lm-eval logged chat messages, as it does for chat models behind an API.
    """

    text: str
    is_messages: bool = False


@dataclass(slots=True)  # not frozen, because a build makes millions, and frozen ones take five times as long to make
class Sample:
    """One item of a run.

    Attributes:
        document: the logged document; None if the logged value does not have the form of a task's document.
        log_likelihoods: the logged responses after lm-eval's filters; None if not logged, or if one is not a number.
        texts: the logged responses after lm-eval's filters as generated texts; None if not logged, or if they are
            log-likelihoods.
        is_first_of_raw: whether each response equals the first raw response to the same request. True if no raw
            responses were logged.
        has_raw: whether raw responses were logged.
        prompts: one prompt for each request; empty if no requests were logged.
        continuations: for each request, the scored continuation; for generated text, the generation settings as text.
        accuracy: the logged accuracy, a fraction in [0, 1]; None if missing or not in this range.
        chosen: for an imported item, the recipe ids of the choice; None for other items.
        is_unread: for an imported item, whether the choice is known to be wrong, but not which option was chosen.
        scores: for an imported item, the scores of the options in shuffled order; None if not given.
        place, gold_place: for an imported item, the indices (0 to 4) of the answered letter and of the right option's
            letter. The letters are those that the system saw. None if not stated.
    """

    document: Document | None
    item_id: str
    log_likelihoods: tuple[float, ...] | None = None
    texts: tuple[str, ...] | None = None
    is_first_of_raw: bool = True
    has_raw: bool = False
    prompts: tuple[Prompt, ...] = ()
    continuations: tuple[str, ...] = ()
    accuracy: float | None = None
    chosen: tuple[str, ...] | None = None
    is_unread: bool = False
    scores: tuple[float, ...] | None = None
    place: int | None = None
    gold_place: int | None = None

    @classmethod
    def of(cls, logged: Mapping[str, Any]) -> "Sample":
        """Make a sample from one parsed line of lm-eval's samples file."""
        doc, filtered, accuracy = (logged.get(key) for key in ("doc", "filtered_resps", "acc"))
        arguments = logged.get("arguments")
        # Lm-eval logs a JSON object with one value for each request. Any other form is read as no requests.
        logged_requests = arguments.values() if isinstance(arguments, dict) else ()
        requests = [request if isinstance(request, dict) else {} for request in logged_requests]
        log_likelihoods = _log_likelihoods(filtered)
        return cls(
            document=_document(doc),
            item_id=str(doc.get("item_id") if isinstance(doc, dict) else None),
            log_likelihoods=log_likelihoods,
            texts=tuple(map(str, filtered)) if isinstance(filtered, list) and log_likelihoods is None else None,
            is_first_of_raw="resps" not in logged or _is_first_of_raw(logged["resps"], filtered),
            has_raw="resps" in logged,
            prompts=_prompts([request.get("arg_0") for request in requests]),
            continuations=tuple(str(request.get("arg_1")) for request in requests),
            accuracy=accuracy if isinstance(accuracy, (int, float)) and 0 <= accuracy <= 1 else None,
        )

    @property
    def is_unparsed(self) -> bool:
        """Whether the item was imported without an answer."""
        return self.chosen is not None and not self.chosen and not self.is_unread

    @property
    def doc(self) -> Document:
        """The sample's document. Raise ValueError if `document` is None."""
        if self.document is None:
            raise ValueError(f"{self.item_id} has no document of this benchmark")
        return self.document


def _document(doc: Any) -> Document | None:
    try:
        return Document.model_validate(doc)
    except (ValidationError, RecursionError):
        return None


def _log_likelihoods(filtered: Any) -> tuple[float, ...] | None:
    """Return logged responses as numbers. Lm-eval logs a log-likelihood as a list [value, is greedy]."""
    if not isinstance(filtered, list) or not all(isinstance(response, list) for response in filtered):
        return None
    try:
        return tuple([float(response[0]) for response in filtered])
    except (TypeError, ValueError, IndexError, ArithmeticError):
        return None


def _is_first_of_raw(raw: Any, filtered: Any) -> bool:
    try:
        return [responses[0] for responses in raw] == list(filtered)
    except (KeyError, IndexError, TypeError):
        return False


def _prompts(contexts: Sequence[Any]) -> tuple[Prompt, ...]:
    prompts: list[Prompt] = []
    for last, context in pairwise([None, *contexts]):
        # Requests for one item's options have the same prompt. Parse this prompt only once.
        prompts.append(prompts[-1] if prompts and context == last else _prompt(context))
    return tuple(prompts)


def turn(role: str, content: str) -> str:
    """Return one chat message as text: the role in brackets, then the content."""
    return f"[{role}]\n{content}\n"


def _prompt(context: Any) -> Prompt:
    # Lm-eval logs chat messages as a list with one JSON text. With a remote tokenizer, it logs a list of messages.
    logged = context[0] if isinstance(context, list) and len(context) == 1 else context
    try:
        if messages := _messages(logged):
            return Prompt("".join(map(_turn_of, messages)), is_messages=True)
        return Prompt(str(logged))
    except RecursionError:  # the value is nested deeper than any real chat message
        return Prompt("")


def _messages(logged: Any) -> list[dict[str, Any]]:
    """Return the chat messages of a logged context; empty for a plain prompt."""
    if isinstance(logged, str) and logged.startswith("[{"):
        with suppress(ValueError, RecursionError):
            logged = json.loads(logged)
    messages = [logged] if isinstance(logged, dict) else logged
    is_chat = isinstance(messages, list) and all(
        isinstance(message, dict) and {"role", "content"} <= message.keys() for message in messages
    )
    return messages if is_chat else []


def _turn_of(message: Mapping[str, Any]) -> str:
    """Return one message as text, with all of its fields, because the model could read each field."""
    content = message["content"]
    rest = {key: value for key, value in message.items() if key not in ("role", "content")}
    role = f"{message['role']} {json.dumps(rest, sort_keys=True)}" if rest else str(message["role"])
    return turn(role, content if isinstance(content, str) else json.dumps(content))
