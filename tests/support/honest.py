"""Define an honest case, for the files `honest_*.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Honest:
    """One or several honest runs.

    Attributes:
        what: the case in words.
        build: writes its files below a folder.
        check: asserts what the table (see `tables.Table`) must show of them.
    """

    what: str
    build: Callable[[Path], Any]
    check: Callable[[Any], Any]
