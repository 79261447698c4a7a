"""Normalise names for display and for comparison, and shorten paths of local folders."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from confusable_homoglyphs.confusables import is_confusable

LONGEST = 2_000
"""Maximum number of characters that are read from a name. A hostile file can hold megabytes."""

_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""Invisible characters that Unicode puts in a visible category: fillers, variation selectors, Braille blank."""

_SEPARATE = ("Cc", "Zl", "Zp", "Zs")
_INVISIBLE = ("Cf", "Cs", "Co", "Cn")

_LOOK_ALIKE = str.maketrans({"i": "l", "1": "l", "|": "l", "0": "o"})
"""Replacements for ASCII characters that look alike. `_latin` does not replace ASCII characters."""

_GENERIC = re.compile(
    r"(adapters?|base|best([-_]model)?|checkpoints?|current|export(ed)?|final([-_](model|checkpoint))?|full|hf|last|"
    r"latest|main|merged|models?|new|outputs?|out|pretrained|pytorch|results?|safetensors|saved?[-_]?models?|"
    r"snapshots?|tmp|temp|trained|weights|"
    r"(checkpoint|ckpt|epoch|fold|global[-_]step|iter|seed|step|version|v)[-_=]?\d+|\d+|[0-9a-f]{7,64})",
    re.IGNORECASE,
)
"""Folder names too common to identify a model."""

_MOST_PARENTS = 3
_HOME = re.compile(r"^/(home|Users)/[^/]+/|^/root/")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_HUB_PARTS = 2


def shown_text(text: object) -> str:
    """Normalise a text for display: NFKC, one line, single spaces, no invisible characters."""
    normal = unicodedata.normalize("NFKC", str(text)[:LONGEST])
    visible = "".join(
        " " if category in _SEPARATE else "" if category in _INVISIBLE else character
        for character in _IGNORABLE.sub("", normal)
        for category in (unicodedata.category(character),)
    )
    return unicodedata.normalize("NFC", " ".join(visible.split()))


@lru_cache(maxsize=16384)
def folded(name: str) -> str:
    """Normalise a name for comparison. Names that differ only in case, accents, spaces or look-alikes become equal."""
    plain = unicodedata.normalize("NFKD", shown_text(name).casefold())
    letters = (_latin(character) for character in plain if unicodedata.category(character) != "Mn")
    return "".join("".join(letters).casefold().split()).translate(_LOOK_ALIKE).replace("rn", "m")


@lru_cache(maxsize=4096)
def _latin(character: str) -> str:
    """Return the ASCII text that Unicode lists as a look-alike (UTS 39), or the character itself if there is none."""
    if character.isascii():
        return character
    confusables = is_confusable(character, greedy=True) or []
    alike = (homoglyph["c"] for entry in confusables for homoglyph in entry["homoglyphs"])
    return next((text for text in alike if text.isascii()), character)


def is_path(name: str) -> bool:
    """Return whether a name is a path.

    A path has one of these properties:
    - The name starts with "/", ".", "~" or the root of a Windows drive or share.
    - The name ends with "/".
    - The name has more than two parts.
    """
    is_rooted = name.startswith(("/", "~", ".")) or name.endswith("/") or bool(_WINDOWS.match(name))
    return is_rooted or len(PurePosixPath(name[:LONGEST]).parts) > _HUB_PARTS


def folder_name(path: str) -> str:
    """Return the last folder name of a path, with parent folders in front if the name is too common.

    Up to three parents are added, until a parent's name can identify a model. A user's home folder is never added. For
    example, "/data/run7/checkpoint-100" gives "run7/checkpoint-100". A path without a folder name, such as "/", is
    returned unchanged.
    """
    posix = _HOME.sub("/", _posix(path))
    parts = [part for part in PurePosixPath(posix).parts if part not in ("/", ".", "..") and part[0] != "~"]
    kept = parts[-1:]
    while len(kept) <= min(_MOST_PARENTS, len(parts) - 1) and _GENERIC.fullmatch(kept[0]):
        kept = parts[-len(kept) - 1 :]
    return "/".join(kept) or path


def without_folders(path: str) -> str:
    """Return `folder_name` of an absolute path, with "./" in front if the name has more than one part.

    Without "./", a name of two parts would look like a hub id. Applying `folder_name` to the result removes "./".
    """
    name = folder_name(path)
    return f"./{name}" if "/" in name.strip("/") else name


def is_absolute(path: str) -> bool:
    """Return whether a text is an absolute path on Linux, macOS or Windows.

    A path that starts with "~" is absolute. A text with a line end is not a path.
    """
    return "\n" not in path and (path.startswith(("/", "~")) or bool(_WINDOWS.match(path)))


def _posix(path: str) -> str:
    path = path[:LONGEST]
    return re.sub(r"^[A-Za-z]:", "", path).replace("\\", "/") if _WINDOWS.match(path) else path


def slug(text: str, longest: int = 60) -> str:
    """Return the ASCII words of a text, joined by "-", for a file name. Case is kept.

    Args:
        text: any text. A text without ASCII words gives "system".
        longest: maximum length of the result in characters.
    """
    words = re.findall(r"[A-Za-z0-9]+", text[:LONGEST])
    return "-".join(words)[:longest].strip("-") or "system"


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a copy of a JSON value, with `change` applied to every text. Keys of objects are not changed."""
    match value:
        case dict():
            return {key: with_texts(inner, change) for key, inner in value.items()}
        case list():
            return [with_texts(inner, change) for inner in value]
        case str():
            return change(value)
        case _:
            return value
