"""Define the messages between a sweep and its workers: the cells to run, and the events of each cell."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

ENDED = "ended"
"""The kind of a group's last event, after the end of its process."""


class CellOrder(BaseModel):
    """A cell to run: name of its folder, its task, and the content of its `lm_eval run --config` file."""

    folder: str
    task: str
    config: dict[str, Any]


class GroupOrder(BaseModel):
    """The cells of one group, and the name of the storage for results. `append` keeps the logs of an earlier try."""

    storage: str
    cells: list[CellOrder]
    append: bool = False


class Event(BaseModel):
    """One event of a cell.

    Attributes:
        kind: started, loaded (the model is ready), progress, finished or failed; ended when the process has ended.
        cell: index of the cell in the order.
        done, total: number of requests that were answered, and number of all requests.
        reason: why the cell failed, in one line.
        out_of_memory: whether the cell failed because memory ran out.
        batch: the batch size in use, if the batch size is automatic; None if unknown.
        while_loading: whether the cell failed because the model could not be loaded.
        lost: whether the group ended because its node was lost.
    """

    kind: str
    cell: int = 0
    done: int = 0
    total: int = 0
    reason: str = ""
    out_of_memory: bool = False
    batch: int | None = None
    while_loading: bool = False
    lost: bool = False


Send = Callable[[Event], None]
