"""Read the items that a system was trained or prompted with, from the file given by --seen."""

import re
from pathlib import Path
from typing import Any

from leaderboard.load.entries import parsed, read_text
from leaderboard.load.options import id_of_query
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.orders import pinned_items

_LIKE_AN_ID = re.compile(r"[\w-]*\d")


def read_seen(path: Path) -> frozenset[str]:
    """Read ids of items from a JSON list, or from a text with one item id or query per line.

    Raises:
        RecipeMPRError: the file cannot be read, or has a line without a known item. The message names the line.
    """
    text = read_text(path)
    names: Any = parsed(text) if text.lstrip()[0] in "[{" else text.split("\n")
    if not isinstance(names, list):
        raise RecipeMPRError(f"--seen {path}: expected a JSON list, or one item id or query per line")
    ids = set()
    for number, name in enumerate(names, 1):
        if name == "" or str(name).isspace():
            continue
        if (item_id := _id_of(name)) is None:
            shown = str(name).strip()[:60]
            raise RecipeMPRError(f"--seen {path}: line or entry {number}: {shown!r} is neither an item id nor a query; "
                                 "expected an id such as mpr-007, or a query's exact text")  # fmt: skip
        ids.add(item_id)
    return frozenset(ids)


def _id_of(name: object) -> str | None:
    """Return the id of the item with this id or query; None if no item has it."""
    text = name.strip() if isinstance(name, str) else ""
    if text in pinned_items():
        return text
    # Do not look up a misspelt id as a query, because the look-up could start a download.
    return None if _LIKE_AN_ID.fullmatch(text) else id_of_query(text)
