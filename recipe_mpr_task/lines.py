"""Print to stdout and stderr, and make untrusted text safe to print."""

import sys
from typing import Any

import click


def line(text: Any, longest: int = 200) -> str:
    """Return a text as one line of visible characters, cut to `longest` characters."""
    # Cut before replacing characters, because an untrusted text can be 10 MB long.
    folded = " ".join(visible(str(text)[: 4 * longest]).split())
    return folded if len(folded) <= longest else folded[: longest - 3] + "..."


def visible(text: str) -> str:
    """Replace invisible characters (control characters, line ends, direction marks and others) with blanks."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def say(text: Any = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text. Replace invisible characters other than line ends with blanks.

    Args:
        text: the text. If it contains an untrusted name, pass the name through `line` first to remove line ends.
        err: whether to print to stderr instead of stdout.
        nl: whether to print a line end after the text.
    """
    shown = "\n".join(visible(part) for part in str(text).split("\n"))
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    click.echo(shown.encode(encoding, "replace").decode(encoding), err=err, nl=nl)
