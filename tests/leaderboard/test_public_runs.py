"""The commands of docs/public_runs.md give the counts that the sources of the public runs state."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from leaderboard.build import known_rows
from leaderboard.collect import read_rows
from leaderboard.commands.import_predictions import import_
from leaderboard.rank.boards import build_boards
from recipe_mpr_task.data import local_source

DOCS = Path(__file__).parents[2] / "docs" / "public_runs.md"
COMMANDS = [shlex.split(line)[2:] for line in DOCS.read_text().splitlines() if line.startswith("recipe-mpr import ")]
PROMPTED = re.search(r"printf 'mpr-%s\\n' ([\d ]+) >", DOCS.read_text())

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def runs(dataset, tmp_path_factory):
    """Import every public run by its command; return the boards, and the number right by file."""
    folder = Path(local_source().path).parent / "public_runs"
    if not (folder / "sources.yaml").is_file():
        pytest.skip("the public runs are not beside the dataset")
    work = tmp_path_factory.mktemp("public")
    (work / "llm_tres_prompt.txt").write_text("\n".join(f"mpr-{number}" for number in PROMPTED[1].split()))
    split = json.loads((folder / "ece1508_2026_split.json").read_text())
    (work / "ece1508_train.json").write_text(json.dumps(split["train"]))
    right = {}
    for file, *options in COMMANDS:
        beside = [str(work / option) if (work / option).is_file() else option for option in options]
        done = CliRunner().invoke(import_, [str(folder / file), *beside, "--out", str(work / "records")])
        assert done.exit_code == 0, done.output
        right[file] = float(re.search(r"\(([\d.]+) right\)", done.output)[1])
    rows = read_rows([work / "records"])[0]
    return folder, right, build_boards(rows, known_rows(rows))


def test_each_run_has_the_count_of_its_source(runs):
    folder, right, _ = runs
    sources = yaml.safe_load((folder / "sources.yaml").read_text())
    assert right == {source["file"]: source["right"] for source in sources}
    assert len(right) == 13


def test_runs_of_all_items_stand_on_the_main_board(runs):
    rows = {row.system: row for row in runs[2][0].rows if row.kind == "imported"}
    assert {row.board for row in rows.values()} == {"recipe_mpr"}
    assert len(rows) == 4
    assert rows["BART-large-MNLI, zero-shot"].rank == 1
    unseen = rows["LLM-TRes"].clean_subset
    assert (rows["LLM-TRes"].status, round(unseen.acc * unseen.n), unseen.n) == ("overlap", 403, 490)
    in_file_order = rows["GPT, one of five"]
    assert (in_file_order.status, in_file_order.constant_letter.score.acc) == ("excluded", 1)


def test_nine_runs_stand_on_one_board_without_ranks(runs):
    (board,) = [board for board in runs[2] if board.key.startswith("set-")]
    assert runs[2][-1] is board
    rows = {row.system: row for row in board.rows}
    nine = [row for row in board.rows if row.kind == "imported" and not row.no_rank.startswith("for comparison")]
    assert len(nine) == 9
    assert {row.rank for row in board.rows} == {None}
    assert rows["DeepSeek-R1-Distill-Qwen-7B"].reason.startswith("the right option was A in 75 of 75")
    assert "75 of 75 items unparsed: no answer could be read, so these items count as wrong" in rows[
        "Qwen2.5-3B-Instruct LoRA v1"].flags  # fmt: skip
    assert any(flag.startswith("its importer names 350 items") for flag in rows["SmolLM2-1.7B-Instruct LoRA"].flags)
    assert rows["SmolLM2-1.7B-Instruct"].flags == ("answers A on 100% of items",)
    assert {"always A", "always E", "bm25", "LLM-TRes", "GPT-3 ada embeddings"} < rows.keys()
