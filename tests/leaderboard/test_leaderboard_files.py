"""Files that the leaderboard reads and writes: skipped runs, stable bytes, hostile names, reported rows."""

import csv
import io

import pytest
from click.testing import CliRunner

from leaderboard.build import FILES
from leaderboard.collect import read_rows
from leaderboard.commands.build import leaderboard
from leaderboard.rank.boards import build_boards
from leaderboard.site.page_data import content_of, to_json
from leaderboard.site.tables import to_csv, to_markdown
from tests.support.fake_runs import run_files


def test_same_input_same_bytes_in_any_order(tmp_path):
    for n in range(3):
        run_files(tmp_path / f"r{n}", name=f"org/m{n}", skill=n / 2)
    folders = [tmp_path / f"r{n}" for n in range(3)]

    def rendered(paths):
        rows, skipped = read_rows(paths)
        boards = build_boards(rows)
        return to_markdown(boards, skipped), to_json(content_of(boards, skipped)), to_csv(boards)

    assert rendered(folders) == rendered(folders[::-1]) == rendered([*folders, folders[0]])


def test_a_results_file_named_by_the_user_finds_its_samples(tmp_path):
    run_files(tmp_path)
    (file,) = tmp_path.glob("results_*")
    named = file.rename(tmp_path / file.name.replace("results_", "mine_"))
    (row,), skipped = read_rows([named])
    assert (row.status, skipped) == ("unknown", [])


BAD_RUNS = {
    "empty folder": lambda folder: None,
    "broken JSON": lambda folder: (folder / "results_1.json").write_text('{"results": '),
    "foreign JSON": lambda folder: (folder / "results_1.json").write_text('{"accuracy": 1.0}'),
    "another task": lambda folder: (folder / "results_1.json").write_text('{"results": {"arc_easy": {}}}'),
    "broken samples": lambda folder: (
        run_files(folder), next(folder.glob("samples_*")).write_text('{"doc": {}}\n{"do')),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(BAD_RUNS))
def test_a_bad_run_is_skipped_by_name_and_the_rest_is_kept(tmp_path, fault):
    run_files(tmp_path / "good", name="org/good")
    bad = tmp_path / "bad-run"
    bad.mkdir()
    BAD_RUNS[fault](bad)
    out = tmp_path / "site"
    done = CliRunner().invoke(leaderboard, [str(tmp_path / "good"), str(bad), "--out", str(out)])
    assert done.exit_code == 2
    assert [("bad-run" in line) for line in done.stderr.splitlines()] == [True]
    assert "org/good" in (out / "leaderboard.md").read_text()
    shown = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert shown == {*FILES, "systems", "items", "plots"}


@pytest.mark.integration
def test_nothing_but_bad_runs_writes_nothing(tmp_path):
    from tests.support.commands import run_python

    out = tmp_path / "site"
    done = run_python("-m", "recipe_mpr_task.cli", "leaderboard", str(tmp_path / "none"), "--out", str(out))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "no such file or folder" in done.stderr
    assert not out.exists()


def test_hostile_names_stay_inside_their_cell(tmp_path):
    hostile = "=cmd|' /C calc'!A0 | <script>alert(1)</script>\n| `x` [a](b) " + "A" * 100_000
    run_files(tmp_path / "x", name=hostile)
    rows, skipped = read_rows([tmp_path])
    boards = build_boards(rows)
    lines = [line for line in to_markdown(boards, skipped).splitlines() if "script" in line]
    (in_table, why_unknown) = lines
    assert not any("<script>" in line or len(line) > 2000 for line in lines)
    assert why_unknown.startswith("- ")
    assert "|" not in why_unknown
    assert in_table.count("|") == next(
        other.count("|")
        for other in to_markdown(boards, skipped).splitlines()
        if "System" in other and "Untyped" in other
    )
    cells = [cell for row in csv.reader(io.StringIO(to_csv(boards))) for cell in row]
    assert not any(cell.startswith("=") for cell in cells)
    assert content_of(boards, skipped)["rows"]


@pytest.mark.real_data
def test_published_rows_are_reported_with_their_note_and_without_rank(tmp_path):
    run_files(tmp_path, "recipe_mpr", skill=0.3)
    rows, skipped = read_rows([tmp_path])
    content = content_of(build_boards(rows), skipped)
    reported = {row["system"]: row for row in content["rows"] if row["kind"] == "reported"}
    assert len(reported) == 18
    assert all(row["rank"] is None and row["status"] == "reported" for row in reported.values())
    lora = reported["Qwen3-8B LoRA"]
    assert (lora["board"], lora["n"], lora["acc"]) == ("recipe_mpr_test", 50, 1.0)
    assert 'always answering "A" also scores 100%' in lora["reason"]
    assert lora["types"]["Commonsense"]["n"] == 26
    assert reported["BERT-large"]["acc"] == 0.466
    assert content["rows"][0]["rank"] == 1
    required = {"system", "kind", "status", "reason", "rank", "board", "task", "task_version", "n", "acc", "acc_low",
                "acc_high", "types", "params", "source"}  # fmt: skip
    assert all(required <= row.keys() for row in content["rows"])
