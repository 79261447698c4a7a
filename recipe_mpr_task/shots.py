"""Draw few-shot examples (shots) for each scored item.

An item gets the same shots with `--limit`, with `--samples` and in any number of processes. With lm-eval's own sampler,
an item's shots would change, because the sampler draws the shots of all items from one random stream.
"""

from collections.abc import Sequence
from typing import Any

from lm_eval.api.samplers import ContextSampler

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.shot_selection import Record, are_related, even_letters, may_show


class OtherFoldShots(ContextSampler):
    """Draw shots from the four CV folds that do not contain the scored item."""

    pool_description = "the other four CV folds"
    split = "all"
    """Value of `split` for `shot_selection.may_show`. All splits except `published` allow the same shots."""

    def __init__(self, df: Sequence[Record] | None = None, *, rnd: int | None = None, **kwargs: Any) -> None:
        super().__init__(df, rnd=rnd, **kwargs)
        self._seed = rnd

    def set_rnd(self, rnd: int | None) -> "OtherFoldShots":
        """Set the few-shot seed, which is the fourth value of lm-eval's `--seed`."""
        self._seed = rnd
        return self

    def sample(
        self, n: int, eval_doc: Record | None = None, df: Sequence[Record] | None = None, **_: Any
    ) -> list[Record]:
        """Draw `n` shots for a scored item. The shots' gold letters are spread as evenly as the pool allows.

        No shot has the scored item's gold recipe among its options, because the shot would hint at the answer. For the
        same reason, no shot's gold recipe is among the scored item's options.

        Args:
            n: number of shots.
            eval_doc: the scored item's document.
            df: documents to draw from; None for the sampler's own documents.

        Raises:
            RecipeMPRError: fewer than `n` items are allowed as shots, or lm-eval passed no scored item.
        """
        if n == 0:
            return []
        if eval_doc is None:
            raise RecipeMPRError(
                "lm-eval passed no scored item to the shot sampler; use the fewshot_config of the recipe_mpr tasks"
            )
        shots = [shot for shot in (df or self.df) if may_show(self.split, shot["item_id"], eval_doc["item_id"])]
        pool = [shot for shot in shots if not are_related(shot, eval_doc)]
        if n > len(pool):
            raise RecipeMPRError(
                f"num_fewshot {n} is too many for item {eval_doc['item_id']}; allowed: 0 to {len(pool)}, from "
                f"{self.pool_description}"
            )
        return even_letters(pool, n, eval_doc, self._seed)


class TrainPartShots(OtherFoldShots):
    """Draw shots from the training part of the published split."""

    pool_description = "the published training part"
    split = "published"
