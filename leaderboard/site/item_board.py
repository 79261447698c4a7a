"""Make the data of a board's two pages: the page of its items, and the page of its plots.

items/BOARD.html      the page of the items
items/BOARD.json      all numbers of both pages
items/BOARD-00.js     the answers of all systems on 20 items; loaded when a reader opens one of these items
plots/BOARD.html      the page of the plots
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from leaderboard.rank.agreement import error_consistency, same_choice
from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.calibration import Calibration, calibrations
from leaderboard.rank.item_numbers import BoardItems, item_numbers
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.text import short
from recipe_mpr_task.cost import names_hardware
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.names import slug, with_texts
from recipe_mpr_task.statistics import Floats

Calibrations = Mapping[str, Mapping[str, Any]]
"""Calibrations as plain values, by row id."""

ITEMS_IN_FILE = 20
MOST_IN_PLOTS = 50
"""Maximum number of systems in the agreement matrix and in the calibration plots. The best systems are kept."""

_DIGITS = 6
_BASE_32 = b"0123456789abcdefghijklmnopqrstuv"
_FIRST_CODE = 256
_SHOWN = ("id", "system", "kind", "rank", "status", "evidence", "protocol", "acc", "acc_low", "acc_high", "n", "page",
          "params", "vs_leader", "with_leader", "types", "calibration_error",
          "seconds_an_item", "with_loading", "hardware")  # fmt: skip
"""Fields of a row in `leaderboard.json` that the two pages read."""


def board_name(key: str) -> str:
    """Return the file name of a board's pages, without suffix. Different boards have different names."""
    name = slug(key.replace("_", "-"), 60)
    return name if name == key.replace("_", "-") else f"{name}-{sha256_of(key.encode(errors='replace'))[:8]}"


def board_links(answers: BoardAnswers) -> dict[str, Any] | None:
    """Return the paths of a board's pages for "items" in `leaderboard.json`; None if no row has item results."""
    if not answers.rows:
        return None
    name = board_name(answers.key)
    return {"page": f"items/{name}.html", "plots": f"plots/{name}.html", "data": f"items/{name}.json"}


def with_item_numbers(
    content: Mapping[str, Any], answers: Mapping[str, BoardAnswers], calibrations: Calibrations
) -> dict[str, Any]:
    """Return `content` with the paths of each board's pages, and each row's calibration error and time per item.

    Args:
        content: from `page_data.content_of`.
        answers: each board's answers by the board's key.
        calibrations: from `calibrations_of`. A row without a calibration gets no calibration error.
    """
    errors = {row_id: {"calibration_error": found["error"]} for row_id, found in calibrations.items()}
    seconds = {row.id: seconds_an_item(row) for of_board in answers.values() for row in of_board.rows}
    boards = [{**board, "items": board_links(answers[board["board"]])} for board in content["boards"]]
    rows = [{**row, **errors.get(row["id"], {}), **seconds.get(row["id"], {})} for row in content["rows"]]
    return {**content, "boards": boards, "rows": rows}


