"""Define the interface for running groups of cells, on this machine (`local`) or a Ray cluster (`ray_cluster`)."""

import queue
from abc import ABC, abstractmethod
from dataclasses import dataclass

from leaderboard.sweep.messages import ENDED, Event, GroupOrder
from leaderboard.sweep.models import Model


@dataclass(frozen=True)
class Needs:
    """The resources of a running group: a number of GPUs, and bytes of main memory (0 if unknown)."""

    gpus: int
    memory: int


class Executor(ABC):
    """Run groups of cells. The threads of a subclass put the groups' events into `_events`."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[int, Event]] = queue.Queue()

    @property
    @abstractmethod
    def slots(self) -> int:
        """Number of groups that can run at the same time."""

    @abstractmethod
    def needs(self, model: Model) -> Needs:
        """Return the resources that a group of this model needs."""

    @abstractmethod
    def never_fits(self, needs: Needs) -> str | None:
        """Return why a group with these needs can never run on this executor; None if it can."""

    @abstractmethod
    def start(self, key: int, order: GroupOrder, needs: Needs) -> bool:
        """Start a group and return True. If resources are in use now, do nothing and return False."""

    def event(self, timeout: float) -> tuple[int, Event] | None:
        """Return (key of the group, event) for the next event; None if no event arrives in `timeout` seconds."""
        try:
            key, event = self._events.get(timeout=timeout)
        except queue.Empty:
            return None
        if event.kind == ENDED:
            self._end(key)
        return key, event

    @abstractmethod
    def _end(self, key: int) -> None:
        """Free the resources of a group that has ended."""

    @abstractmethod
    def stop(self) -> None:
        """Stop all groups immediately."""
