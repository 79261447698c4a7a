"""Run a baseline as an lm-eval model: `--model recipe-mpr-baseline --model_args kind=NAME`."""

from collections.abc import Sequence
from typing import Any

from recipe_mpr_task.baselines import BASELINES, Scores, corpus_name
from recipe_mpr_task.errors import ModelArgsError
from recipe_mpr_task.models.option_scorer import OptionScorerLM, Question, reject_unknown, score_in_groups
from recipe_mpr_task.suggest import did_you_mean


class BaselineLM(OptionScorerLM):
    """A baseline without trained parameters, as an lm-eval model.

    Args:
        kind: name of the baseline, a key of `baselines.BASELINES`.
        seed: seed of the baseline `random`. With equal seeds, an option's score does not depend on the order of items
            or options.
        batch_size: passed by lm-eval and ignored, like `max_batch_size` and `device`.
        max_batch_size: ignored.
        device: ignored.

    Raises:
        ModelArgsError: `kind` or the name of an argument is unknown.
    """

    scores_options_as = "recipe-mpr-baseline"
    never_trained = True

    def __init__(
        self,
        kind: str = "",
        seed: int = 0,
        batch_size: Any = None,
        max_batch_size: Any = None,
        device: Any = None,
        **unknown: Any,
    ) -> None:
        super().__init__()
        reject_unknown(unknown, allowed=("kind", "seed"))
        if kind not in BASELINES:
            raise ModelArgsError(f"kind={kind!r}; allowed: {', '.join(BASELINES)}{did_you_mean(kind, BASELINES)}")
        self.kind, self.seed = kind, seed

    def score_questions(self, questions: Sequence[Question]) -> Scores:
        """Return one list of option scores per question. Questions with equal `corpus_name` are scored together."""
        return score_in_groups(questions, corpus_name, lambda group: BASELINES[self.kind].score(group, self.seed))

    def get_model_info(self) -> dict[str, Any]:
        """Return the fields about the model that lm-eval writes into its results."""
        return {"model_num_parameters": 0, "model_sha": f"{self.kind}:{self.seed}"}
