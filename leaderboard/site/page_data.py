"""Turn boards and rows into plain values for `leaderboard.json` and for the systems' pages."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from leaderboard.load.find import Skipped
from leaderboard.rank.answer import answer_of
from leaderboard.rank.claims import ScoredClaim, scored_claims
from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.rank.row_parts import Cost, Score
from leaderboard.site.answer_text import answer_object
from leaderboard.site.columns import COLUMNS, TYPES
from leaderboard.site.item_board import board_name
from leaderboard.site.names import base_of, beneath, name_of, trust_of
from leaderboard.site.opening import about, group_of, is_reference, is_without_dataset, newest_run, opening_board
from leaderboard.site.text import short
from recipe_mpr_task import TASK_VERSION, __version__
from recipe_mpr_task.cost import names_hardware
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import Item
from recipe_mpr_task.names import with_texts
from recipe_mpr_task.orders import pinned_items

_PLAIN = [column for column in COLUMNS.values() if not column.path and not column.parts]


def content_of(
    boards: Sequence[Board], skipped: Sequence[Skipped], target: float | None = None, built: date | None = None
) -> dict[str, Any]:
    """Return the object of `leaderboard.json`, with long texts cut. `index.html` shows the same object.

    `target` is the accuracy (a fraction) at which the page draws a line; None for no line. `built` is the day of the
    build; None to omit the day.
    """
    newest = max((time for board in boards if (time := newest_run(board))), default=None)
    content = {
        "version": __version__,
        "task_version": TASK_VERSION,
        "built": built.isoformat() if built else None,
        "newest_run": datetime.fromtimestamp(newest, UTC).date().isoformat() if newest else None,
        "opens_on": opening_board(boards),
        "no_dataset": is_without_dataset(boards),
        "floors": floors(),
        "target": target,
        "boards": [
            {
                "board": board.key,
                "title": board.title,
                "group": group_of(board),
                "about": about(board),
                "answer": answer_object(answer_of(board)),
                "rule": highest_rule(board),
                "rows": len(board.rows),
                "sizes": board.sizes,
                "minimal_detectable_effect": board.detectable or None,
                "pairwise": vars(board.matrix) if board.matrix else None,
            }
            for board in boards
        ],
        "rows": [row_object(row) for board in boards for row in board.rows],
        "claims": [_claim(claim) for claim in scored_claims(boards)],
        "skipped": [vars(file) for file in skipped],
    }
    bounded: dict[str, Any] = with_texts(content, short)  # untrusted files can contain very long names
    return bounded


def row_object(row: Row) -> dict[str, Any]:
    """Return a row's object in `leaderboard.json`. An unknown value is null or absent."""
    plain = {column.key: column.read(row) for column in _PLAIN}
    against, around = COLUMNS["leader"].read(row), "\n".join(row.around)
    hashed = sha256_of(around.encode(errors="replace"))
    shown = {
        "id": row.id,
        **{key: value for key, value in plain.items() if value is not None or not COLUMNS[key].is_optional},
        "acc": row.score.acc,
        "acc_low": row.score.low,
        "acc_high": row.score.high,
        "types": {name: vars(row.types[name]) for name in TYPES if name in row.types},
        "name": name_of(row),
        "base_model": base_of(row),
        "beneath": beneath(row),
        "trust": trust_of(row),
        "for_comparison": is_reference(row),
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "evidence": row.evidence,
        # The texts around the prompts are long, so only the system's page shows them in full.
        "around_prompts": {"characters": len(around), "sha256": hashed} if around else None,
        "constant_letter": _constant_letter(row),
        "page": f"systems/{row.id}.html" if row.items or row.curve else None,
        **({} if row.kind == "reported" else _run(row)),
        **_known({"item_set": vars(row.item_set) if row.item_set else None}),
        **_known({"protocol": row.protocol or None, "cost": _cost(row.cost) or None}),
    }
    if row.spread and row.spread.accs:  # `plain` has the other numbers of the spread
        accs = row.spread.accs
        name, listed = ("prompt", accs) if row.spread.over == "prompts" else ("fold", list(accs.values()))
        shown |= {f"{name}_accs": listed, f"{name}_mean": row.spread.mean}
    if row.is_tied is not None:
        shown["vs_leader"] = {**vars(against.comparison), "p_holm": against.p_holm} if against else None
    return shown


def _claim(claim: ScoredClaim) -> dict[str, Any]:
    """Return a claim's object in `leaderboard.json`."""
    return {
        "system": claim.system,
        "source": claim.source,
        "url": claim.url,
        "board": claim.board,
        "claimed": _score(claim.claimed),
        "recounted": _score(claim.recounted),
        "constant_letter": claim.constant.letter if claim.constant else None,
        "constant_letter_acc": claim.constant.score.acc if claim.constant else None,
        "unseen": _score(claim.unseen),
        "follows": claim.follows,
        "row": claim.row.id if claim.row else None,
    }


