"""The leaderboard: what gets a rank, what is only listed and why, and that folds pool over items."""

import copy
import csv
import io
import json
import math
import random

import pytest
from click.testing import CliRunner
from statsmodels.stats.proportion import proportion_confint

from leaderboard.command import leaderboard
from leaderboard.compute import build_boards
from leaderboard.load import load_runs
from leaderboard.render import to_csv, to_json, to_markdown
from leaderboard.validate import check
from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.metrics import letter_metrics
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import template
from recipe_mpr_task.splits import scored_ids
from recipe_mpr_task.task import record_of


def scores_for(doc, skill, seed):
    """Five seeded log-likelihoods; the gold's is raised with probability `skill`."""
    rng = random.Random(f"{seed}:{doc['item_id']}")
    row = [rng.uniform(-3, -1) for _ in range(5)]
    if rng.random() < skill:
        row[doc["gold"]] = -0.5
    return row


def run_files(
    folder, task="recipe_mpr_sample", *, model="hf", name="org/model", skill=0.5, seed=0, date=1.0, **changes
):
    """Write a results file and its samples as lm-eval 0.4.13 does."""
    split = {"recipe_mpr_sample": "sample", "recipe_mpr": "all"}.get(task, task.removeprefix("recipe_mpr_"))
    items = load_sample() if split == "sample" else load_items()
    samples = []
    for item in items:
        if item.item_id in scored_ids(split):
            doc = record_of(display(item, changes.get("order", "shuffled")))
            scores = scores_for(doc, skill, seed)
            results = [(score, False) for score in scores]
            samples.append(
                {"doc_id": len(samples), "doc": doc, "target": str(doc["gold"]),
                 "filtered_resps": [[str(score), "False"] for score in scores], **letter_metrics(doc, results)}
            )  # fmt: skip
    changes.get("edit_samples", lambda _: None)(samples)
    acc = math.fsum(s["acc"] for s in samples) / max(len(samples), 1)
    results = {
        "results": {task: {"acc,none": acc, "acc_stderr,none": 0.01}},
        "group_subtasks": {},
        "configs": {
            task: {
                "task": task,
                "doc_to_text": changes.get("prompt", template("default")),
                "metadata": {"version": changes.get("version", 1)},
            }
        },
        "n-shot": {task: 0},
        "config": {"model": model, "model_args": {"pretrained": name}, "limit": None, "model_num_parameters": 7},
        "date": date,
        "lm_eval_version": "0.4.13",
    }
    changes.get("edit_results", lambda _: None)(results)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"2026-01-01T00-00-{date:09.6f}"
    (folder / f"results_{stamp}.json").write_text(json.dumps(results))
    if changes.get("log_samples", True):
        text = "".join(json.dumps(sample) + "\n" for sample in samples)
        (folder / f"samples_{task}_{stamp}.jsonl").write_text(text)
    return samples


def rows_of(*folders):
    runs, _ = load_runs(folders)
    boards = build_boards(check(run) for run in runs)
    return [row for board in boards for row in board.rows if row.kind != "reported"]


def test_rows_are_ranked_and_their_numbers_come_from_the_items(tmp_path):
    good = run_files(tmp_path / "a", name="org/good", skill=0.9)
    run_files(tmp_path / "b", name="org/bad", skill=0.1)
    first, second = rows_of(tmp_path)
    assert (first.system, first.rank, first.status) == ("org/good", 1, "unknown")
    assert (second.system, second.rank) == ("org/bad", 2)
    accuracy = math.fsum(s["acc"] for s in good) / 60
    assert (first.score.acc, first.score.n) == (accuracy, 60)
    assert (first.score.low, first.score.high) == proportion_confint(accuracy * 60, 60, method="wilson")
    for name, score in first.types.items():
        mine = [
            s["acc"]
            for s in good
            if (name in s["doc"]["query_types"] or (name == "Untyped" and not s["doc"]["query_types"]))
        ]
        assert (score.n, score.acc) == (len(mine), math.fsum(mine) / len(mine))


def test_equal_accuracies_share_a_rank(tmp_path):
    for name in ("x/a", "x/b", "x/c"):
        run_files(tmp_path / name, name=name, skill=0.0 if name == "x/c" else 1.0)
    assert [row.rank for row in rows_of(tmp_path)] == [1, 1, 3]


def drop(n):
    return lambda samples: samples.__delitem__(slice(0, n))


def edit_doc(**changes):
    return lambda samples: samples[0]["doc"].update(changes)


def another_gold(samples):
    samples[0]["doc"]["gold"] = (samples[0]["doc"]["gold"] + 1) % 5


def hide_gold_first(samples):
    doc = next(sample["doc"] for sample in samples if sample["doc"]["gold"] != 0)
    gold = doc["gold"]
    for key in ("options", "option_ids"):
        doc[key].insert(0, doc[key].pop(gold))
    doc["gold"], doc["gold_letter"] = 0, "A"


