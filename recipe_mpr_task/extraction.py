"""Read the chosen letter from a model's free-text reply.

No letter is found if the reply chooses no option or several options, or if the reply's think block does not end.
"""

import re
from collections.abc import Sequence

from recipe_mpr_task.item import LETTERS

_THINK_END = "</think>"
_THINK_START = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_DECORATION = re.compile(r"\\(?:boxed|text|textbf|mathbf|mathrm)\s*|[*_`$#{}\[\]\"“”]|<\|[^|<>]*\|>|</?answer>")
_LETTER = r"\(?([A-E])\)?(?![\w'’])"

# This pattern matches "the answer is C", "Answer: (b)", "final answer - D" and "I choose option E".
_STATEMENT = re.compile(
    r"(?:\b(?:answer|choice|option|letter|selection|pick)\b(?:\s+(?:would|should|must))?\s*(?:is|be|:|=|-|–|—)?\s*:?\s*"
    r"(?:option\s+|letter\s+)?"
    r"|\b(?:choose|pick|select|go with|recommend)\s+(?:option\s+|letter\s+)?)" + _LETTER,
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|isn't|isn’t|never|rather than|instead of)\s*(?:the\s+)?(?:\w+\s*)?$", re.IGNORECASE)
_ALTERNATIVE = re.compile(
    r"[\s.)]*(?:,|/|&|\bor\b|\band\b|\bor maybe\b)\s*(?:option\s+)?\(?([A-E])\)?(?![\w'’])", re.IGNORECASE
)
_NEAR = 80
"""Number of characters before a statement in which to look for a denial such as "not"."""

_MARKED = re.compile(r"(?<![\w'’])\(?([A-E])\s?[).:](?=\s|$)|(?<![\w'’])\(([A-Ea-e])\)")
_LEADING = re.compile(r"^\W*([A-E])\s*(?:[).:,;–—-]|\n|$)")
_ALONE = re.compile(r"^\W*([A-Ea-e])\W*$")
_STANDALONE = re.compile(r"(?<![\w'’])([A-E])(?![\w'’])")
_ARTICLE = re.compile(r"(?<![\w'’])A(?=\s+(?!(?:and|or|nor|is|was|would|because|since|seems)\b)[a-z])")


def extract_letter(text: str, options: Sequence[str]) -> str | None:
    """Return the letter of the option that a reply chooses.

    Args:
        text: the whole reply, including its think block.
        options: the five option texts in the order shown. A reply can quote an option's text instead of naming
            the option's letter.

    Returns:
        A letter from "A" to "E". None if the reply chooses no option or several options, or if its think block does
        not end.
    """
    reply = _answer_part(text)
    if reply is None:
        return None
    reply = _DECORATION.sub("", reply).strip()
    quoted = _quoted(reply, options)
    letter = _named_letter(reply)
    if letter is None and _names_none(reply):
        return quoted.pop() if len(quoted) == 1 else None
    # Return no letter for a reply such as "B) <text of C>", because the reply names two options.
    return letter if letter in LETTERS and (not quoted or letter in quoted) else None


def _answer_part(text: str) -> str | None:
    if _THINK_END in text:
        return text.rpartition(_THINK_END)[2]
    return None if _THINK_START.search(text) else text


def _named_letter(reply: str) -> str | None:
    """Return the letter that the reply names; None if the reply names no letter or several letters.

    Try these forms in order:

    - a reply that is only a letter;
    - a statement ("the answer is C");
    - a letter at the start of the reply ("C, because ...");
    - a marked letter ("C)");
    - a capital letter that is a separate word.
    """
    if alone := _ALONE.match(reply):
        return alone[1].upper()
    stated = _stated(reply)
    if stated:
        return stated.pop() if len(stated) == 1 else None
    marked = {(m[1] or m[2]).upper() for m in _MARKED.finditer(reply)}
    leading = _LEADING.match(reply)
    if leading and marked <= {leading[1]} and not _ALTERNATIVE.match(reply[leading.end(1) :]):
        return leading[1]
    if marked:
        return marked.pop() if len(marked) == 1 and not leading else None
    standalone = set(_STANDALONE.findall(_ARTICLE.sub("", reply)))
    return standalone.pop() if len(standalone) == 1 else None


def _stated(reply: str) -> set[str]:
    """Return all letters in statements such as "the answer is B or C". Skip denials such as "do not choose B"."""
    letters = set()
    for match in _STATEMENT.finditer(reply):
        # Skip articles. "a" is always an article. "A" is an article only before a lower-case word such as "soup".
        is_article = match[1] == "a" or (match[1] == "A" and _ARTICLE.match(reply, match.start(1)))
        # Search only the nearby text, because searching the whole reply for each statement takes quadratic time.
        denied = _DENIED.search(reply[max(0, match.start() - _NEAR) : match.start()])
        if is_article or denied or _denied_inside(match[0]):
            continue
        letters.add(match[1].upper())
        end = match.end()
        while alternative := _ALTERNATIVE.match(reply, end):
            letters.add(alternative[1].upper())
            end = alternative.end()
    return letters


def _denied_inside(statement: str) -> bool:
    return bool(re.search(r"\bnot\b", statement, re.IGNORECASE))


def _names_none(reply: str) -> bool:
    return not _stated(reply) and not _MARKED.search(reply) and not _STANDALONE.search(_ARTICLE.sub("", reply))


def _quoted(reply: str, options: Sequence[str]) -> set[str]:
    """Return the letters of the options whose text the reply quotes.

    Skip an option whose text is part of another quoted option.
    """
    said = _plain(reply)
    quoted = {letter: _plain(option) for letter, option in zip(LETTERS, options, strict=True) if _plain(option) in said}
    return {a for a, text in quoted.items() if not any(text in other for b, other in quoted.items() if b != a)}


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())
