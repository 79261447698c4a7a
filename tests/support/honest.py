"""Define an honest case, for the files `honest_*.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Honest:
    """A case of one or several honest runs.

    Attributes:
        what: description of the case.
        build: function that writes the runs' files into a folder.
        check: function that asserts what the table (`tables.Table`) must show about the runs.
    """

    what: str
    build: Callable[[Path], Any]
    check: Callable[[Any], Any]
