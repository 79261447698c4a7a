"""The baseline adapter: the scores of each kind, hidden queries, refused arguments."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.load.record import SUFFIX, read_record
from leaderboard.verify.forensics import RESULTS
from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.circular import rotated
from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.errors import ModelArgsError, RecipeMPRError
from recipe_mpr_task.models.baselines import BaselineLM
from recipe_mpr_task.models.option_scorer import log_softmax
from recipe_mpr_task.orders import display
from recipe_mpr_task.scoring import fair_accuracy
from recipe_mpr_task.task import record_of
from tests.support.commands import run_python
from tests.support.requests import requests_of


def accuracies(kind, items, order="shuffled", **arguments):
    records = [record_of(display(item, order)) for item in items]
    answers = BaselineLM(kind=kind, **arguments).loglikelihood(requests_of(records))
    assert not any(greedy for _, greedy in answers)
    return [
        fair_accuracy([ll for ll, _ in answers[5 * n : 5 * n + 5]], record["gold"]) for n, record in enumerate(records)
    ]


@pytest.mark.parametrize("kind", list(BASELINES))
def test_no_baseline_does_well_on_the_sample(kind):
    scored = accuracies(kind, load_sample())
    assert math.fsum(scored) / 60 <= 0.45
    if kind == "first":
        assert math.fsum(scored) == 12


@pytest.mark.parametrize("kind", [kind for kind in BASELINES if kind != "first"])
def test_only_first_can_see_the_order(kind):
    items = load_sample()
    assert accuracies(kind, items) == accuracies(kind, items, "file")


@pytest.mark.real_data
@pytest.mark.parametrize("kind", [kind for kind in BASELINES if kind != "first"])
def test_only_first_can_see_the_real_order(kind):
    assert accuracies(kind, load_items()) == accuracies(kind, load_items(), "file")


@pytest.mark.parametrize("kind", list(BASELINES))
def test_an_item_scores_the_same_alone_and_among_others(kind):
    items = load_sample()
    assert accuracies(kind, items[7:8]) == accuracies(kind, items)[7:8]


def test_random_depends_on_its_seed():
    assert accuracies("random", load_sample(), seed=1) != accuracies("random", load_sample(), seed=2)


@pytest.mark.real_data
@pytest.mark.parametrize(("kind", "accuracy"), [("tfidf", 0.1928), ("longest", 0.237), ("first", 0.2)])
def test_floors_of_the_real_data(kind, accuracy):
    assert math.fsum(accuracies(kind, load_items())) / 500 == pytest.approx(accuracy, abs=5e-5)


def test_other_multiple_choice_tasks_are_scored_from_their_texts():
    question = [
        SimpleNamespace(task_name="x", doc_id=0, doc={"q": 1}, idx=k, args=("Name a stew.", text))
        for k, text in enumerate([" a cup", " a stew of beef", " bread"])
    ]
    answers = [ll for ll, _ in BaselineLM(kind="tfidf").loglikelihood(question)]
    assert answers[1] == max(answers)
    assert math.fsum(map(math.exp, answers)) == pytest.approx(1)


def test_a_single_continuation_is_no_choice():
    request = SimpleNamespace(task_name="x", doc_id=0, doc={"q": 1}, idx=0, args=("The last word is", " stew"))
    with pytest.raises(RecipeMPRError, match="single text"):
        BaselineLM(kind="longest").loglikelihood([request])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "tfdif"}, r"kind='tfdif'; allowed: .*did you mean tfidf\?"),
        ({}, "kind=''; allowed: random, first"),
        ({"kind": "first", "sede": 1}, r"unknown model argument 'sede'.*did you mean seed\?"),
    ],
)
def test_bad_arguments_say_what_is_allowed(arguments, message):
    with pytest.raises(ModelArgsError, match=message):
        BaselineLM(**arguments)


@pytest.mark.parametrize("method", ["generate_until", "loglikelihood_rolling"])
def test_other_requests_are_refused(method):
    with pytest.raises(RecipeMPRError, match="multiple_choice"):
        getattr(BaselineLM(kind="first"), method)([])


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=6))
def test_log_softmax_is_a_distribution_that_keeps_ties(scores):
    logs = log_softmax(scores)
    assert math.fsum(map(math.exp, logs)) == pytest.approx(1)
    assert (logs[0] == logs[1]) or scores[0] != scores[1]


@pytest.mark.honest
@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["tfidf", "bm25"])
def test_an_item_scores_the_same_whatever_tasks_share_the_run(kind):
    """Words are counted on each question's own dataset, a foreign task's on that task."""
    real = requests_of([record_of(display(item, "shuffled")) for item in load_items()[:9]], "recipe_mpr")
    sample = requests_of([record_of(display(item, "shuffled")) for item in load_sample()[:9]], "recipe_mpr_sample")
    foreign = [
        [SimpleNamespace(task_name=name, doc_id=0, doc={"q": 1}, idx=k, args=("A stew with lentils?", text))
         for k, text in enumerate(texts)]
        for name, texts in (("x", [" lentil stew", " stew", " bread"]), ("y", [" stew of lentils", " cake", " stew"]))
    ]  # fmt: skip
    runs = [real, sample, *foreign]
    together = BaselineLM(kind=kind).loglikelihood([request for run in runs for request in run])
    assert together == [answer for run in runs for answer in BaselineLM(kind=kind).loglikelihood(run)]


@pytest.mark.parametrize("kind", ["tfidf", "bm25"])
def test_a_query_that_the_task_withholds_is_not_read_and_old_documents_show_theirs(kind):
    records = [record_of(display(item, "shuffled")) for item in load_sample()]
    scores = BaselineLM(kind=kind).loglikelihood(requests_of(records))
    assert BaselineLM(kind=kind).loglikelihood(requests_of([r | {"query_shown": False} for r in records])) != scores
    old = [{key: value for key, value in record.items() if key != "query_shown"} for record in records]
    assert BaselineLM(kind=kind).loglikelihood(requests_of(old)) == scores


@pytest.mark.honest
@pytest.mark.real_data
@pytest.mark.parametrize("record", sorted((RESULTS / "untrained").glob(f"*{SUFFIX}")), ids=lambda path: path.name)
def test_the_committed_scores_are_what_the_baselines_score_today(record):
    run = read_record(record)
    if run.config.model != "recipe-mpr-baseline":
        pytest.skip("not of a baseline")
    items = load_sample() if run.task == "recipe_mpr_sample" else load_items()
    scored = math.fsum(accuracies(run.args.text("kind"), items))
    assert scored / len(items) == pytest.approx(run.results.metrics["acc,none"], abs=1e-12)


def test_the_registry_is_read_without_torch_lm_eval_or_numpy():
    heavy = "sorted({'torch', 'lm_eval', 'numpy'} & sys.modules.keys())"
    done = run_python("-c", f"import sys, recipe_mpr_task.baselines; print({heavy})")
    assert done.stdout.strip() == "[]", done.stderr


def test_what_the_registry_says_of_each_baseline_is_so():
    records = [record_of(display(item, "shuffled")) for item in load_sample()]
    without_query = [record | {"query": ""} for record in records]
    turned = [rotated(record, 2) for record in records]
    for kind, baseline in BASELINES.items():
        scores = BaselineLM(kind=kind).loglikelihood(requests_of(records))
        blind = BaselineLM(kind=kind).loglikelihood(requests_of(without_query))
        assert baseline.reads_query == (blind != scores) == (len(set(blind)) == 1), kind
        assert baseline.by_position == (BaselineLM(kind=kind).loglikelihood(requests_of(turned)) == scores), kind
        assert baseline.help.endswith(".")
