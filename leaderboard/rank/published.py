"""The rows that others reported, from `published.yaml`."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from leaderboard.rank.row import Row, Score

_COLUMNS = ("trainable_params", "train_seconds", "fold_sd", "protocol")
"""Of an entry, what goes into the row as it is."""


@lru_cache(maxsize=1)
def _published() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((files("leaderboard") / "published.yaml").read_text())
    return loaded


def published_rows(board: str) -> list[Row]:
    """Return the reported rows that belong beside a board."""
    return [_row(entry) for entry in _published()["rows"] if entry["board"] == board]


def boards_with_published_rows() -> tuple[str, ...]:
    """Return the keys of the boards that reported rows belong to."""
    return tuple(_published()["boards"])


def _curve(system: str) -> tuple[dict[str, float], ...]:
    """The published run's training log."""
    curve = _published()["training_curve"]
    if curve["system"] != system:
        return ()
    columns = {"step": "step", "loss": "loss", "grad_norm": "gradient_norm", "learning_rate": "learning_rate"}
    series = {ours: curve[theirs] for ours, theirs in columns.items()}
    return tuple(dict(zip(series, values, strict=True)) for values in zip(*series.values(), strict=True))


def _row(entry: dict[str, Any]) -> Row:
    published = _published()
    note = published["notes"].get(entry.get("note"), "")
    n = entry.get("n")
    score = Score.of(entry["correct"], n) if n else Score(entry["accuracy"], None, None, None)
    source = published["sources"][entry["source"]]
    extra: dict[str, Any] = {key: entry[key] for key in _COLUMNS if key in entry}
    return Row(
        system=entry["system"],
        kind="reported",
        status="reported",
        reason=f"as reported, not run here. {note}".strip(),
        board=entry["board"],
        task=entry["board"],
        task_version=None,
        score=score,
        types={name: Score.of(*counts) for name, counts in sorted(entry.get("types", {}).items())},
        params=entry.get("params"),
        source=f"{source}, {entry['path']}" if "path" in entry else source,
        extra=extra,
        history=_curve(entry["system"]),
    )
