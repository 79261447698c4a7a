"""Report internal errors ("faults"): write tracebacks to a log file, and name the log file on stderr."""

import os
import tempfile
import time
import traceback
from pathlib import Path
from types import TracebackType

from recipe_mpr_task.errors import EXIT_OWN_FAULT, RecipeMPRError, one_line
from recipe_mpr_task.files import write_atomic
from recipe_mpr_task.lines import line, say, visible


class OwnFaultError(Exception):
    """An internal error, raised by code that has no FaultLog. The message contains the traceback."""


class FaultLog:
    """Collect the internal errors ("faults") of a command.

    A FaultLog can be a context manager. If the `with` block raises a RecipeMPRError after a fault was added, the error
    and the faults are reported. Then the process exits with EXIT_OWN_FAULT.

    Attributes:
        faults: one pair per fault: the name of the failed step, and the traceback.
    """

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []

    def __enter__(self) -> "FaultLog":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, RecipeMPRError) and self.faults:
            say(f"recipe-mpr: {one_line(error)}", err=True)
            raise SystemExit(self.exit_code(EXIT_OWN_FAULT)) from None

    def add(self, what: str, trace: str) -> None:
        """Add a fault.

        Args:
            what: name of the failed step, in words.
            trace: the traceback as text.
        """
        self.faults.append((what, trace))

    def exit_code(self, otherwise: int) -> int:
        """Write the log, name the log file on stderr, and return EXIT_OWN_FAULT.

        If there is no fault, only return `otherwise`.
        """
        if not self.faults:
            return otherwise
        what, trace = self.faults[0]
        more = f" and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
        last = trace.strip().rpartition("\n")[2]
        say(f"recipe-mpr: internal error, {line(what)}{more}: {line(last)}; traceback in {line(self._write(), 500)}",
            err=True)  # fmt: skip
        return EXIT_OWN_FAULT

    def _write(self) -> str:
        """Write the log into the user's cache folder and return the path of the log file.

        If writing fails, try the temporary folder. If both folders fail, print the log on stderr, and return "the lines
        above".
        """
        parts = [f"{what}\n{trace}" for what, trace in self.faults]
        text = "\n".join(visible(part) for part in "\n".join(parts).split("\n"))
        name = f"fault-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
        for folder in (_log_folder, lambda: Path(tempfile.gettempdir())):
            try:
                path = folder() / name
                write_atomic(path, text.encode(errors="replace"))
            except OSError:
                continue
            return str(path)
        say(text, err=True)
        return "the lines above"


def _log_folder() -> Path:
    from recipe_mpr_task.data import cache_path

    return cache_path().parent.parent / "logs"


def log_fault(what: str, error: BaseException) -> int:
    """Write one exception to a log file, name the file on stderr, and return EXIT_OWN_FAULT.

    Args:
        what: name of the failed step, in words.
        error: the exception.
    """
    log = FaultLog()
    log.add(what, "".join(traceback.format_exception(error)))
    return log.exit_code(EXIT_OWN_FAULT)
