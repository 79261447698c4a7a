"""Load and render prompt templates, one `.jinja` file each; evaluation and training share the renderer.

A template uses `query`, `options` (five texts, in the order shown) and `letters` of a document (see
`task.record_of`). Documents hold no aspect annotations, which would reveal the right option. A template ends where
the answer begins, without a trailing space, because lm-eval's scored continuation starts with the space.
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
    """Return a template's text as an attribute, for `doc_to_text: !function recipe_mpr_task.prompts.NAME`.

    lm-eval renders the text and records it in its results.
    """
    if name in names():
        return template(name)
    raise AttributeError(f"module {__name__!r} has no attribute or template {name!r}")


def render(name: str, record: dict[str, Any]) -> str:
    """Return a template rendered by lm-eval's own Jinja environment, so that training sees evaluation's text."""
    return _compiled(name).render(**record)


@lru_cache(maxsize=32)
def _compiled(name: str) -> "Template":
    from lm_eval.utils import env

    compiled: Template = env.from_string(template(name))
    return compiled
