"""Render a kit's templates, and write a kit's files into a folder."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import write_atomic

_MADE_BY_TOOLS = ("__pycache__", ".")
"""Prefixes of files and folders that tools make, such as `.git`. `write_kit` allows them in a kit's folder."""


def rendered(template: str, **values: Any) -> str:
    """Return the text of a template with the values filled in.

    Args:
        template: path below `kits/templates`, such as "hub/README.md.jinja".
        **values: the values of the template's variables.
    """
    environment = Environment(  # noqa: S701 (the texts are Markdown, YAML and Python, not HTML)
        loader=FunctionLoader(_source), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    return environment.get_template(template).render(**values)


def _source(template: str) -> str:
    return (files("recipe_mpr_task.kits") / "templates" / template).read_text(encoding="utf-8")


def write_kit(contents: Mapping[str, bytes | str], folder: Path) -> None:
    """Write a kit's files into a folder. The files of an earlier kit are replaced.

    Args:
        contents: content of each file by its path in the folder.
        folder: the kit's folder. A missing folder is created.

    Raises:
        RecipeMPRError: the folder cannot be written to, or holds a file that is not part of the kit.
    """
    try:
        others = sorted(_files_of(folder) - set(contents)) if folder.exists() else []
        if others:
            raise RecipeMPRError(
                f"{folder} holds {others[0]}, which is not part of the kit; allowed: an empty folder or an earlier "
                "kit; choose another folder"
            )
        for name, content in contents.items():
            write_atomic(folder / name, content)
    except OSError as error:
        raise RecipeMPRError(
            f"{folder} cannot be written to: {error.strerror or error}; choose another folder"
        ) from None


def _files_of(folder: Path) -> set[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return {path.as_posix() for path in paths if not any(part.startswith(_MADE_BY_TOOLS) for part in path.parts)}
