"""Suggest an allowed name for a mistyped name."""

import difflib
from collections.abc import Iterable


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name that is most similar to `name`, or None if no allowed name is similar."""
    return next(iter(difflib.get_close_matches(str(name), list(allowed), n=1)), None)


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return "; did you mean X?", with X from `nearest`, or "" if no allowed name is similar."""
    suggestion = nearest(name, allowed)
    return f"; did you mean {suggestion}?" if suggestion else ""
