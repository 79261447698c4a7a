"""Draw few-shot examples for each scored item, the same with `--limit`, `--samples` and any number of processes.

lm-eval's own sampler uses one random stream for all documents, so an item's shots depend on the items before it.
"""

from collections.abc import Sequence
from typing import Any

from lm_eval.api.samplers import ContextSampler

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.shot_selection import Record, are_related, even_letters, may_show


class OtherFoldShots(ContextSampler):
    """Draw shots from the four CV folds that do not hold the scored item."""

    pool_description = "the other four CV folds"
    split = "all"
    """A split with the same pool, for `shot_selection.may_show`."""

    def __init__(self, df: Sequence[Record] | None = None, *, rnd: int | None = None, **kwargs: Any) -> None:
        super().__init__(df, rnd=rnd, **kwargs)
        self._seed = rnd

    def set_rnd(self, rnd: int | None) -> "OtherFoldShots":
        """Set lm-eval's few-shot seed (`--seed`, fourth value)."""
        self._seed = rnd
        return self

    def sample(
        self, n: int, eval_doc: Record | None = None, df: Sequence[Record] | None = None, **_: Any
    ) -> list[Record]:
        """Draw `n` shots for `eval_doc`, their gold letters as even as the pool allows.

        A shot never shows the scored item's gold recipe. Its own gold recipe is never among the
        scored item's options. Either would hint at the answer.

        Raises:
            RecipeMPRError: the pool holds fewer than `n` items, or lm-eval passed no scored item.
        """
        if n == 0:
            return []
        if eval_doc is None:
            raise RecipeMPRError("shots need the scored item; use the recipe_mpr tasks' own fewshot_config")
        shots = [shot for shot in (df or self.df) if may_show(self.split, shot["item_id"], eval_doc["item_id"])]
        pool = [shot for shot in shots if not are_related(shot, eval_doc)]
        if n > len(pool):
            raise RecipeMPRError(
                f"num_fewshot {n}; {eval_doc['item_id']} allows 0 to {len(pool)} ({self.pool_description})"
            )
        return even_letters(pool, n, eval_doc, self._seed)


class TrainPartShots(OtherFoldShots):
    """Draw shots from the training part of the published split."""

    pool_description = "the published training part"
    split = "published"
