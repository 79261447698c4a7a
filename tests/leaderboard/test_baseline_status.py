"""Conditions for a run to be accepted as a baseline. A baseline must not be the best of many tries."""

import pytest

from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.models.baselines import BaselineLM
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render, template
from recipe_mpr_task.task import record_of
from tests.support.fake_runs import rows_of, run_files
from tests.support.requests import requests_of
from tests.support.run_edits import both, config, each

SAMPLE = "recipe_mpr_sample"


def scored_by(kind, nudge=lambda _doc, row: row, **arguments):
    """Log the scores of a baseline as a run's, each row changed by `nudge(document, row)`."""

    def edit(samples):
        answers = BaselineLM(kind=kind, **arguments).loglikelihood(requests_of([s["doc"] for s in samples]))
        for n, sample in enumerate(samples):
            gold = sample["doc"]["gold"]
            row = nudge(sample["doc"], [score for score, _ in answers[5 * n : 5 * n + 5]])
            best = [score == max(row) for score in row]
            sample.update(filtered_resps=[[str(score), "False"] for score in row], acc=best[gold] / sum(best))

    return edit


def baseline(folder, kind, task=SAMPLE, nudge=lambda _doc, row: row, recorded=None, **arguments):
    """Write a baseline's run; return its row."""
    total = lambda results: results["results"][task].update({"acc,none": sum(accuracies) / len(accuracies)})  # noqa: E731
    accuracies = []
    count = lambda samples: accuracies.extend(s["acc"] for s in samples)  # noqa: E731
    run_files(
        folder, task, model="recipe-mpr-baseline",
        edit_samples=both(scored_by(kind, nudge, **arguments), count),
        edit_results=both(config(model_args=recorded or {"kind": kind, **arguments}), total),
    )  # fmt: skip
    (row,) = rows_of(folder)
    return row


@pytest.mark.honest
@pytest.mark.parametrize("kind", list(BASELINES))
@pytest.mark.parametrize("more", [{}, {"seed": 0}, {"batch_size": 8, "device": "cpu"}])
def test_a_baseline_with_the_committed_arguments_is_clean(kind, more, tmp_path):
    row = baseline(tmp_path, kind, recorded={"kind": kind, **more})
    assert (row.status, row.reason, row.rank, row.flags) == ("clean", "never trained", 1, ())


@pytest.mark.exploit
def test_the_luckiest_of_many_seeds_is_no_baseline(tmp_path):
    """Of a hundred seeds the best has a third of the sample's items right."""
    rows = [record_of(display(item, "shuffled")) for item in load_sample()]

    def n_right(seed):
        answers = BaselineLM(kind="random", seed=seed).loglikelihood(requests_of(rows))
        best = (max(range(5), key=lambda k, n=n: answers[5 * n + k]) for n in range(len(rows)))
        return sum(k == row["gold"] for k, row in zip(best, rows, strict=True))

    seed = max(range(1, 100), key=n_right)
    lucky = baseline(tmp_path / "lucky", "random", seed=seed)
    assert lucky.score.acc > 0.3
    assert (lucky.status, lucky.rank) == ("excluded", None)
    assert "baseline random is accepted only with seed=0" in lucky.reason
    hidden = baseline(tmp_path / "hidden", "random", seed=seed, recorded={"kind": "random"})
    assert (hidden.status, hidden.rank) == ("excluded", None)
    assert "its scores differ" in hidden.reason


@pytest.mark.exploit
@pytest.mark.real_data
def test_ties_broken_for_the_right_option_are_no_baseline(tmp_path):
    """A millionth more for the right option: within the tolerance of rounding, and a third more right."""

    def for_gold(doc, row):
        row[doc["gold"]] += 1e-6
        return row

    honest = baseline(tmp_path / "honest", "tfidf", "recipe_mpr")
    cheat = baseline(tmp_path / "cheat", "tfidf", "recipe_mpr", nudge=for_gold)
    assert (honest.status, honest.score.acc < 0.2, cheat.score.acc > 0.25) == ("clean", True, True)
    assert (cheat.status, cheat.rank) == ("excluded", None)
    assert "its scores differ" in cheat.reason


@pytest.mark.exploit
@pytest.mark.parametrize("more", [{"seed": "0.0"}, {"seed": True}, {"pretrained": "org/m"}, {"stop_words": "none"}])
def test_other_arguments_are_named(more, tmp_path):
    row = baseline(tmp_path, "tfidf", recorded={"kind": "tfidf", **more})
    assert (row.status, row.rank) == ("excluded", None)
    assert f"also given: {next(iter(more))}" in row.reason


@pytest.mark.exploit
@pytest.mark.real_data
def test_without_the_query_word_scores_say_nothing(tmp_path):
    """The scores of the full task on the task that withholds the query."""

    def renamed(folder):
        (results,) = folder.glob("results_*")
        results.write_text(results.read_text().replace('"recipe_mpr"', '"recipe_mpr_options_only"'))
        (samples,) = folder.glob("samples_*")
        samples.rename(folder / samples.name.replace("samples_recipe_mpr_", "samples_recipe_mpr_options_only_"))

    asked = each(lambda s: [r.update(arg_0=render("options_only", s["doc"])) for r in s["arguments"].values()])
    run_files(
        tmp_path, "recipe_mpr", model="recipe-mpr-baseline", prompt=template("options_only"),
        edit_samples=both(scored_by("tfidf"), asked), edit_results=config(model_args={"kind": "tfidf"}),
    )  # fmt: skip
    renamed(tmp_path)
    (row,) = rows_of(tmp_path)
    assert (row.status, row.rank) == ("excluded", None)
    assert "its scores differ" in row.reason
