"""The prompts and requests that lm-eval logged for one item, as texts."""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Prompt:
    """What a model was shown for one request.

    Attributes:
        text: the prompt; of chat messages each turn as `turn` writes it.
        is_messages: whether lm-eval logged chat messages, as it does for chat models behind an API.
    """

    text: str
    is_messages: bool = False


def requests(sample: dict[str, Any]) -> list[Any]:
    """Return the requests that lm-eval logged for one item; none where they are not in lm-eval's own form."""
    arguments = sample.get("arguments")
    return list(arguments.values()) if isinstance(arguments, dict) else []


def prompts_of(sample: dict[str, Any]) -> list[Prompt]:
    """Return the prompts that lm-eval logged for one item, in the order of its requests."""
    return [_readable(request.get("arg_0") if isinstance(request, dict) else None) for request in requests(sample)]


def turn(role: str, content: str) -> str:
    """Return one chat message as text."""
    return f"[{role}]\n{content}\n"


def _readable(context: Any) -> Prompt:
    try:
        return _prompt(context)
    except RecursionError:  # nested deeper than any message is
        return Prompt("")


def _prompt(context: Any) -> Prompt:
    # lm-eval logs messages as a list of one JSON text, or as they are for a remote tokenizer.
    logged = context[0] if isinstance(context, list) and len(context) == 1 else context
    if isinstance(logged, str) and logged.startswith("[{"):
        with suppress(ValueError, RecursionError):
            logged = json.loads(logged)
    messages = [logged] if isinstance(logged, dict) else logged
    if isinstance(messages, list) and messages and all(_is_message(message) for message in messages):
        return Prompt("".join(_turn_of(message) for message in messages), is_messages=True)
    return Prompt(str(context[0] if isinstance(context, list) and len(context) == 1 else context))


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and {"role", "content"} <= message.keys()


def _turn_of(message: dict[str, Any]) -> str:
    """Return one message as text, with every field that the model could read."""
    content = message["content"]
    rest = {key: value for key, value in message.items() if key not in ("role", "content")}
    role = f"{message['role']} {json.dumps(rest, sort_keys=True)}" if rest else str(message["role"])
    return turn(role, content if isinstance(content, str) else json.dumps(content))
