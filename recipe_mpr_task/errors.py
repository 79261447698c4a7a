"""Define the errors that users see. An error ends the command with one line on stderr and an exit code."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from recipe_mpr_task.lines import say, visible

EXIT_FAULT_FOUND = 1
EXIT_BAD_INPUT = 2
EXIT_OWN_FAULT = 3


class RecipeMPRError(Exception):
    """Bad usage or bad input. The message is one line with the bad value, the allowed values and the remedy."""


class DataError(RecipeMPRError):
    """The dataset is missing, altered or malformed.

    Attributes:
        problems: all faults, one line each. The message may show only the first faults.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = list(problems)


class ModelArgsError(RecipeMPRError, ValueError):
    """A model type of this package cannot use an argument in `--model_args`."""


class CheckpointError(RecipeMPRError):
    """A checkpoint folder cannot be scored with the given arguments."""


def one_line(error: BaseException) -> str:
    """Return the error's message as a single line of visible characters."""
    return " ".join(visible(str(error)).split())


_PROGRAMS = ("lm_eval", "lm-eval", "recipe-mpr")
_MODULES = ("lm_eval.__main__", "recipe_mpr_task.cli")


def install_excepthook() -> None:
    """Make `lm_eval` and `recipe-mpr` print one line and exit with code 2 after an uncaught RecipeMPRError.

    Other errors, and errors in other programs, still go to the previous exception hook.
    """
    previous = sys.excepthook
    if getattr(previous, "recipe_mpr", False):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, RecipeMPRError) or not _is_command_line():
            previous(kind, error, trace)
            return
        say(f"recipe-mpr: {one_line(error)}", err=True)
        # An exception hook can set the exit code only by raising SystemExit.
        raise SystemExit(EXIT_BAD_INPUT)

    hook.recipe_mpr = True  # type: ignore[attr-defined]
    sys.excepthook = hook


def _is_command_line() -> bool:
    """Return whether this process runs `lm_eval` or `recipe-mpr`, started as a script or with `python -m`."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return Path(sys.argv[0] if sys.argv else "").stem in _PROGRAMS or getattr(spec, "name", "") in _MODULES
