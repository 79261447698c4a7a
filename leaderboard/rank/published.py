"""Read `published.yaml`: results that others reported. Turn each result into a row."""

from importlib.resources import files

import yaml
from pydantic import BaseModel

from leaderboard.rank.row import Cost, Row, Score, Spread


class _Entry(BaseModel, frozen=True, extra="forbid"):
    """A reported result: `correct` of `n` items, or only `accuracy`. `source` and `note` are keys in `_Published`."""

    system: str
    board: str
    source: str
    path: str | None = None
    note: str | None = None
    params: int | None = None
    trainable_params: int | None = None
    train_seconds: int | float | None = None
    correct: int = 0
    n: int | None = None
    accuracy: float | None = None
    types: dict[str, tuple[int, int]] = {}
    fold_sd: float | None = None
    protocol: str = ""
    curve: dict[str, tuple[int | float, ...]] = {}


class _Published(BaseModel):
    sources: dict[str, str]
    notes: dict[str, str]
    rows: list[_Entry]


def published_rows() -> list[Row]:
    """Return one row for each reported result."""
    published = _Published(**yaml.safe_load((files("leaderboard") / "published.yaml").read_text()))
    return [_row(entry, published) for entry in published.rows]


def _row(entry: _Entry, published: _Published) -> Row:
    note = published.notes[entry.note] if entry.note else ""
    source = published.sources[entry.source]
    return Row(
        system=entry.system,
        kind="reported",
        status="reported",
        reason=f"as reported, not run here. {note}".strip(),
        board=entry.board,
        task=entry.board,
        task_version=None,
        score=Score.of(entry.correct, entry.n) if entry.n else Score(entry.accuracy),
        types={name: Score.of(*counts) for name, counts in sorted(entry.types.items())},
        params=entry.params,
        source=f"{source}, {entry.path}" if entry.path else source,
        evidence="claimed",
        protocol=entry.protocol,
        spread=None if entry.fold_sd is None else Spread("folds", entry.fold_sd),
        cost=Cost(train_seconds=entry.train_seconds, trainable_params=entry.trainable_params),
        curve=tuple(dict(zip(entry.curve, values, strict=True)) for values in zip(*entry.curve.values(), strict=True)),
    )