def _score(score: Score | None) -> dict[str, Any] | None:
    return vars(score) if score else None


def _constant_letter(row: Row) -> dict[str, Any] | None:
    constant = row.constant_letter
    return {"letter": constant.letter, **vars(constant.score)} if constant else None


def _run(row: Row) -> dict[str, Any]:
    """Return the settings, model, training and metrics of a row's run, and the keys that are equal in related rows."""
    keys, asked = row.keys, row.asked
    known: dict[str, Any] = {
        "invariant": row.is_invariant if "perf" in row.metrics else None,
        "training": row.training.model_dump(exclude_defaults=True) if row.training else None,
        "clean_subset": vars(row.clean_subset) if row.clean_subset else None,
        "unsampled": None if row.has_samples else True,
    }
    for key, mean in row.metrics.items():
        known |= {key: mean.value, f"{key}_low": mean.low, f"{key}_high": mean.high}
    if row.tries:
        known |= {**vars(row.tries), "tries": row.tries.text, "text": None}
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
        "model": vars(row.loaded),
        "lm_eval_version": row.lm_eval_version,
        **_known(known),
    }


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _cost(cost: Cost) -> dict[str, dict[str, Any]]:
    """Return the known costs in two groups, "evaluation" and "training". A group without known costs is absent.

    "hardware_is_vague" is True if the hardware is not named exactly. The group's numbers are then not compared with
    other rows.
    """
    known = _known(vars(cost))
    stages = {
        stage: {key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)}
        for stage, prefix in (("evaluation", "eval_"), ("training", "train_"))
    }
    for values in stages.values():
        if "hardware" in values and not names_hardware(values["hardware"]):
            values["hardware_is_vague"] = True
    return {stage: values for stage, values in stages.items() if values}


def to_json(content: Mapping[str, Any]) -> str:
    """Return the text of `leaderboard.json`, with one line for each board, row, claim and skipped file."""

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    lines = (
        f"{text(key)}: [\n" + ",\n".join(map(text, value)) + "\n]" if value and isinstance(value, list)
        else f"{text(key)}: {text(value)}"
        for key, value in content.items()
    )  # fmt: skip
    return "{\n" + ",\n".join(lines) + "\n}\n"


@cache
def floors() -> dict[str, float]:
    """Return the accuracy of each simple rule in `audit.json`, as a fraction. Omit rules that use option positions."""
    artifacts = json.loads((files("recipe_mpr_task") / "audit.json").read_text())["artifacts"]
    return {artifact["name"]: artifact["acc"] for artifact in artifacts if "position" not in artifact["reads"]}


def highest_rule(board: Board) -> dict[str, Any] | None:
    """Return the name and accuracy of the best trivial rule on a board's items; None if no rule was scored on them.

    The rules are the board's ranked baselines. On the main board, the rules of `audit.json` are used, too.
    """
    run = {row.system: row.score.acc for row in board.rows if row.kind == "baseline" and row.rank is not None}
    known = {name: acc for name, acc in run.items() if acc is not None} | (floors() if board.key == MAIN_BOARD else {})
    if not known:
        return None
    name = max(known, key=lambda name: known[name])
    return {"name": name, "acc": known[name]}


def system_content(
    row: Row, shown: Mapping[str, Any], title: str, calibration: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the data of a system's page. "answers" names the file with the row's answers.

    Args:
        row: the row.
        shown: the row's object in `leaderboard.json`.
        title: title of the row's board.
        calibration: from `item_board.calibrations_of`; None if the row has no probabilities.
    """
    return {
        "row": shown,
        "board_title": title,
        "board_name": board_name(row.board) if row.items else None,
        "answers": f"{row.id}.js" if row.items else None,
        "position": vars(row.position) if row.position else None,
        "calibration": calibration,
        "history": list(row.curve) or None,
        "around": list(row.around),
    }


def items_content(texts: Mapping[str, Item]) -> dict[str, dict[str, Any]]:
    """Return the items' data that all pages of systems and items load, by item id.

    An item has these keys:

    - "types": the query types.
    - "gold": recipe id of the right option.
    - "shown": recipe ids of the five options in shuffled order.
    - "order": for each shown option, its place in the dataset's file, such as "20314".
    - "query" and "options": the texts, if `texts` has the item.
    """
    shared: dict[str, dict[str, Any]] = {}
    for item_id, pinned in pinned_items().items():
        shown, places = list(pinned.shown_ids("shuffled")), "".join(map(str, pinned.order))
        shared[item_id] = {"types": list(pinned.types), "gold": pinned.gold, "shown": shown, "order": places}
        if item := texts.get(item_id):
            options = {option.recipe_id: option.text for option in item.options}
            shared[item_id] |= {"query": item.query, "options": options}
    return shared
