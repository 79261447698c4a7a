"""Mutate files with a seeded generator: their JSON values or their bytes."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53, 10**400, -(10**400), 1e308, 1e-320, math.nan, math.inf, -math.inf, "", " ",
    "0", "1.0", "NaN", "None", "clean", "recipe_mpr", "mpr-000", "sample-00", "\x1b[2J\x07\x00", "\ud800",
    "\u202e\u200b",
    "=1+1", "../../etc/passwd", "</script><script>", "a\nb", "\u2028", "A" * 5000, [], {}, [[]], [None], [{}],
    {"": None}, [0.0] * 5, [[0.0, False]] * 5, ["a"] * 300, {str(k): k for k in range(300)},
)  # fmt: skip


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


def places(value: Any, rng: Random) -> tuple[Any, Any] | None:
    """Return a random container inside a JSON value, and one of its keys; None if the value has no entries."""
    place = None
    while isinstance(value, (dict, list)) and value:
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        place, value = (value, key), value[key]
        if rng.random() < 0.3:
            break
    return place


def _delete(inner: Any, key: Any, _: Random) -> None:
    del inner[key]


def _replace(inner: Any, key: Any, rng: Random) -> None:
    # Copy the value, because a later mutation may change it.
    inner[key] = copy.deepcopy(rng.choice(HOSTILE)) if rng.random() < 0.95 else nested(rng.choice((3, 40, 700)))


_RETYPES: tuple[Callable[[Any], object], ...] = (
    str, json.dumps, lambda v: [v], lambda v: {"0": v}, lambda v: [v, v], bool, lambda v: [[v]],
)  # fmt: skip


def _retype(inner: Any, key: Any, rng: Random) -> None:
    value = inner[key]
    inner[key] = rng.choice(_RETYPES)(value)


def _swap(inner: Any, key: Any, rng: Random) -> None:
    other = rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
    inner[key], inner[other] = inner[other], inner[key]


def _duplicate(inner: Any, key: Any, rng: Random) -> None:
    if isinstance(inner, dict):
        inner[f"{key}{rng.choice(('', ' ', '2', chr(0)))}{rng.randrange(3)}"] = inner[key]
    else:
        inner.insert(rng.randrange(len(inner)), inner[key])


def _lengthen(inner: Any, key: Any, rng: Random) -> None:
    value = inner[key]
    if isinstance(value, (list, str)):
        inner[key] = value * rng.choice((0, 2, 3, 40)) if rng.random() < 0.5 else value[: len(value) // 2]
    elif isinstance(value, (int, float)):
        inner[key] = rng.choice((-value, value + 1, value * 10**9, value - 5, str(value), f"{value}e9"))
    elif isinstance(value, dict):
        inner[key] = dict(list(value.items())[: len(value) // 2])


_OF_VALUES = (_delete, _replace, _replace, _retype, _swap, _duplicate, _lengthen)


def mutate_value(value: Any, rng: Random) -> None:
    """Change one to three places of a JSON value, in place."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if place := places(value, rng):
            rng.choice(_OF_VALUES)(*place, rng)


def _flip(data: bytes, rng: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _insert(data: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(data))
    piece = rng.choice(
        (b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\r\n", b"\n", b"[" * 5000, b"9" * 5000, data[:200], b"\\ud800")
    )
    return data[:place] + piece + data[place:]


_OF_BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    lambda data, rng: data[: rng.randrange(len(data))], lambda data, rng: data[rng.randrange(len(data)) :], _flip,
    _flip, _flip, _insert, _insert, _insert, lambda data, _: data.decode().encode("utf-16"),
    lambda data, _: b"\xef\xbb\xbf" + data,
    lambda data, _: data.replace(b"\n", b"\r\n"), lambda data, _: data * 2, lambda _data, _rng: b"",
    lambda data, _: data.replace(b" ", b"\xc2\xa0"), lambda data, _: data[::-1],
)  # fmt: skip


def mutate_bytes(data: bytes, rng: Random) -> bytes:
    """Return the bytes with one random change, such as a cut, flipped bits or another encoding."""
    return rng.choice(_OF_BYTES)(data, rng)


def mutate_file(path: Path, rng: Random) -> None:
    """Change a JSON or JSONL file in place: usually its values, sometimes its bytes."""
    data = path.read_bytes()
    if rng.random() < 0.2:
        path.write_bytes(mutate_bytes(data, rng))
    elif path.suffix == ".jsonl":
        lines = [json.loads(line) for line in data.splitlines()]
        mutate_value(lines if rng.random() < 0.2 else rng.choice(lines), rng)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    else:
        value = json.loads(data)
        mutate_value(value, rng)
        path.write_text(json.dumps(value))