def board_files(
    board: Board, answers: BoardAnswers, calibrations: Calibrations, rows: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file of a board's two pages; nothing if the board has no item results."""
    from leaderboard.site.page import board_script, items_page, plots_page

    links = board_links(answers)
    if links is None:
        return
    content = pages_content(board, answers, calibrations, rows)
    yield links["page"], items_page(content)
    yield links["plots"], plots_page(content)
    yield links["data"], json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    for number, some in answer_files(answers):
        yield f"items/{content['name']}-{number}.js", board_script(some)


def calibrations_of(answers: Iterable[BoardAnswers]) -> Calibrations:
    """Return the calibration of each row that has probabilities, by row id. Baselines have only scores."""
    return {
        row.id: _calibration(found)
        for of_board in answers
        for row, found in zip(of_board.rows, calibrations(of_board), strict=True)
        if row.kind != "baseline" and found
    }


def pages_content(
    board: Board, answers: BoardAnswers, calibrations: Calibrations, rows: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return all numbers of a board's two pages. `rows` has the rows' objects in `leaderboard.json` by id."""
    numbers = item_numbers(answers)
    counted = [row.id for row, is_counted in zip(answers.rows, answers.counted, strict=True) if is_counted]
    content = {
        "board": board.key,
        "title": board.title,
        "order": answers.order,
        "name": board_name(board.key),
        "in_file": ITEMS_IN_FILE,
        "sizes": board.sizes,
        "minimal_detectable_effect": board.detectable or None,
        "systems": [_system(rows[row.id]) for row in board.rows],
        "answered": [row.id for row in answers.rows],
        "counted": counted,
        "kinds": numbers.kinds,
        "pairwise": vars(board.matrix) if board.matrix else None,
        **_items(numbers),
        "agreement": _agreement(answers, counted),
        "calibration": [{"id": i, **calibrations[i]} for i in counted if i in calibrations][:MOST_IN_PLOTS],
    }
    bounded: dict[str, Any] = with_texts(content, short)
    return bounded


def _system(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {key: shown[key] for key in _SHOWN if shown.get(key) is not None}


def seconds_an_item(row: Row) -> dict[str, Any]:
    """Return a row's seconds of evaluation per item, and whether they include loading the model; {} if unknown.

    "hardware" is present only if the hardware is named exactly. Two times are comparable if both exclude loading and
    have the same "hardware".

    A row for comparison has only some of its run's items, but the run's total time covers all items. The total time is
    therefore not used for such a row.
    """
    if row.cost.eval_seconds_per_item is not None:
        named = row.cost.eval_hardware
        on = {"hardware": named} if named and names_hardware(named) else {}
        return {"seconds_an_item": row.cost.eval_seconds_per_item, "with_loading": False, **on}
    if row.cost.eval_seconds is None or not row.score.n or row.no_rank:
        return {}
    return {"seconds_an_item": row.cost.eval_seconds / row.score.n, "with_loading": True}


def _items(numbers: BoardItems) -> dict[str, Any]:
    """Return the statistics of each item, such as mean accuracy and disagreement.

    To keep the page small, each item is a list of the values in "item_fields".
    """
    return {
        "item_fields": ["id", "right", "partly", "mean accuracy", "disagreement", "right by kind", "votes by letter"],
        "items": [
            [
                item.item_id,
                item.right,
                item.partly,
                _rounded(item.mean),
                _rounded(item.disagreement),
                [item.by_kind[kind] for kind in numbers.kinds],
                [round(vote, 2) for vote in item.votes],
            ]
            for item in numbers.items
        ],
        "histogram": list(numbers.histogram),
        "never": numbers.never,
        "always": numbers.always,
        "mean_by_type": {name: {"n": n, "acc": _rounded(mean)} for name, (n, mean) in numbers.mean_by_type.items()},
    }


def _rounded(number: float | None) -> float | None:
    """Round a number for JSON. None and NaN give None."""
    return None if number is None or math.isnan(number) else round(number, _DIGITS)


def _agreement(answers: BoardAnswers, counted: list[str]) -> dict[str, Any] | None:
    """Return the agreement matrices of the best counted systems; None for fewer than two systems."""
    if len(counted) < 2:
        return None
    accuracies = answers.accuracies[answers.counted][:MOST_IN_PLOTS]
    return {
        "ids": counted[:MOST_IN_PLOTS],
        "same_choice": _cells(same_choice(answers.chosen(rows=slice(MOST_IN_PLOTS)))),
        "error_consistency": _cells(error_consistency(accuracies)),
    }


def _cells(matrix: Floats) -> list[list[float | None]]:
    """Return a matrix as lists for JSON. The diagonal and NaN are None."""
    return [
        [None if i == j else _rounded(value) for j, value in enumerate(row)] for i, row in enumerate(matrix.tolist())
    ]


def _calibration(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as plain values. Each bin has the interval of its accuracy."""
    return {
        "error": round(calibration.error, _DIGITS),
        "confidence": round(calibration.confidence, _DIGITS),
        "acc": round(calibration.acc, _DIGITS),
        "bins": [
            {
                "from": part.low,
                "to": part.high,
                "confidence": round(part.confidence, _DIGITS),
                **vars(part.score),
            }
            for part in calibration.bins
        ],
    }


def answer_files(answers: BoardAnswers) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the number and the content of each file with the answers of all systems on 20 items.

    The content maps an item's id to two texts. Both texts have the systems in the order of "answered".

    - Choices: one character for each system. The character is a digit of base 32; bit k is set if letter k was chosen.
      "-" means that the system was not scored on the item.
    - Probabilities: five characters for each system, one for each letter. A character's code is 256 plus the percent,
      or 256 plus 255 if the system has no probabilities.
    """
    # An item of unknown accuracy counts as scored if the system chose an option.
    asked = ~np.isnan(answers.accuracies) | (answers.masks > 0)
    choices = np.where(asked, np.frombuffer(_BASE_32, np.uint8)[answers.masks], ord("-")).astype(np.uint8)
    codes = answers.percents.astype("<u4") + _FIRST_CODE
    for number, first in enumerate(range(0, len(answers.ids), ITEMS_IN_FILE)):
        columns = range(first, min(first + ITEMS_IN_FILE, len(answers.ids)))
        yield (
            f"{number:02d}",
            {
                answers.ids[column]: [
                    choices[:, column].tobytes().decode(),
                    codes[:, column].tobytes().decode("utf-32-le"),
                ]
                for column in columns
            },
        )
