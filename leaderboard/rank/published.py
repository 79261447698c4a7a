"""Read the published results in `published.yaml`. Return them as claims, and as rows of the boards."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, Field, model_validator

from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import Cost, Origin, Score, Spread

Order = Literal["file", "shuffled", "not_shown", "not_stated"]
Url = Annotated[str, Field(pattern="^https://[^ ]+$")]


class Source(BaseModel, frozen=True, extra="forbid"):
    """Where results were reported. A claim's `path` is relative to `url`."""

    title: str
    url: Url | None = None


class Claim(BaseModel, frozen=True, extra="forbid"):
    """A published result. The head of `published.yaml` describes the fields.

    `source` and `note` are the source and the text, not their keys in the file.
    """

    system: str
    board: str
    source: Source
    path: str | None = None
    order: Order
    order_source: Url | None = None
    overlap: str | None = None
    data: Literal["pinned", "earlier"] = "pinned"
    note: str = ""
    recount: str | None = None
    params: int | None = None
    trainable_params: int | None = None
    train_seconds: int | float | None = None
    correct: int | None = None
    n: int | None = None
    accuracy: float | None = None
    types: dict[str, tuple[int, int]] = {}
    fold_sd: float | None = None
    protocol: str = ""
    curve: dict[str, tuple[int | float, ...]] = {}

    @model_validator(mode="after")
    def _has_one_score(self) -> "Claim":
        given = (self.correct is not None, self.n is not None, self.accuracy is not None)
        if given not in ((True, True, False), (False, False, True)):
            raise ValueError(f"{self.system}: give correct and n, or only accuracy")
        return self

    @property
    def score(self) -> Score:
        """The claimed accuracy, with its 95% Wilson interval if the number of items is known."""
        if self.correct is None or self.n is None:
            return Score(self.accuracy)
        return Score.of(self.correct, self.n)

    @property
    def url(self) -> str | None:
        """Link to the page or file that reports the result; None if there is none."""
        return f"{self.source.url}/{self.path}" if self.source.url and self.path else self.source.url

    @property
    def reason(self) -> str:
        """The reason for the status, with the overlap and the note."""
        overlap = f"overlap: {self.overlap}." if self.overlap else ""
        return " ".join(filter(None, ("as reported, not run here.", overlap, self.note)))


@cache
def published_claims() -> tuple[Claim, ...]:
    """Return every reported result, in the order of the file."""
    published = yaml.safe_load((files("leaderboard") / "published.yaml").read_text())
    sources, notes = published["sources"], published["notes"] | {None: ""}
    return tuple(
        Claim(**row | {"source": sources[row["source"]], "note": notes[row.get("note")]}) for row in published["rows"]
    )


def published_rows() -> list[Row]:
    """Return one row for each reported result."""
    return [_row(claim) for claim in published_claims()]


def _row(claim: Claim) -> Row:
    curve = claim.curve
    return Row(
        system=claim.system,
        kind="reported",
        status="reported",
        reason=claim.reason,
        board=claim.board,
        task=claim.board,
        task_version=None,
        score=claim.score,
        types={name: Score.of(*counts) for name, counts in sorted(claim.types.items())},
        params=claim.params,
        source=f"{claim.source.title}, {claim.path}" if claim.path else claim.source.title,
        evidence="claimed",
        origin=Origin(source=claim.url),
        protocol=claim.protocol,
        spread=None if claim.fold_sd is None else Spread("folds", claim.fold_sd),
        cost=Cost(train_seconds=claim.train_seconds, trainable_params=claim.trainable_params),
        curve=tuple(dict(zip(curve, values, strict=True)) for values in zip(*curve.values(), strict=True)),
    )
