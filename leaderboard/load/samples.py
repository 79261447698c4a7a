"""One logged item, typed: its document, the prompts that the model was shown, its answers."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from recipe_mpr_task.document import Document

CHOSEN = "recipe_mpr_chosen"
"""The key of chosen recipe ids in samples of a record that has choices without scores."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt of one request.

    Attributes:
        text: the prompt; each chat message is written as `turn` writes it.
        is_messages: whether lm-eval logged chat messages, as it does for chat models behind an API.
    """

    text: str
    is_messages: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a run.

    Attributes:
        document: None if the logged document is not one of the task's.
        item_id: the logged id as text, for messages.
        responses: filtered responses as logged: log-likelihoods or texts, see `log_likelihoods` and `texts`.
        is_first_of_raw: whether each response is the first of its request's raw ones; true where none were logged.
        has_raw: whether raw responses were logged.
        prompts: one for each request; empty if no requests were logged.
        continuations: the text whose likelihood each request asked for.
        accuracy: as logged; None if it is no fraction.
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
    def of(cls, logged: Mapping[str, Any], chosen: Sequence[str] | None = None) -> "Sample":
        """Read a line of lm-eval's samples file; `chosen` comes from records alone."""
        doc, filtered = logged.get("doc"), logged.get("filtered_resps")
        requests = _requests(logged.get("arguments"))
        return cls(
            document=_document(doc),
            item_id=str(doc.get("item_id") if isinstance(doc, dict) else None),
            responses=tuple(filtered) if isinstance(filtered, list) else None,
            is_first_of_raw=_is_first_of_raw(logged["resps"], filtered) if "resps" in logged else True,
            has_raw="resps" in logged,
            prompts=_prompts(requests),
            continuations=tuple(str(request.get("arg_1")) for request in requests),
            accuracy=_fraction(logged.get("acc")),
            chosen=None if chosen is None else tuple(chosen),
        )

    @property
    def doc(self) -> Document:
        """The document of a sample that was found genuine.

        Raises:
            ValueError: there is none.
        """
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


def _fraction(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and 0 <= value <= 1 else None


def _is_first_of_raw(raw: Any, filtered: Any) -> bool:
    try:
        return [responses[0] for responses in raw] == list(filtered)
    except (KeyError, IndexError, TypeError):
        return False


def _requests(arguments: Any) -> list[dict[str, Any]]:
    """The logged requests, one for each prompt and continuation; empty if they are not in lm-eval's own form."""
    requests = list(arguments.values()) if isinstance(arguments, dict) else []
    return [request if isinstance(request, dict) else {} for request in requests]


def _prompts(requests: Sequence[Mapping[str, Any]]) -> tuple[Prompt, ...]:
    prompts: list[Prompt] = []
    last: Any = None
    for request in requests:
        context = request.get("arg_0")
        # The options of an item share their prompt: it is read once.
        prompts.append(prompts[-1] if prompts and context == last else _prompt(context))
        last = context
    return tuple(prompts)


def turn(role: str, content: str) -> str:
    """Return one chat message as text."""
    return f"[{role}]\n{content}\n"


def _prompt(context: Any) -> Prompt:
    # lm-eval logs messages as a list of one JSON text, or as they are for a remote tokenizer.
    logged = context[0] if isinstance(context, list) and len(context) == 1 else context
    with suppress(RecursionError):  # nested deeper than any chat message
        messages = _messages(logged)
        if messages:
            return Prompt("".join(map(_turn_of, messages)), is_messages=True)
        return Prompt(str(logged))
    return Prompt("")


def _messages(logged: Any) -> list[dict[str, Any]]:
    """The chat messages of a logged context; empty for a plain prompt."""
    if isinstance(logged, str) and logged.startswith("[{"):
        with suppress(ValueError, RecursionError):
            logged = json.loads(logged)
    messages = [logged] if isinstance(logged, dict) else logged
    is_chat = isinstance(messages, list) and all(
        isinstance(message, dict) and {"role", "content"} <= message.keys() for message in messages
    )
    return messages if is_chat else []


def _turn_of(message: Mapping[str, Any]) -> str:
    """One message as text, with every field that the model could read."""
    content = message["content"]
    rest = {key: value for key, value in message.items() if key not in ("role", "content")}
    role = f"{message['role']} {json.dumps(rest, sort_keys=True)}" if rest else str(message["role"])
    return turn(role, content if isinstance(content, str) else json.dumps(content))
