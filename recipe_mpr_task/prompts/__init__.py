"""Load and render prompt templates. Each template is one `.jinja` file.

A template can use three fields of a document: `query`, `options` (five texts, in the order shown) and `letters`.
`task.record_of` makes the document. A template ends directly before the answer. A template has no trailing space,
because the continuation that lm-eval scores starts with a space.
"""

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from recipe_mpr_task.errors import RecipeMPRError

if TYPE_CHECKING:
    from jinja2 import Template


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the sorted names of all templates."""
    return tuple(sorted(f.name.removesuffix(".jinja") for f in files(__name__).iterdir() if f.name.endswith(".jinja")))


@lru_cache(maxsize=32)
def template(name: str) -> str:
    """Return the text of a template, without the newline at the end of the file.

    Raises:
        RecipeMPRError: no template has this name.
    """
    if name not in names():
        raise RecipeMPRError(f"prompt {name!r}; allowed: {', '.join(names())}")
    return (files(__name__) / f"{name}.jinja").read_text().removesuffix("\n")


def name_of(text: str) -> str | None:
    """Return the name of the template with this text, or None. lm-eval's results record a template by its text."""
    return next((name for name in names() if template(name) == text), None)


def __getattr__(name: str) -> str:
    """Return a template's text as an attribute of this module.

    A task file uses the attribute by `doc_to_text: !function recipe_mpr_task.prompts.NAME`.
    """
    if name in names():
        return template(name)
    raise AttributeError(f"module {__name__!r} has no attribute or template {name!r}")


def render(name: str, record: dict[str, Any]) -> str:
    """Render a template for a document, and return the prompt.

    lm-eval's own Jinja environment renders the text, so that prompts in training equal prompts in evaluation.
    """
    return _compiled(name).render(**record)


@lru_cache(maxsize=32)
def _compiled(name: str) -> "Template":
    from lm_eval.utils import env

    compiled: Template = env.from_string(template(name))
    return compiled
