"""Counts what a key to many answers needs: answer letters or numbers that are no list and no article."""

import re
import unicodedata
from collections.abc import Sequence

from recipe_mpr_task.item import LETTERS

_ABBREVIATIONS = re.compile(r"\b(?:e\.g|i\.e)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"\bA(?= [a-z])")
_LETTERS = re.compile(r"(?<![^\W_])(?:[A-E]+|(?<!['\u2019])[b-e]|[A-Ea-e]{8,}|\d{1,3}[A-Ea-e]|[A-E]\d{1,3})(?![^\W_])")
_NUMBERS = re.compile(r"(?<![^\W_])(?<!\d[.,:])(?:[1-5]|[1-5]{8,})(?![^\W_])(?![.,:]\d)")
_LISTS = 2
"""Enumerations that an honest text may hold: "one of A, B, C, D or E", a numbered list."""


def answers_named(text: str) -> int:
    """Return how many answers a text seems to name: isolated letters A to E, or numbers 1 to 5, whichever are more.

    Enumerations from the first one on ("A, B, C, D or E") and the article "A" do not count.
    """
    text = _ARTICLE.sub("", _ABBREVIATIONS.sub("", unicodedata.normalize("NFKC", text)))
    letters = [sign for found in _LETTERS.findall(text) for sign in found.upper() if sign in LETTERS]
    numbers = [sign for found in _NUMBERS.findall(text) for sign in found]
    return max(_beside_lists(letters, LETTERS), _beside_lists(numbers, "12345"))


def _beside_lists(signs: list[str], alphabet: Sequence[str]) -> int:
    """Count signs without the first enumerations of three or more from the alphabet's start."""
    count, lists, place = 0, 0, 0
    while place < len(signs):
        run = 0
        while run < len(alphabet) and signs[place + run : place + run + 1] == [alphabet[run]]:
            run += 1
        if run >= 3 and lists < _LISTS:
            lists += 1
            place += run
        else:
            count += 1
            place += 1
    return count
