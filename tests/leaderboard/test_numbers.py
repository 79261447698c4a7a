"""Numbers over several items, rows or folds, each against a short independent computation."""

from dataclasses import replace
from statistics import fmean, median, stdev

import pytest
from scipy.stats import binomtest

from leaderboard.collect import read_rows
from leaderboard.load.record import record_of, write_record
from leaderboard.rank.boards import build_boards
from leaderboard.rank.pooling import POOLS, pool
from recipe_mpr_task.manifest import TRAINING_KEY
from tests.support.fake_runs import rows_of, run_files, run_in

SKILLS = {"org/a": 0.9, "org/b": 0.6, "org/c": 0.4, "org/d": 0.2}


@pytest.fixture
def board(tmp_path):
    """Accuracies by system, and the board made of the same runs."""
    accs = {
        name: [s["acc"] for s in run_files(tmp_path / name, name=name, skill=skill, seed=seed)]
        for seed, (name, skill) in enumerate(SKILLS.items())
    }
    (board,) = [b for b in build_boards(read_rows([tmp_path])[0]) if b.key == "recipe_mpr_sample"]
    assert [row.system for row in board.rows] == list(SKILLS)
    return accs, board


def mcnemar(a, b):
    wins, losses = (sum(x > y for x, y in zip(*pair, strict=True)) for pair in ((a, b), (b, a)))
    return binomtest(wins, wins + losses).pvalue


def holm(p):
    """Holm (1979), by its definition."""
    corrected, highest = {}, 0.0
    for k, key in enumerate(sorted(p, key=p.get)):
        corrected[key] = highest = max(highest, min(1.0, (len(p) - k) * p[key]))
    return corrected


def test_pairs_are_corrected_over_the_matrix_and_rows_over_the_leader(board):
    accs, made = board
    columns = list(accs.values())
    pairs = {(i, j): mcnemar(columns[i], columns[j]) for i in range(4) for j in range(i + 1, 4)}
    for (i, j), p in holm(pairs).items():
        assert made.matrix.p_holm[i][j] == made.matrix.p_holm[j][i] == pytest.approx(p, abs=1e-8)
        assert made.matrix.difference[i][j] == pytest.approx(fmean(columns[i]) - fmean(columns[j]), abs=1e-8)
    against = holm({j: pairs[0, j] for j in range(1, 4)})
    assert [row.against_leader.p_holm for row in made.rows[1:]] == pytest.approx(
        [against[j] for j in range(1, 4)], abs=1e-8
    )
    assert [row.is_tied for row in made.rows[1:]] == [against[j] >= 0.05 for j in range(1, 4)]


def test_what_can_be_detected_goes_by_the_median_discordance_with_the_leader(board):
    accs, made = board
    leader, *others = accs.values()
    discordances = [fmean(x != y for x, y in zip(leader, other, strict=True)) for other in others]
    assert len(set(discordances)) == 3
    assert made.detectable["all"] == pytest.approx((1.959964 + 0.841621) * (median(discordances) / 60) ** 0.5, abs=1e-6)


def test_the_position_profile_counts_answers_and_hits_by_letter(tmp_path):
    samples = run_files(tmp_path, skill=0.5)
    (row,) = rows_of(tmp_path)
    scores = [[float(score) for score, _ in s["filtered_resps"]] for s in samples]
    answers = [five.index(max(five)) for five in scores]
    golds = [s["doc"]["gold"] for s in samples]
    for k in range(5):
        right = [a == g for a, g in zip(answers, golds, strict=True) if g == k]
        assert row.position.answers[k] == pytest.approx(answers.count(k) / 60, abs=1e-4)
        assert row.position.recall[k] == pytest.approx(fmean(right), abs=1e-4)


@pytest.mark.real_data
def test_folds_give_their_spread_and_their_mean_curve(tmp_path):
    accs = []
    for k in range(5):
        history = [{"step": 1, "loss": 2.0 + k}, {"step": 2, "loss": 1.0 * k}, {"step": 3 + k, "loss": 9.0}]
        edit = lambda r, k=k, history=history: r.update(  # noqa: E731
            {TRAINING_KEY: {"system": "s", "split": f"fold{k}", "history": history}}
        )
        samples = run_files(tmp_path / f"f{k}", f"recipe_mpr_fold{k}", skill=k / 5, date=float(k), edit_results=edit)
        accs.append(fmean(s["acc"] for s in samples))
    (row,) = rows_of(tmp_path)
    assert list(row.spread.accs.values()) == pytest.approx(accs)
    assert row.spread.sd == pytest.approx(stdev(accs))
    assert row.curve == ({"step": 1, "loss": 4.0}, {"step": 2, "loss": 2.0})


@pytest.mark.real_data
def test_pooled_folds_are_as_doubtful_as_the_most_doubtful(tmp_path):
    for k in range(5):
        run_files(tmp_path / f"f{k}", f"recipe_mpr_fold{k}", date=float(k))
    rows, _ = read_rows([tmp_path])
    for doubtful in range(5):
        mixed = [replace(row, status="unknown" if k == doubtful else "clean") for k, row in enumerate(rows)]
        assert [row.status for row in pool(POOLS[0], mixed)] == ["unknown"]
    (row,) = pool(POOLS[0], [replace(row, status="clean") for row in rows])
    assert row.status == "clean"


@pytest.mark.real_data
def test_prompts_share_one_training_and_are_as_well_evidenced_as_the_weakest(tmp_path):
    training = {TRAINING_KEY: {"system": "s", "wall_time_s": 10.0, "samples_per_second": 2.0}}
    run_files(tmp_path, "recipe_mpr", edit_results=lambda results: results.update(training))
    rows = [replace(read_rows([tmp_path])[0][0], task=task, board=task) for task in POOLS[1].tasks]
    (row,) = pool(POOLS[1], rows)
    assert (row.training.wall_time_s, row.cost.train_seconds, row.evidence) == (10.0, 10.0, "run here")
    (row,) = pool(POOLS[1], [replace(rows[0], evidence="recounted"), *rows[1:]])
    assert row.evidence == "recounted"


def test_a_run_and_its_record_count_once(tmp_path):
    run_files(tmp_path / "run")
    run = run_in(tmp_path / "run")
    write_record(record_of(run), tmp_path / "a.record.json")
    first, second = rows_of(tmp_path)
    assert (first.rank, first.flags, second.rank) == (1, (), None)
    assert "repeat of" in second.reason
