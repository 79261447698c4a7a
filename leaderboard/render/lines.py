"""Texts that came with a file, made fit to stand in one line of something else."""

from typing import Any


def line(text: Any, longest: int = 200) -> str:
    """Fold a text to one line of visible characters, cut to `longest`."""
    # Cut before anything walks over it: a name can have 10 MB.
    visible = "".join(c if c.isprintable() else " " for c in str(text)[: 4 * longest])
    folded = " ".join(visible.split())
    return folded if len(folded) <= longest else folded[: longest - 3] + "..."
