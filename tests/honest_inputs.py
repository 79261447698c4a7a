"""Honest inputs: predictions as people have them, and baselines that share their run with other tasks."""

import random

import lm_eval
import lm_eval.evaluator
import lm_eval.models
import lm_eval.tasks.manager
from lm_eval.loggers import EvaluationTracker

from leaderboard.load.records import SUFFIX, read_record
from leaderboard.validate.baselines import RESULTS
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.orders import display
from recipe_mpr_task.plugin import activate_all
from tests.honest_cases import Honest
from tests.prediction_files import drawn, imported, in_file_order, predictions

SYSTEM = "org/system"
ACC = 48 / 60


def right(number):
    """Four of five are right: 48 of the sample's 60."""
    return number % 5 > 0


def of_import(what, order_of, *tells, order=None, flags=(), edit=lambda lines: lines):
    """A file of predictions of which 48 of 60 are right."""

    def build(folder):
        assert imported(folder, edit(predictions(order_of, right, tells)), SYSTEM, order) is None

    def check(table):
        (row,) = table.rows
        assert (row.system, row.status, row.rank, row.score.acc) == (SYSTEM, "unknown", 1, ACC)
        assert [flag[: len(start)] for flag, start in zip(row.flags, flags, strict=True)] == list(flags)
        wrong = [item for item in row.items if not item.accuracy]
        known = [item for item in wrong if item.chosen and item.gold not in item.chosen]
        assert len(known) == (0 if flags else len(wrong)), "which wrong options were chosen, where that is told"

    return Honest(what, build, check)


def in_shuffled_order(item, _number):
    return [option.recipe_id for option in display(item, "shuffled").options]


def with_the_datasets_own_options(lines):
    """The record of the dataset beside each answer: an object from recipe id to text, which is no order."""
    raw = {item.item_id: {option.recipe_id: option.text for option in item.options} for item in load_sample()}
    return [{key: line[key] for key in ("item_id", "option_id")} | {"options": raw[line["item_id"]]} for line in lines]


def in_any_sequence(lines):
    random.Random(0).shuffle(lines)
    return lines


def evaluated(folder, kind, tasks):
    """Run a baseline on tasks together, in process, and write what lm-eval writes."""
    activate_all((lm_eval.models, lm_eval.tasks.manager, lm_eval.evaluator), skip_builtin_tasks=False)
    manager = lm_eval.tasks.manager.TaskManager(include_defaults=False)
    results = lm_eval.simple_evaluate(
        "recipe-mpr-baseline", model_args={"kind": kind}, tasks=tasks, task_manager=manager, bootstrap_iters=0
    )
    samples = results.pop("samples")
    tracker = EvaluationTracker(output_path=str(folder / kind))
    tracker.general_config_tracker.log_experiment_args("recipe-mpr-baseline", f"kind={kind}", None, None, False)
    tracker.save_results_aggregated(results=results, samples=samples)
    for task, logged in samples.items():
        tracker.save_results_samples(task_name=task, samples=logged)


def baselines_in_company(folder):
    for kind in ("bm25", "tfidf"):
        evaluated(folder, kind, ["recipe_mpr", "recipe_mpr_sample"])


def score_as_committed(table):
    committed = {}
    for path in (RESULTS / "untrained").glob(f"*{SUFFIX}"):
        task, results, _ = read_record(path)
        committed[results["config"]["model_args"].get("kind"), task] = results["results"][task]["acc,none"]
    assert len(table.rows) == 4
    for row in table.rows:
        assert (row.status, row.flags) == ("clean", ())
        assert abs(row.score.acc - committed[row.system, row.task]) < 1e-12


def baselines_on_other_tasks(folder):
    tasks = ["recipe_mpr_options_only", "recipe_mpr_circular", "recipe_mpr_prompts", "recipe_mpr_folds"]
    evaluated(folder, "bm25", [*tasks, "recipe_mpr_test"])


def are_all_clean(table):
    boards = ("recipe_mpr", "recipe_mpr_test", "recipe_mpr_options_only", "recipe_mpr_circular", "recipe_mpr_prompts")
    clean = sorted((row.board, row.system) for row in table.rows if row.status == "clean" and not row.flags)
    assert clean == sorted((board, "bm25") for board in boards), clean


UNREAD = ("which wrong options it chose is not told (12 items)",)

HONEST = {
    "letters_with_recipe_ids_as_shown": of_import("Letters, and the ids in an order of its own", drawn, "options"),
    "letters_with_texts_as_shown": of_import("Letters, and the texts as shown", drawn, "texts"),
    "letters_with_texts_by_letter": of_import("Letters, and an object from letter to text", drawn, "by_letter"),
    "letters_with_the_right_letter": of_import(
        "Letters, and the right one's: which wrong ones were chosen stays open", drawn, "gold_letter", flags=UNREAD
    ),
    "letters_of_our_order": of_import(
        "Letters of the shuffled order, as the right one's letter bears out", in_shuffled_order, "gold_letter",
        order="shuffled",
    ),
    "ids_beside_letters_that_agree": of_import("Ids, letters and lists that agree", drawn, "option_id", "options"),
    "ids_beside_right_letters_that_agree": of_import("Ids and the right letter", drawn, "option_id", "gold_letter"),
    "ids_beside_the_datasets_record": of_import(
        "Ids, with the dataset's own record of the item left in", in_file_order, "option_id",
        order="shuffled", edit=with_the_datasets_own_options,
    ),
    "lines_in_any_sequence": of_import("The same lines in another sequence", drawn, "texts", edit=in_any_sequence),
    "baselines_that_share_their_run": Honest(
        "bm25 and tfidf on the 500 and the sample in one run", baselines_in_company, score_as_committed
    ),
    "baselines_on_other_tasks": Honest(
        "Baselines on tasks whose scores are known without a record of their own", baselines_on_other_tasks,
        are_all_clean,
    ),
}  # fmt: skip
