"""The leaderboard: ranked rows, listed rows with their reasons, and pooling of folds over items."""

import copy
import math
import re
from statistics import NormalDist

import pytest

from leaderboard.collect import read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.site.page_data import row_object
from leaderboard.site.tables import to_markdown
from leaderboard.site.terminal import to_terminal
from recipe_mpr_task.manifest import TRAINING_KEY
from tests.support.fake_runs import rows_of, run_files


def test_rows_are_ranked_and_their_numbers_come_from_the_items(tmp_path):
    good = run_files(tmp_path / "a", name="org/good", skill=0.9)
    run_files(tmp_path / "b", name="org/bad", skill=0.1)
    first, second = rows_of(tmp_path)
    assert (first.system, first.rank, first.status) == ("org/good", 1, "unknown")
    assert (second.system, second.rank) == ("org/bad", 2)
    accuracy = math.fsum(s["acc"] for s in good) / 60
    assert (first.score.acc, first.score.n) == (accuracy, 60)
    z = NormalDist().inv_cdf(0.975)
    ends = [(accuracy + z * z / 120 + sign * z * math.sqrt(accuracy * (1 - accuracy) / 60 + (z / 120) ** 2))
            / (1 + z * z / 60) for sign in (-1, 1)]  # fmt: skip
    assert (first.score.low, first.score.high) == pytest.approx(tuple(ends), abs=1e-9)
    for name, score in first.types.items():
        mine = [
            s["acc"]
            for s in good
            if (name in s["doc"]["query_types"] or (name == "Untyped" and not s["doc"]["query_types"]))
        ]
        assert (score.n, score.acc) == (len(mine), math.fsum(mine) / len(mine))


def test_what_a_results_file_does_not_say_is_unknown_and_sizes_round_to_the_next_unit(tmp_path):
    edit = lambda results: [results.pop("lm_eval_version"), results["config"].update(model_num_parameters=999_900)]  # noqa: E731
    run_files(tmp_path, edit_results=edit)
    boards = build_boards(read_rows([tmp_path])[0])
    assert boards[0].rows[0].lm_eval_version is None
    assert "| 1M " in to_markdown(boards, [])
    assert "e+" not in to_terminal(boards)


def test_equal_accuracies_share_a_rank(tmp_path):
    for seed, name in enumerate(("x/a", "x/b", "x/c")):
        run_files(tmp_path / name, name=name, skill=0.0 if name == "x/c" else 1.0, seed=seed)
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
    "twice": ({"edit_samples": lambda s: s.append(copy.deepcopy(s[0]))}, "1 item appearing more than once"),
    "version": ({"version": 0}, "task version 0 is not comparable; this release scores"),
    "no samples": ({"log_samples": False}, "run with --log_samples"),
    "file order": ({"order": "file"}, "58 items with options not in shuffled order"),
    "moved option": ({"edit_samples": hide_gold_first}, "1 item with options not in shuffled order"),
    "other data": ({"edit_samples": edit_doc(query="Another question")}, "1 item not of the pinned dataset"),
    "other gold": ({"edit_samples": another_gold}, "1 item not of the pinned dataset"),
    "other types": ({"edit_samples": edit_doc(query_types=["Temporal"])}, "1 item not of the pinned dataset"),
    "edited item": ({"edit_samples": lambda s: s[5].update(acc=1 - s[5]["acc"])}, "1 item with another logged acc"),
    "edited total": (
        {"edit_results": lambda r: r["results"]["recipe_mpr_sample"].update({"acc,none": 0.99})}, "acc is 0.99"),
    "NaN": (
        {"edit_samples": lambda s: s[2]["filtered_resps"].__setitem__(1, ["nan"])}, "1 item with a score that is not"),
    "four scores": ({"edit_samples": lambda s: s[2]["filtered_resps"].pop()}, "1 item without the expected 5"),
    "telling prompt": ({"prompt": "{{query}} {{gold_letter}}"}, "its prompt template is not the task's (default)"),
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
    shots = {
        "edit_results": lambda r: r["n-shot"].update(recipe_mpr_sample=5),
        "edit_samples": lambda samples: [sample.pop("arguments") for sample in samples],
    }
    for model, ranks in (("recipe-mpr-encoder", [1, None]), ("hf", [1, 2])):
        run_files(tmp_path / model / "0", model=model, date=1.0)
        run_files(tmp_path / model / "5", model=model, date=2.0, seed=1, skill=0.3, **shots)
        assert [row.rank for row in rows_of(tmp_path / model)] == ranks


