"""Parse one logged item: its document, the prompts that the model was shown, and its answers."""

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
    """The text of one request, each chat message as `turn` writes it.

    Attributes:
        is_messages: whether lm-eval logged chat messages, as it does for chat models behind an API.
    """

    text: str
    is_messages: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a run.

    Attributes:
        document: None if the logged document is not one of the task's.
        responses: filtered responses as logged: log-likelihoods or texts, see `log_likelihoods` and `texts`.
        is_first_of_raw: whether each response equals its request's first raw response; true if none were logged.
        prompts: one for each request; empty if no requests were logged.
        continuations: the text whose likelihood each request asked for.
        accuracy: the logged accuracy; None if it is not in [0, 1].
        chosen: recipe ids of an imported item, which has no responses.
    """

    document: Document | None
    item_id: str
    responses: tuple[Any, ...] | None = None
    is_first_of_raw: bool = True
    has_raw: bool = False
    prompts: tuple[Prompt, ...] = ()
    continuations: tuple[str, ...] = ()
    accuracy: float | None = None
    chosen: tuple[str, ...] | None = None

    @classmethod
    def of(cls, logged: Mapping[str, Any]) -> "Sample":
        """Return the sample of a parsed line of lm-eval's samples file."""
        doc, filtered, accuracy = (logged.get(key) for key in ("doc", "filtered_resps", "acc"))
        arguments = logged.get("arguments")
        # One request for each prompt and continuation; none if they are not in lm-eval's own form.
        logged_requests = arguments.values() if isinstance(arguments, dict) else ()
        requests = [request if isinstance(request, dict) else {} for request in logged_requests]
        return cls(
            document=_document(doc),
            item_id=str(doc.get("item_id") if isinstance(doc, dict) else None),
            responses=tuple(filtered) if isinstance(filtered, list) else None,
            is_first_of_raw="resps" not in logged or _is_first_of_raw(logged["resps"], filtered),
            has_raw="resps" in logged,
            prompts=_prompts([request.get("arg_0") for request in requests]),
            continuations=tuple(str(request.get("arg_1")) for request in requests),
            accuracy=accuracy if isinstance(accuracy, (int, float)) and 0 <= accuracy <= 1 else None,
        )

    @property
    def doc(self) -> Document:
        """The sample's document; raise ValueError if it is not one of the task's."""
        if self.document is None:
            raise ValueError(f"{self.item_id} has no document of ours")
        return self.document

    def log_likelihoods(self) -> list[float] | None:
        """Return the responses as numbers; None if one is not a number. lm-eval logs them as text, which is exact."""
        try:
            return None if self.responses is None else [float(response[0]) for response in self.responses]
        except (TypeError, ValueError, KeyError, IndexError, ArithmeticError):
            return None

    def texts(self) -> list[str] | None:
        """Return the responses as generated texts; None if none were logged."""
        return None if self.responses is None else [str(response) for response in self.responses]


def _document(doc: Any) -> Document | None:
    try:
        return Document.model_validate(doc)
    except (ValidationError, RecursionError):
        return None


def _is_first_of_raw(raw: Any, filtered: Any) -> bool:
    try:
        return [responses[0] for responses in raw] == list(filtered)
    except (KeyError, IndexError, TypeError):
        return False


def _prompts(contexts: Sequence[Any]) -> tuple[Prompt, ...]:
    prompts: list[Prompt] = []
    for last, context in pairwise([None, *contexts]):
        # The options of an item share their prompt, which is parsed once.
        prompts.append(prompts[-1] if prompts and context == last else _prompt(context))
    return tuple(prompts)


def turn(role: str, content: str) -> str:
    """Return one chat message as text."""
    return f"[{role}]\n{content}\n"


def _prompt(context: Any) -> Prompt:
    # lm-eval logs chat messages as a list of one JSON text, or for a remote tokenizer as a list of messages.
    logged = context[0] if isinstance(context, list) and len(context) == 1 else context
    try:
        if messages := _messages(logged):
            return Prompt("".join(map(_turn_of, messages)), is_messages=True)
        return Prompt(str(logged))
    except RecursionError:  # nested deeper than any chat message
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
    """Return one message as text, with every field that the model could read."""
    content = message["content"]
    rest = {key: value for key, value in message.items() if key not in ("role", "content")}
    role = f"{message['role']} {json.dumps(rest, sort_keys=True)}" if rest else str(message["role"])
    return turn(role, content if isinstance(content, str) else json.dumps(content))
