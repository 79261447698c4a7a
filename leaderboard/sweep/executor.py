"""Define what runs groups of cells: this machine (`local`) or a Ray cluster (`ray_cluster`)."""

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
    """Something that runs groups of cells. Their threads put events into `_events`."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[int, Event]] = queue.Queue()

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many groups can run at the same time."""

    @abstractmethod
    def needs(self, model: Model) -> Needs:
        """Return what a group of this model needs here."""

    @abstractmethod
    def never_fits(self, needs: Needs) -> str | None:
        """Return why a group with these needs can never run here; None if it can."""

    @abstractmethod
    def start(self, key: int, order: GroupOrder, needs: Needs) -> bool:
        """Start a group. Return False, and do nothing, if there is no room for it now."""

    def event(self, timeout: float) -> tuple[int, Event] | None:
        """Return the next event with its group's key; None if there is none in `timeout` seconds."""
        try:
            key, event = self._events.get(timeout=timeout)
        except queue.Empty:
            return None
        if event.kind == ENDED:
            self._end(key)
        return key, event

    @abstractmethod
    def _end(self, key: int) -> None:
        """Free the group's resources, after its end."""

    @abstractmethod
    def stop(self) -> None:
        """End all groups at once."""
