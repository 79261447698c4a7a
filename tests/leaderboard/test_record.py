"""Compact result records give the same rows as their runs, and cannot avoid the checks."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.collect import read_rows
from leaderboard.commands.readme import RESULTS, documents, rendered, write_pictures
from leaderboard.load.record import TEXTS_LEFT_OUT, RecordError, read_record, record_of, write_record
from leaderboard.load.run import Run
from leaderboard.load.samples import Sample
from leaderboard.load.schema import Results
from leaderboard.verify.checks import RANDOM_WEIGHTS
from leaderboard.verify.items import item_result
from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.orders import display
from recipe_mpr_task.task import record_of as document_of
from recipe_mpr_task.task_specs import is_task, task_names, task_spec
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
        (lambda r: r["items"][0].update(scores=[[9, 0, 0, 0, 0]]), "another logged accuracy than the recomputed one"),
        (lambda r: r["items"].pop(), "1 item missing"),
        (lambda r: r["items"].append(r["items"][0]), "appearing more than once"),
        (lambda r: r["run"]["results"]["recipe_mpr_sample"].update({"acc,none": 0.99}), "in the results file"),
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
        (lambda r: r.update(dataset_sha256="0" * 64), "from another dataset"),
        (lambda r: r.update(task="../../x"), "is not part of this release"),
        (lambda r: r.update(task="recipe_mpr_folds"), "is not part of this release"),
        (lambda r: r.update(task="recipe_mpr_generate"), "an item without scores"),
        (lambda r: r["items"][0].update(item_id="mpr-999"), "'mpr-999' is not in the dataset"),
        (lambda r: r["items"][0].update(chosen=[["\x1b[2Jforeign"]]), "chooses an unknown option"),
        (lambda r: r["items"][0].update(scores=[[1, 2, 3]]), "items[0].scores[0]"),
        (lambda r: r["items"][0].update(scores=[["NaN"] * 5]), "items[0].scores[0]"),
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


def replies(document):
    """Replies that name a letter, quote an option, name two letters, or say nothing that can be read."""
    said = ("Answer: B", document["options"][3], "B or C", "")[int(document["item_id"][-2:]) % 4]
    return [said]


def log_likelihoods(document, n):
    draw = random.Random(document["item_id"])
    return [[str(round(draw.uniform(-60, -1), 4)), "False"] for _ in range(n)]


@pytest.mark.real_data
@pytest.mark.parametrize("task", sorted(task for task in task_names() if is_task(task) and task != "recipe_mpr_sample"))
def test_a_record_of_any_task_gives_the_numbers_of_its_run(dataset, task, tmp_path):
    spec = task_spec(task)
    documents = [document_of(display(item, spec.order)) for item in load_items()[::7]]
    answers = [replies(doc) if spec.generates else log_likelihoods(doc, spec.n_responses) for doc in documents]
    logged = [{"doc": doc, "filtered_resps": said} for doc, said in zip(documents, answers, strict=True)]
    run = Run("", task, Results(), tuple(Sample.of(sample) for sample in logged))
    write_record(record_of(run), tmp_path / "a.record.json")
    stored = read_record(tmp_path / "a.record.json")
    for sample, again in zip(run.items, stored.items, strict=True):
        result = item_result(sample, spec)
        assert item_result(again, spec) == result
        assert again.accuracy == pytest.approx(result.accuracy)
    assert (TEXTS_LEFT_OUT in stored.flags) == spec.generates


def test_only_generated_text_and_imports_go_without_scores(made):
    _, path, _ = made
    rows, (skipped,) = read_rows([edited(path, lambda r: r["items"][0].update(scores=None))])
    assert not rows
    assert "an item without scores" in skipped.reason


SHOWN = document_of(display(load_sample()[0], "shuffled"))


@given(st.lists(st.floats(-50, 0), min_size=5, max_size=5))
def test_rounding_neither_makes_nor_breaks_a_tie(scores):
    sample = Sample.of({"doc": SHOWN, "filtered_resps": [[repr(score), "False"] for score in scores]})
    (item,) = record_of(Run("", "recipe_mpr_sample", Results(), (sample,))).items
    best = [SHOWN["option_ids"][k] for k in range(5) if scores[k] == max(scores)]
    assert item.chosen == [best]
    (row,) = item.scores
    assert [k for k in range(5) if row[k] == max(row)] == [k for k in range(5) if scores[k] == max(scores)]


def test_a_broken_file_is_no_record(tmp_path):
    (tmp_path / "x.record.json").write_text("{")
    with pytest.raises(RecordError, match="not a valid recipe-mpr-record/1 file"):
        read_record(tmp_path / "x.record.json")


def test_readme_and_results_show_the_committed_records(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    for document, text in documents().items():
        assert document.read_text() == text, "run python -m leaderboard.commands.readme"


def test_readme_shows_pictures_of_the_committed_records(tmp_path):
    drawn = {path.name: path.read_bytes() for path in write_pictures(tmp_path) if path.suffix == ".svg"}
    folder = Path(__file__).parents[2] / "docs" / "figures"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == drawn, "run leaderboard.commands.readme"


def test_a_document_without_the_markers_is_an_error():
    with pytest.raises(RecipeMPRError, match="lacks '<!-- results -->'"):
        rendered("text", {"results": "table"})


def test_committed_results_are_ranked_and_whole():
    """Every committed record passes the checks of a run."""
    rows = [row for row in rows_of(RESULTS) if row.evidence == "run here"]
    known = ("file order", RANDOM_WEIGHTS)  # what demonstrations are excluded for
    assert not [row for row in rows if row.status == "excluded" and not any(text in row.reason for text in known)]
    for row in rows:
        if row.board == "recipe_mpr":
            assert (row.score.n, row.rank is None) == (500, row.status == "overlap"), row.system
