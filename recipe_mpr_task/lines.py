"""Texts that came from elsewhere, made fit for one line or for a terminal: the one way to stdout and stderr."""

import sys
from typing import Any

import click


def line(text: Any, longest: int = 200) -> str:
    """Fold a text to one line of visible characters, cut to `longest`."""
    # Cut before anything walks over it: a name can have 10 MB.
    folded = " ".join(visible(str(text)[: 4 * longest]).split())
    return folded if len(folded) <= longest else folded[: longest - 3] + "..."


def visible(text: str) -> str:
    """Put a blank for every character that is not seen: escape codes, line ends, marks that turn the direction."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def say(text: Any = "", *, err: bool = False, nl: bool = True) -> None:
    """Print to stdout or stderr what no terminal obeys: of control characters, line ends alone are kept.

    Args:
        text: names in it that came from elsewhere are folded by `line` before, so that none makes a line of its own.
        err: whether to print to stderr.
        nl: whether to end the line.
    """
    shown = "\n".join(visible(part) for part in str(text).split("\n"))
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    click.echo(shown.encode(encoding, "replace").decode(encoding), err=err, nl=nl)
