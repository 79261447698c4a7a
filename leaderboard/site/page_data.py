"""What the site shows as plain values: `leaderboard.json`, and the data of a system's own page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from typing import Any

from leaderboard.load.find import Skipped
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Cost, Row, Spread
from leaderboard.site.columns import COLUMNS, TYPES
from leaderboard.site.text import short
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import Item
from recipe_mpr_task.orders import pinned_items

_PLAIN = [column for column in COLUMNS.values() if not column.path and not column.parts]
_STAGES = {"evaluation": "eval_", "training": "train_"}


def content_of(boards: Sequence[Board], skipped: Sequence[Skipped], target: float | None = None) -> dict[str, Any]:
    """Return the object of `leaderboard.json`, which is also all that `index.html` shows.

    Args:
        boards: see `boards.build_boards`.
        skipped: files that hold no run.
        target: an accuracy to draw a line at, a fraction.

    Returns:
        `rows` in board order, fractions in [0, 1]; of a board its sizes by query type, the smallest differences that
        can be detected, and the matrix of pairs.
    """
    return {
        "task_version": TASK_VERSION,
        "floors": floors(),
        "target": target,
        "boards": [
            {
                "board": board.key,
                "title": board.title,
                "rows": len(board.rows),
                "sizes": board.sizes,
                "minimal_detectable_effect": board.detectable or None,
                "pairwise": asdict(board.matrix) if board.matrix else None,
            }
            for board in boards
        ],
        "rows": [row_object(row) for board in boards for row in board.rows],
        "skipped": [{"source": short(s.source), "reason": short(s.reason)} for s in skipped],
    }


def row_object(row: Row) -> dict[str, Any]:
    """Return a row as `leaderboard.json` has it, texts cut; a value that is unknown is null or absent."""
    plain = {
        column.key: value for column in _PLAIN if (value := column.read(row)) is not None or not column.is_optional
    }
    shown = {
        "id": row.id,
        **plain,
        "acc": row.score.acc,
        "acc_low": row.score.low,
        "acc_high": row.score.high,
        "types": {name: asdict(row.types[name]) for name in TYPES if name in row.types},
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "evidence": row.evidence,
        "around_prompts": _around_prompts(row.around),
        "page": f"systems/{row.id}.html" if has_page(row) else None,
        **({} if row.kind == "reported" else _run(row)),
        **_known({"protocol": row.protocol or None, "cost": _cost(row.cost) or None}),
        **(_spread(row.spread) if row.spread else {}),
        **(_against_leader(row) if row.is_tied is not None else {}),
    }
    bounded: dict[str, Any] = _bounded(shown)
    return bounded


def _run(row: Row) -> dict[str, Any]:
    """How a run was made, what it loaded, and the keys that rows are compared by."""
    keys, asked = row.keys, row.asked
    known = {
        "invariant": row.is_invariant if "perf" in row.metrics else None,
        "training": row.training.model_dump(exclude_defaults=True) if row.training else None,
        "clean_subset": asdict(row.clean_subset) if row.clean_subset else None,
        "unsampled": None if row.has_samples else True,
    }
    tries = row.tries and {**asdict(row.tries), "tries": row.tries.text, "text": None}
    metrics = {
        f"{key}{end}": value
        for key, mean in row.metrics.items()
        for end, value in (("", mean.value), ("_low", mean.low), ("_high", mean.high))
    }
    return {
        "identity": keys.identity[:12],
        "content": keys.content,
        "dtype": keys.dtype,
        "system_key": keys.system,
        "server_key": keys.server,
        "setting_key": keys.setting,
        "recipe_key": keys.recipe,
        "seed": keys.seed,
        "generation": asked.generation,
        "random_weights": row.from_random_weights,
        "chat_template": asked.chat_template,
        "system_text": asked.system_text,
        "date": row.date,
        "model": asdict(row.loaded),
        "lm_eval_version": row.lm_eval_version,
        **_known({**known, **metrics, **(tries or {})}),
    }


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _spread(spread: Spread) -> dict[str, Any]:
    """Accuracies of the pooled runs and their mean; the columns have the rest."""
    if not spread.accs:
        return {}
    name = spread.over.removesuffix("s")
    accs = spread.accs if name == "prompt" else list(spread.accs.values())
    return {f"{name}_accs": accs, f"{name}_mean": spread.mean}


def _against_leader(row: Row) -> dict[str, Any]:
    against = COLUMNS["leader"].read(row)
    return {"vs_leader": {**asdict(against.comparison), "p_holm": against.p_holm} if against else None}


def _cost(cost: Cost) -> dict[str, dict[str, Any]]:
    """What is known of the evaluation's and the training's cost."""
    known = _known(asdict(cost))
    stages = {
        stage: {key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)}
        for stage, prefix in _STAGES.items()
    }
    return {stage: values for stage, values in stages.items() if values}


def _around_prompts(around: Sequence[str]) -> dict[str, Any] | None:
    """Hash and number of characters of the texts around the prompts; the system's page has the texts."""
    text = "\n".join(around)
    return {"characters": len(text), "sha256": sha256_of(text.encode(errors="replace"))} if text else None


def _bounded(value: Any) -> Any:
    """Cut every text of a JSON value: names and settings come from the files."""
    match value:
        case dict():
            return {key: _bounded(inner) for key, inner in value.items()}
        case list():
            return [_bounded(inner) for inner in value]
        case str():
            return short(value)
        case _:
            return value


def to_json(content: Mapping[str, Any]) -> str:
    """Return `leaderboard.json`."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@lru_cache(maxsize=1)
def floors() -> dict[str, float]:
    """Return what rules that cannot see the order reach without answering, from the committed audit."""
    artifacts = json.loads((files("recipe_mpr_task") / "audit.json").read_text())["artifacts"]
    return {artifact["name"]: artifact["acc"] for artifact in artifacts if "position" not in artifact["reads"]}


def has_page(row: Row) -> bool:
    """Say whether there is more to show of a row than the table does."""
    return bool(row.items or row.curve)


def system_content(row: Row, shown: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Return the data of a system's page but for its items, which are `row.items.text`.

    Args:
        row: the row.
        shown: the same row as `leaderboard.json` has it.
        title: its board's.
    """
    return {
        "row": shown,
        "board_title": title,
        "position": asdict(row.position) if row.position else None,
        "history": list(row.curve) or None,
        "around": list(row.around),
    }


def items_content(texts: Mapping[str, Item]) -> dict[str, dict[str, Any]]:
    """Return what all systems' pages share: each item's types, gold and shown options, texts where they are at hand."""
    return {
        item_id: {
            "types": list(pinned.types),
            "gold": pinned.gold,
            "shown": list(pinned.shown_ids("shuffled")),
            **(_texts(texts[item_id]) if item_id in texts else {}),
        }
        for item_id, pinned in pinned_items().items()
    }


def _texts(item: Item) -> dict[str, Any]:
    return {"query": item.query, "options": {option.recipe_id: option.text for option in item.options}}
