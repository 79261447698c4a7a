"""Prompt templates, one `.jinja` file each, and the one renderer that evaluation and training share.

A template sees the fields of a displayed item's record (see `task.record_of`): `query`, `options`
(five texts, in the order shown) and `letters` are the ones meant for it. It never sees the aspect
annotations, which give the gold away. It ends where the answer begins, without a trailing space:
lm-eval puts the answer's own leading space into the scored continuation.
"""

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from recipe_mpr_task.errors import RecipeMPRError

if TYPE_CHECKING:
    from jinja2 import Template


def names() -> tuple[str, ...]:
    """Return the names of all templates."""
    return tuple(sorted(f.name.removesuffix(".jinja") for f in files(__name__).iterdir() if f.name.endswith(".jinja")))


@lru_cache(maxsize=32)
def template(name: str) -> str:
    """Return a template's text, its file's last newline stripped.

    Raises:
        RecipeMPRError: there is no template of that name.
    """
    if name not in names():
        raise RecipeMPRError(f"prompt {name!r}; allowed: {', '.join(names())}")
    return (files(__name__) / f"{name}.jinja").read_text().removesuffix("\n")


def name_of(text: str) -> str | None:
    """Return the name of the template with this text (as lm-eval's results record it), or None."""
    return next((name for name in names() if template(name) == text), None)


def __getattr__(name: str) -> str:
    """Give each template as an attribute, for `doc_to_text: !function recipe_mpr_task.prompts.NAME`.

    lm-eval takes the text, renders it and records it in its results.
    """
    if name in names():
        return template(name)
    raise AttributeError(f"module {__name__!r} has no attribute or template {name!r}")


def render(name: str, record: dict[str, Any]) -> str:
    """Render a template with lm-eval's own Jinja environment, so that training sees what is evaluated."""
    return _compiled(name).render(**record)


@lru_cache(maxsize=32)
def _compiled(name: str) -> "Template":
    from lm_eval.utils import env

    compiled: Template = env.from_string(template(name))
    return compiled