def test_two_checkpoints_in_folders_of_one_name_can_be_told_apart(tmp_path):
    for sha in ("a", "b"):
        run_files(
            tmp_path / sha,
            model="recipe-mpr-encoder",
            name=f"/{sha}/model",
            skill=0.5 if sha == "a" else 0.4,
            seed=ord(sha),
            edit_results=lambda r, sha=sha: r["config"].update(model_sha=sha * 64),
        )
    rows, skipped = read_rows([tmp_path])
    table = to_markdown(build_boards(rows), skipped)
    assert [name in table for name in ("| a/model ", "| b/model ")] == [True, True], "a common name has its parent"


def test_the_time_of_several_tasks_is_shown_as_none_of_theirs(tmp_path):
    timed = {"total_evaluation_time_seconds": "40.5"}
    run_files(tmp_path / "one", name="org/one", edit_results=lambda r: r.update(timed))
    more = {"recipe_mpr_circular": {"task": "recipe_mpr_circular"}}
    run_files(
        tmp_path / "two", name="org/two", seed=1, edit_results=lambda r: (r.update(timed), r["configs"].update(more))
    )
    assert {row.system: row.cost.eval_seconds for row in rows_of(tmp_path)} == {"org/one": 40.5, "org/two": None}


def test_the_terminal_shows_few_rows_and_tells_them_apart(tmp_path):
    for k in range(12):
        skill = 1.0 if k == 0 else 0.5
        asked = {"system_instruction_sha": "ab" * 32} if k == 0 else {}
        run_files(tmp_path / str(k), name=f"org/m{k}\x1b[2J", seed=k, skill=skill,
                  edit_results=lambda r, asked=asked: r.update(asked))  # fmt: skip
    said = to_terminal(build_boards(read_rows([tmp_path])[0]))
    assert "12 ranked, 0 listed without rank" in said
    assert "... and 2 more" in said
    assert "\x1b" not in said
    assert len([line for line in said.splitlines() if "org/m" in line and "Your run" not in line]) == 10
    assert len(re.findall(r"^Your run: org/m.*, rank \d+, unknown$", said, re.M)) == 2
    assert "org/m0 [2J (system text)" in said


def test_the_terminal_says_what_became_of_a_run_without_rank(tmp_path):
    for date in (1.0, 2.0):
        run_files(tmp_path / str(date), name="org/model", date=date)
    said = to_terminal(build_boards(read_rows([tmp_path])[0]))
    assert re.search(
        r"Your run: org/model: [\d.]+ \[.*\], no rank, excluded: repeat of .*, with the same answers on all", said
    )
    assert said.count("Your run") == 1, "published claims are no runs"


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
    assert row.spread.mean == pytest.approx(row.score.acc)
    assert row.metrics["brier"].value == pytest.approx(math.fsum(s["brier"] for s in samples) / 500)
    assert len(row.spread.accs) == 5


@pytest.mark.real_data
def test_a_pooled_rows_training_is_that_of_all_folds(tmp_path):
    for k in range(5):
        record = {"system": "s", "split": f"fold{k}", "seed": 7, "wall_time_s": k + 1.0, "peak_memory_bytes": 10 * k}
        run_files(tmp_path / f"f{k}", f"recipe_mpr_fold{k}", date=float(k),
                  edit_results=lambda results, record=record: results.update({TRAINING_KEY: record}))  # fmt: skip
    (row,) = rows_of(tmp_path)
    assert row_object(row)["training"] == {"system": "s", "seed": 7, "wall_time_s": 15.0, "peak_memory_bytes": 40}
    assert row.cost.train_seconds == 15.0


@pytest.mark.real_data
def test_a_whole_run_and_its_folds_count_once(tmp_path):
    run_files(tmp_path / "whole", "recipe_mpr", date=9.0)
    for k in range(5):
        run_files(tmp_path / f"f{k}", f"recipe_mpr_fold{k}", date=float(k))
    whole, pooled = rows_of(tmp_path)
    assert (whole.task, whole.rank, pooled.task, pooled.rank) == ("recipe_mpr", 1, "recipe_mpr_folds", None)
    assert "same items and same settings" in pooled.reason


@pytest.mark.real_data
def test_missing_folds_make_no_row(tmp_path):
    for k in (0, 1, 2, 4):
        run_files(tmp_path / f"f{k}", f"recipe_mpr_fold{k}", date=float(k))
    rows = rows_of(tmp_path)
    assert [(row.rank, row.status) for row in rows] == [(None, "excluded")] * 4
    assert all("folds missing: recipe_mpr_fold3" in row.reason for row in rows)
