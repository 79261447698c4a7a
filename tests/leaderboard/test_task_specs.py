"""What the leaderboard reads from the task files."""

from recipe_mpr_task.task_specs import held_out_tasks


def test_every_training_split_has_the_task_that_scores_what_it_holds_out():
    folds = {f"fold{k}": f"recipe_mpr_fold{k}" for k in range(5)}
    assert held_out_tasks() == {"published": "recipe_mpr_test", **folds, "sample": "recipe_mpr_sample"}
