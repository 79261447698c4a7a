"""Define `Case`, a run that is being checked, and `VerifiedRun`, a checked run for ranking."""

from dataclasses import dataclass
from functools import cached_property

from leaderboard.load.option_scores import scale_of
from leaderboard.load.run import Run
from leaderboard.verify.items import ItemResult, item_results
from leaderboard.verify.statuses import StatusName
from leaderboard.verify.surroundings import Surroundings, surroundings
from recipe_mpr_task.task_specs import TaskSpec, task_spec


@dataclass(frozen=True)
class Case:
    """A run that is being checked. Values that several checks need are computed once, on first use."""

    run: Run

    @cached_property
    def spec(self) -> TaskSpec:
        """The spec of the run's task. The task must be one of this release."""
        return task_spec(self.run.task)

    @cached_property
    def items(self) -> tuple[ItemResult, ...]:
        """The recomputed items. The run's documents must be from the dataset."""
        scale = scale_of([sample.scores for sample in self.run.items if sample.scores is not None])
        return item_results(self.run.items, self.spec, scale)

    @cached_property
    def around(self) -> Surroundings:
        """The texts around the prompts, such as a chat template, a system text or a description.

        The run's documents must be from the dataset.
        """
        return surroundings(self.run, self.spec)


@dataclass(frozen=True)
class VerifiedRun:
    """A checked run with its status.

    Attributes:
        items: the recomputed items; empty if a check found the run unreadable.
        reason: why the run has its status.
        flags: notes for readers. The notes do not change the rank.
        around: the text around the prompts, with placeholders for prompts and answers; "" if unknown.
    """

    run: Run
    items: tuple[ItemResult, ...]
    status: StatusName
    reason: str
    flags: tuple[str, ...] = ()
    around: str = ""
