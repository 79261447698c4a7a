"""Suggest the allowed name that a mistyped one is nearest to."""

import difflib
from collections.abc import Iterable


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name most like `name`, or None if none is like it."""
    return next(iter(difflib.get_close_matches(str(name), list(allowed), n=1)), None)


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return "; did you mean X?" for the allowed name most like `name`, or ""."""
    suggestion = nearest(name, allowed)
    return f"; did you mean {suggestion}?" if suggestion else ""
