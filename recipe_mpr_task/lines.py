"""Print to stdout and stderr, and make untrusted texts safe for one line or a terminal."""

import sys
from typing import Any

import click


def line(text: Any, longest: int = 200) -> str:
    """Return a text as one line of visible characters, cut to `longest`."""
    # Cut first: a name can have 10 MB.
    folded = " ".join(visible(str(text)[: 4 * longest]).split())
    return folded if len(folded) <= longest else folded[: longest - 3] + "..."


def visible(text: str) -> str:
    """Return a text with a blank for each invisible character: escape codes, line ends, direction marks."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def say(text: Any = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text without control characters other than line ends.

    Args:
        text: pass untrusted names in it through `line` first, so that they cannot add lines.
        err: print to stderr.
        nl: end the line.
    """
    shown = "\n".join(visible(part) for part in str(text).split("\n"))
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    click.echo(shown.encode(encoding, "replace").decode(encoding), err=err, nl=nl)
