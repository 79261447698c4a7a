"""Read the chosen letter from a model's free text; None if the text does not choose exactly one option.

Text that names several options as its answer gets no credit. Unfinished thinking gets no credit either.
"""

import re
from collections.abc import Sequence

from recipe_mpr_task.item import LETTERS

_THINK_END = "</think>"
_THINK_START = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_DECORATION = re.compile(r"\\(?:boxed|text|textbf|mathbf|mathrm)\s*|[*_`$#{}\[\]\"“”]|<\|[^|<>]*\|>|</?answer>")
_LETTER = r"\(?([A-E])\)?(?![\w'’])"

# "the answer is C", "Answer: (b)", "final answer - D", "I choose option E"
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
"""Characters before a statement that are searched for a denial."""

_MARKED = re.compile(r"(?<![\w'’])\(?([A-E])\s?[).:](?=\s|$)|(?<![\w'’])\(([A-Ea-e])\)")
_LEADING = re.compile(r"^\W*([A-E])\s*(?:[).:,;–—-]|\n|$)")
_ALONE = re.compile(r"^\W*([A-Ea-e])\W*$")
_STANDALONE = re.compile(r"(?<![\w'’])([A-E])(?![\w'’])")
_ARTICLE = re.compile(r"(?<![\w'’])A(?=\s+(?!(?:and|or|nor|is|was|would|because|since|seems)\b)[a-z])")


def extract_letter(text: str, options: Sequence[str]) -> str | None:
    """Return the chosen letter of a reply.

    Args:
        text: the whole reply, with its thinking.
        options: the five option texts in the order shown, for replies that quote one.

    Returns:
        "A".."E"; None for no choice, several choices, or unfinished thinking.
    """
    reply = _answer_part(text)
    if reply is None:
        return None
    reply = _DECORATION.sub("", reply).strip()
    quoted = _quoted(reply, options)
    letter = _named_letter(reply)
    if letter is None and _names_none(reply):
        return quoted.pop() if len(quoted) == 1 else None
    # "B) <text of C>" names two options.
    return letter if letter in LETTERS and (not quoted or letter in quoted) else None


def _answer_part(text: str) -> str | None:
    if _THINK_END in text:
        return text.rpartition(_THINK_END)[2]
    return None if _THINK_START.search(text) else text


def _named_letter(reply: str) -> str | None:
    """Return the one letter that the reply states in its clearest form; None for no letter or several."""
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
    """Return the letters that the reply states as its answer, with alternatives ("B or C")."""
    letters = set()
    for match in _STATEMENT.finditer(reply):
        # "a" after "choose" or "answer" is mostly the article, so a letter must be a capital.
        is_article = match[1] == "a" or (match[1] == "A" and _ARTICLE.match(reply, match.start(1)))
        # Only the text nearby, because a search of the whole reply for each statement is quadratic.
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
    """Return the letters of the options that the reply quotes, without options inside a longer quoted option."""
    said = _plain(reply)
    quoted = {letter: _plain(option) for letter, option in zip(LETTERS, options, strict=True) if _plain(option) in said}
    return {a for a, text in quoted.items() if not any(text in other for b, other in quoted.items() if b != a)}


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())
