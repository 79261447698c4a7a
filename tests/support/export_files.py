"""Make fake runs for exports, and read exported files."""

import json
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import ModelCard

from leaderboard.collect import read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.rank.ranking import Board
from tests.support.run_edits import Edit, Json, of_file


def from_hub(*arguments: str) -> Edit:
    """Return an edit of results which records that these model arguments name models of a hub."""
    return of_file(recipe_mpr_model={"sources": dict.fromkeys(arguments, "hub")})


def boards_of(*folders: Path) -> list[Board]:
    """Return the boards with all runs in the folders."""
    return build_boards(read_rows(folders)[0])


def aggregates(files: Mapping[str, str]) -> list[tuple[Json, list[Json]]]:
    """Return each every_eval_ever aggregate among exported files, with the lines of its samples file."""
    paths = [path for path in files if path.startswith("every_eval_ever/") and path.endswith(".json")]
    return [
        (json.loads(files[path]), [json.loads(s) for s in files[path[:-5] + "_samples.jsonl"].splitlines()])
        for path in paths
    ]


def cards(files: Mapping[str, str]) -> dict[str, ModelCard]:
    """Return the model cards among exported files, keyed by path."""
    return {path: ModelCard(text) for path, text in files.items() if path.startswith("model_index/")}
