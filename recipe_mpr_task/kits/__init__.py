"""Write folders that add Recipe-MPR to other projects. Each folder works without this package.

- `upstream`: the tasks in lm-eval's format, for a pull request to lm-eval.
- `hub`: the dataset for the Hugging Face Hub, also read by Inspect and EuroEval. `push` uploads this folder.
- `bundle`: copies functions of this package into the kit's source text, so that kit and package have equal functions.
- `folder`: writes a kit's files.
"""

from recipe_mpr_task.errors import RecipeMPRError

BENCHMARK_TASKS = ("recipe_mpr",)
"""Ids of the tasks in the hub kit's `eval.yaml`. The Hub accepts a score in `.eval_results` only for these tasks."""


def checked_id(name: str) -> str:
    """Return the name unchanged if it can be the id of a dataset on the Hub, OWNER/NAME.

    Raises:
        RecipeMPRError: the name has another form.
    """
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise RecipeMPRError(f"{name!r} is not a dataset id ({error}); allowed: OWNER/NAME") from None
    if name.count("/") != 1:
        raise RecipeMPRError(f"{name!r} is not a dataset id; allowed: OWNER/NAME, such as my-team/recipe-mpr")
    return name