UNRANKED = {
    "limit": ({"edit_results": lambda r: r["config"].update(limit=10)}, "--limit 10"),
    "missing": ({"edit_samples": drop(3)}, "3 items missing (sample-00, sample-01, sample-02)"),
    "twice": ({"edit_samples": lambda s: s.append(copy.deepcopy(s[0]))}, "1 item there more than once"),
    "version": ({"version": 0}, "task version 0; this release scores version 1"),
    "no samples": ({"log_samples": False}, "run with --log_samples"),
    "file order": ({"order": "file"}, "58 items with options not in shuffled order"),
    "moved option": ({"edit_samples": hide_gold_first}, "1 item with options not in shuffled order"),
    "other data": ({"edit_samples": edit_doc(query="Another question")}, "1 item not of the pinned dataset"),
    "other gold": ({"edit_samples": another_gold}, "1 item not of the pinned dataset"),
    "other types": ({"edit_samples": edit_doc(query_types=["Temporal"])}, "1 item not of the pinned dataset"),
    "edited item": ({"edit_samples": lambda s: s[5].update(acc=1 - s[5]["acc"])}, "1 item with another accuracy"),
    "edited total": (
        {"edit_results": lambda r: r["results"]["recipe_mpr_sample"].update({"acc,none": 0.99})}, "says acc 0.99"),
    "NaN": (
        {"edit_samples": lambda s: s[2]["filtered_resps"].__setitem__(1, ["nan"])}, "1 item with a score that is not"),
    "four scores": ({"edit_samples": lambda s: s[2]["filtered_resps"].pop()}, "1 item without their 5 responses"),
    "telling prompt": ({"prompt": "{{query}} {{gold_letter}}"}, "its prompt template is not default"),
    "odd types": ({"edit_results": lambda r: r["configs"]["recipe_mpr_sample"].update(metadata=[1])}, "version None"),
    "hostile": ({"edit_samples": lambda s: s[0].update(doc="<script>")}, "1 item not of the pinned dataset"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(UNRANKED))
def test_what_must_not_be_ranked_is_listed_with_its_reason(tmp_path, case):
    changes, reason = UNRANKED[case]
    run_files(tmp_path / "honest", name="org/honest", skill=0.2)
    run_files(tmp_path / "other", name="org/other", skill=1.0, **changes)
    by_name = {row.system: row for row in rows_of(tmp_path)}
    assert by_name["org/honest"].rank == 1
    other = by_name["org/other"]
    assert (other.rank, other.status) == (None, "excluded")
    assert reason in other.reason


def test_of_several_runs_of_one_identity_the_earliest_counts(tmp_path):
    run_files(tmp_path / "late", skill=1.0, seed=2, date=9.0)
    run_files(tmp_path / "early", skill=0.2, seed=1, date=2.0)
    early, late = rows_of(tmp_path)
    assert (early.rank, early.score.acc < late.score.acc) == (1, True)
    assert (late.rank, late.status) == (None, "excluded")
    assert "early" in late.reason


def test_a_renamed_folder_of_the_same_weights_is_a_repeat(tmp_path):
    same = {"edit_results": lambda r: r["config"].update(model_sha="ab" * 32, recipe_mpr_head="bi_encoder")}
    for date, name in ((1.0, "/a/x"), (2.0, "/b/y")):
        run_files(tmp_path / name[1], model="recipe-mpr-encoder", name=name, date=date, **same)
    assert [row.rank for row in rows_of(tmp_path)] == [1, None]


def test_shots_make_no_second_row_of_a_system_that_reads_no_prompt(tmp_path):
    shots = {"edit_results": lambda r: r["n-shot"].update(recipe_mpr_sample=5)}
    for model, ranks in (("recipe-mpr-encoder", [1, None]), ("hf", [1, 1])):
        run_files(tmp_path / model / "0", model=model, date=1.0)
        run_files(tmp_path / model / "5", model=model, date=2.0, **shots)
        assert [row.rank for row in rows_of(tmp_path / model)] == ranks


def test_two_checkpoints_in_folders_of_one_name_can_be_told_apart(tmp_path):
    for sha in ("a", "b"):
        run_files(
            tmp_path / sha,
            model="recipe-mpr-encoder",
            name=f"/{sha}/model",
            skill=0.5 if sha == "a" else 0.4,
            edit_results=lambda r, sha=sha: r["config"].update(model_sha=sha * 64),
        )
    runs, skipped = load_runs([tmp_path])
    table = to_markdown(build_boards(check(run) for run in runs), skipped)
    lines = [line for line in table.splitlines() if "| model (" in line]
    assert len(lines) == 2
    assert ["/a/results_" in lines[0] or "/a/results_" in lines[1], "/b/results_" in table] == [True, True]


@pytest.mark.real_data
def test_folds_pool_over_items_where_means_of_folds_would_be_wrong(tmp_path):
    samples = []
    for k in range(5):
        samples += run_files(tmp_path / f"f{k}", f"recipe_mpr_fold{k}", skill=k / 4, date=float(k))
    (row,) = rows_of(tmp_path)
    assert (row.task, row.board, row.rank, row.score.n) == ("recipe_mpr_folds", "recipe_mpr", 1, 500)
    temporal = [s["acc"] for s in samples if "Temporal" in s["doc"]["query_types"]]
    assert row.types["Temporal"].n == len(temporal) == 32
    assert row.types["Temporal"].acc == pytest.approx(math.fsum(temporal) / 32)
    # lm-eval's group average: fold means weighted by the folds' 100 items each.
    folds = [[s["acc_temporal"] for s in samples if s["doc"]["fold"] == k and "acc_temporal" in s] for k in range(5)]
    assert {len(fold) for fold in folds} == {2, 5, 8, 9}
    group_average = sum(sum(fold) / len(fold) for fold in folds) / 5
    assert abs(group_average - row.types["Temporal"].acc) > 0.03
    assert row.extra["fold_mean"] == pytest.approx(row.score.acc)
    assert len(row.extra["fold_accs"]) == 5


@pytest.mark.real_data
def test_a_whole_run_and_its_folds_count_once(tmp_path):
    run_files(tmp_path / "whole", "recipe_mpr", date=9.0)
    for k in range(5):
        run_files(tmp_path / f"f{k}", f"recipe_mpr_fold{k}", date=float(k))
    whole, pooled = rows_of(tmp_path)
    assert (whole.task, whole.rank, pooled.task, pooled.rank) == ("recipe_mpr", 1, "recipe_mpr_folds", None)
    assert "the same items asked the same way" in pooled.reason


@pytest.mark.real_data
def test_missing_folds_make_no_row(tmp_path):
    for k in (0, 1, 2, 4):
        run_files(tmp_path / f"f{k}", f"recipe_mpr_fold{k}", date=float(k))
    rows = rows_of(tmp_path)
    assert [(row.rank, row.status) for row in rows] == [(None, "excluded")] * 4
    assert all("folds missing: recipe_mpr_fold3" in row.reason for row in rows)


def test_same_input_same_bytes_in_any_order(tmp_path):
    for n in range(3):
        run_files(tmp_path / f"r{n}", name=f"org/m{n}", skill=n / 2)
    folders = [tmp_path / f"r{n}" for n in range(3)]

    def rendered(paths):
        runs, skipped = load_runs(paths)
        boards = build_boards(check(run) for run in runs)
        return to_markdown(boards, skipped), to_json(boards, skipped), to_csv(boards)

    assert rendered(folders) == rendered(folders[::-1]) == rendered([*folders, folders[0]])


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
    assert {path.name for path in out.iterdir()} == {f"leaderboard.{suffix}" for suffix in ("md", "json", "csv")}


def test_nothing_but_bad_runs_writes_nothing(tmp_path):
    from tests.conftest import run_python

    out = tmp_path / "site"
    done = run_python("-m", "recipe_mpr_task.cli", "leaderboard", str(tmp_path / "none"), "--out", str(out))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "no such file or folder" in done.stderr
    assert not out.exists()


def test_hostile_names_stay_inside_their_cell(tmp_path):
    hostile = "=cmd|' /C calc'!A0 | <script>alert(1)</script>\n| `x` [a](b) " + "A" * 100_000
    run_files(tmp_path / "x", name=hostile)
    runs, skipped = load_runs([tmp_path])
    boards = build_boards(check(run) for run in runs)
    (line,) = [line for line in to_markdown(boards, skipped).splitlines() if "script" in line]
    assert "<script>" not in line
    assert len(line) < 2000
    assert line.count("|") == next(
        other.count("|")
        for other in to_markdown(boards, skipped).splitlines()
        if "System" in other and "Untyped" in other
    )
    cells = [cell for row in csv.reader(io.StringIO(to_csv(boards))) for cell in row]
    assert not any(cell.startswith("=") for cell in cells)
    assert json.loads(to_json(boards, skipped))["rows"]


@pytest.mark.real_data
def test_published_rows_are_reported_with_their_note_and_without_rank(tmp_path):
    run_files(tmp_path, "recipe_mpr", skill=0.3)
    runs, skipped = load_runs([tmp_path])
    content = json.loads(to_json(build_boards(check(run) for run in runs), skipped))
    reported = {row["system"]: row for row in content["rows"] if row["kind"] == "reported"}
    assert len(reported) == 11
    assert all(row["rank"] is None and row["status"] == "reported" for row in reported.values())
    lora = reported["Qwen3-8B LoRA"]
    assert (lora["board"], lora["n"], lora["acc"]) == ("recipe_mpr_test", 50, 1.0)
    assert 'constant "A" scores the same 100%' in lora["reason"]
    assert lora["types"]["Commonsense"]["n"] == 26
    assert reported["BERT-large"]["acc"] == 0.466
    assert content["rows"][0]["rank"] == 1
    required = {"system", "kind", "status", "reason", "rank", "board", "task", "task_version", "n", "acc", "acc_low",
                "acc_high", "types", "params", "source"}  # fmt: skip
    assert all(required <= row.keys() for row in content["rows"])
