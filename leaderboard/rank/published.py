"""The rows that others reported, read from `published.yaml`."""

from functools import lru_cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from leaderboard.rank.row import Cost, Row, Score, Spread


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Entry(_Strict):
    """A reported result: `correct` of `n` items, or an accuracy alone; `source` and `note` are keys."""

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


class _Curve(_Strict):
    system: str
    step: tuple[int, ...]
    loss: tuple[float, ...]
    gradient_norm: tuple[float, ...]
    learning_rate: tuple[float, ...]


class _Published(_Strict):
    sources: dict[str, str]
    notes: dict[str, str]
    rows: tuple[_Entry, ...]
    training_curve: _Curve


@lru_cache(maxsize=1)
def _published() -> _Published:
    return _Published.model_validate(yaml.safe_load((files("leaderboard") / "published.yaml").read_text()))


def published_rows(board: str) -> list[Row]:
    """Return the reported rows that belong beside a board."""
    return [_row(entry) for entry in _published().rows if entry.board == board]


def boards_with_published_rows() -> tuple[str, ...]:
    """Return the keys of the boards that reported rows belong to."""
    return tuple(dict.fromkeys(entry.board for entry in _published().rows))


def _curve(system: str) -> tuple[dict[str, int | float], ...]:
    """Return the training log of a reported run; empty if none was published."""
    curve = _published().training_curve
    if curve.system != system:
        return ()
    steps = zip(curve.step, curve.loss, curve.gradient_norm, curve.learning_rate, strict=True)
    return tuple(dict(zip(("step", "loss", "grad_norm", "learning_rate"), values, strict=True)) for values in steps)


def _row(entry: _Entry) -> Row:
    published = _published()
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
        score=Score.of(entry.correct, entry.n) if entry.n else Score(entry.accuracy, None, None, None),
        types={name: Score.of(*counts) for name, counts in sorted(entry.types.items())},
        params=entry.params,
        source=f"{source}, {entry.path}" if entry.path else source,
        evidence="claimed",
        protocol=entry.protocol,
        spread=None if entry.fold_sd is None else Spread("folds", entry.fold_sd),
        cost=Cost(train_seconds=entry.train_seconds, trainable_params=entry.trainable_params),
        curve=_curve(entry.system),
    )
