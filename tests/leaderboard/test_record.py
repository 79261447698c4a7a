"""Compact result records: the same rows as the runs they were made of, and no way around the checks."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.collect import read_rows
from leaderboard.commands.readme import RESULTS, rendered, tables
from leaderboard.load.record import RecordError, is_recordable, read_record, record_of, write_record
from leaderboard.load.samples import Sample
from leaderboard.load.schema import Results, Run
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.orders import display
from recipe_mpr_task.task import record_of as document_of
from recipe_mpr_task.task_specs import task_names
from tests.support.commands import recipe_mpr
from tests.support.fake_runs import rows_of, run_files, run_in


@pytest.fixture
def made(tmp_path):
    """A run's folder, its record's path and the record's content."""
    samples = run_files(tmp_path / "run")
    run = run_in(tmp_path / "run")
    path = tmp_path / "records" / "a.record.json"
    write_record(record_of(run), path)
    return tmp_path / "run", path, samples


def edited(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path.parent


def test_a_record_makes_the_row_that_its_run_makes(made):
    run, path, samples = made
    (raw,), (compact,) = rows_of(run), rows_of(path.parent)
    for row in (raw, compact):
        row.metrics.pop("brier")
    assert compact.source == "records/a.record.json"
    assert replace(compact, source=raw.source, items=raw.items) == raw
    (both, repeat) = rows_of(run, path.parent)
    assert {both.status, repeat.status} == {"unknown", "excluded"}, "a run and its record count once"
    for text in (samples[0]["doc"]["query"], samples[0]["doc"]["options"][0]):
        assert text not in path.read_text()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: r["items"][0].update(scores=[[9, 0, 0, 0, 0]]), "another accuracy logged than the scores give"),
        (lambda r: r["items"].pop(), "1 item missing"),
        (lambda r: r["items"].append(r["items"][0]), "there more than once"),
        (lambda r: r["run"]["results"]["recipe_mpr_sample"].update({"acc,none": 0.99}), "the results file says acc"),
        (lambda r: r["run"]["config"].update(limit=10), "--limit 10"),
    ],
)
def test_an_edited_record_is_excluded(made, change, reason):
    _, path, samples = made
    wrong = next(i for i, s in enumerate(samples) if s["doc"]["gold"] != 0 and s["acc"] == 1)
    content = json.loads(path.read_text())
    content["items"].insert(0, content["items"].pop(wrong))
    path.write_text(json.dumps(content))
    (row,) = rows_of(edited(path, change))
    assert row.status == "excluded"
    assert reason in row.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: r.update(dataset_sha256="0" * 64), "of another dataset"),
        (lambda r: r.update(task="../../x"), "is not one of this release"),
        (lambda r: r.update(task="recipe_mpr_folds"), "is not one of this release"),
        (lambda r: r.update(task="recipe_mpr_cloze"), "need texts"),
        (lambda r: r["items"][0].update(item_id="mpr-999"), "'mpr-999' is not of the dataset"),
        (lambda r: r["items"][0].update(chosen=[["\x1b[2Jforeign"]]), "chooses what is none of its options"),
        (lambda r: r["items"][0].update(scores=[[1, 2, 3]]), "items.0.scores"),
        (lambda r: r["items"][0].update(scores=[["NaN"] * 5]), "items.0.scores"),
        (lambda r: r.update(items="x"), "items"),
        (lambda r: r.update(format="recipe-mpr-record/2"), "format"),
    ],
)
def test_what_is_no_record_of_this_dataset_is_skipped_with_its_reason(made, change, reason):
    _, path, _ = made
    rows, (skipped,) = read_rows([edited(path, change)])
    assert not rows
    assert reason in skipped.reason


def test_where_a_model_lay_is_not_recorded(tmp_path):
    run_files(tmp_path / "run", name="/home/someone/models/mine")
    run = run_in(tmp_path / "run")
    record = record_of(run)
    assert record.run["config"]["model_args"] == {"pretrained": "mine"}
    assert "someone" not in str(record)


@pytest.mark.integration
def test_a_run_of_which_no_record_can_be_made_does_not_stop_the_others(tmp_path):
    nan = lambda samples: samples[0]["filtered_resps"].__setitem__(0, ["nan", "False"])  # noqa: E731
    run_files(tmp_path / "runs" / "a", name="org/broken", edit_samples=nan)
    run_files(tmp_path / "runs" / "b", name="org/whole")
    done = recipe_mpr(
        "leaderboard", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--records", str(tmp_path / "records")
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "has a score that is not finite" in done.stderr
    (row,) = rows_of(tmp_path / "records")
    assert row.system == "org/whole"


def test_tasks_whose_metrics_need_texts_have_no_record(made):
    run = run_in(made[0])
    assert not is_recordable("recipe_mpr_generate")
    with pytest.raises(RecordError, match="need texts"):
        record_of(replace(run, task="recipe_mpr_cloze"))


SHOWN = document_of(display(load_sample()[0], "shuffled"))


@given(st.lists(st.floats(-50, 0), min_size=5, max_size=5))
def test_rounding_neither_makes_nor_breaks_a_tie(scores):
    sample = Sample.of({"doc": SHOWN, "filtered_resps": [[repr(score), "False"] for score in scores]})
    (item,) = record_of(Run("", "recipe_mpr_sample", Results(), (sample,))).items
    best = [SHOWN["option_ids"][k] for k in range(5) if scores[k] == max(scores)]
    assert item.chosen == [best]
    (row,) = item.scores
    assert [k for k in range(5) if row[k] == max(row)] == [k for k in range(5) if scores[k] == max(scores)]


def test_every_letter_task_can_be_recorded():
    groups = {"recipe_mpr_folds", "recipe_mpr_prompts"}
    assert {t for t in task_names() - groups if not is_recordable(t)} == {"recipe_mpr_cloze", "recipe_mpr_generate"}


def test_a_broken_file_is_no_record(tmp_path):
    (tmp_path / "x.record.json").write_text("{")
    with pytest.raises(RecordError, match="no recipe-mpr-record/1"):
        read_record(tmp_path / "x.record.json")


README = Path(__file__).parents[2] / "README.md"


def test_readme_shows_the_committed_results():
    text = README.read_text()
    assert rendered(text, tables()) == text, "run python -m leaderboard.commands.readme README.md"


def test_a_document_without_the_markers_is_an_error():
    with pytest.raises(RecipeMPRError, match="no '<!-- results -->'"):
        rendered("text", {"results": "table"})


def test_committed_results_are_ranked_and_whole():
    """Every record goes through the checks of any run: what does not check out is not committed."""
    rows = {row.system: row for row in rows_of(RESULTS)}
    assert not [row.reason for row in rows.values() if row.status == "excluded" and "file order" not in row.reason]
    for row in rows.values():
        if row.board == "recipe_mpr":
            assert (row.score.n, row.rank is not None) == (500, True), row.system
