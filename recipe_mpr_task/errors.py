"""The project's user-facing errors, and how they end a command: one line on stderr and an exit code."""

import sys
from collections.abc import Sequence
from types import TracebackType

from recipe_mpr_task.lines import say, visible

EXIT_FAULT_FOUND = 1
EXIT_BAD_INPUT = 2
EXIT_OWN_FAULT = 3


class RecipeMPRError(Exception):
    """Bad usage or bad input. The message is one line: the value, what is allowed, the remedy."""


class DataError(RecipeMPRError):
    """The dataset is missing, altered or malformed.

    Attributes:
        problems: every fault found, one line each; the message may show only the first ones.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = list(problems)


class ModelArgsError(RecipeMPRError, ValueError):
    """`--model_args` that one of our adapters cannot use."""


class CheckpointError(RecipeMPRError):
    """A checkpoint folder that cannot be scored as asked."""


def one_line(error: BaseException) -> str:
    """Return the error's message folded to a single line of visible characters."""
    return " ".join(visible(str(error)).split())


def install_excepthook() -> None:
    """Make an uncaught RecipeMPRError end any program, lm_eval's too, with one line and exit code 2.

    Code that catches the error is unaffected: only `sys.excepthook` changes, and only for our errors.
    """
    previous = sys.excepthook
    if getattr(previous, "recipe_mpr", False):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, RecipeMPRError):
            previous(kind, error, trace)
            return
        say(f"recipe-mpr: {one_line(error)}", err=True)
        # CPython lets an exception hook end the process with a chosen code through SystemExit.
        raise SystemExit(EXIT_BAD_INPUT)

    hook.recipe_mpr = True  # type: ignore[attr-defined]
    sys.excepthook = hook
