"""A run while it is checked (`Case`), and with its verdict (`VerifiedRun`), which ranking takes."""

from dataclasses import dataclass
from functools import cached_property

from leaderboard.load.schema import Run
from leaderboard.verify.items import ItemResult, item_result
from leaderboard.verify.statuses import StatusName
from leaderboard.verify.surroundings import Surroundings, surroundings
from recipe_mpr_task.task_specs import TaskSpec, task_spec


@dataclass(frozen=True)
class Case:
    """A run and what checks need to know of it, each computed once, when a check asks for it."""

    run: Run

    @cached_property
    def spec(self) -> TaskSpec:
        """The run's task; the task is one of this release."""
        return task_spec(self.run.task)

    @cached_property
    def items(self) -> tuple[ItemResult, ...]:
        """The items computed anew; the documents are genuine."""
        return tuple(item_result(sample, self.spec) for sample in self.run.items)

    @cached_property
    def around(self) -> Surroundings:
        """The texts around the prompts; the documents are genuine."""
        return surroundings(self.run, self.spec)


@dataclass(frozen=True)
class VerifiedRun:
    """A run with its status.

    Attributes:
        items: the items whose numbers can be believed; empty if the run's documents are not genuine.
        reason: why the run has its status.
        flags: notes for a reader, which leave the rank as it is.
        around: the text around the prompts, see `surroundings.Surroundings.as_text`; "" if it is not known.
    """

    run: Run
    items: tuple[ItemResult, ...]
    status: StatusName
    reason: str
    flags: tuple[str, ...] = ()
    around: str = ""

    @property
    def unseen_items(self) -> tuple[ItemResult, ...]:
        """The items known to be neither trained nor validated on."""
        return tuple(item for item in self.items if item.seen == 0)
