"""Run the baselines as an lm-eval model: `--model recipe-mpr-baseline --model_args kind=NAME`."""

from collections.abc import Sequence
from typing import Any

from recipe_mpr_task.baselines import BASELINES, Scores, corpus_name
from recipe_mpr_task.errors import ModelArgsError
from recipe_mpr_task.models.option_scorer import OptionScorerLM, Question, reject_unknown, score_in_groups
from recipe_mpr_task.suggest import did_you_mean


class BaselineLM(OptionScorerLM):
    """A model without parameters.

    Args:
        kind: a name of `baselines.BASELINES`.
        seed: seed of `random`, which draws by item and option, independent of their order.
        batch_size, max_batch_size, device: passed by lm-eval and ignored.

    Raises:
        ModelArgsError: unknown kind or argument.
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
        """Score every option, each dataset's questions separately; see `OptionScorerLM.score_questions`."""
        return score_in_groups(questions, corpus_name, lambda group: BASELINES[self.kind].score(group, self.seed))

    def get_model_info(self) -> dict[str, Any]:
        """Return the fields that lm-eval records of the model."""
        return {"model_num_parameters": 0, "model_sha": f"{self.kind}:{self.seed}"}
