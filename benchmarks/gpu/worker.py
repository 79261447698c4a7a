"""Run steps in a process of its own, each with a time limit. After a failed step, the next has a new process."""

import multiprocessing
import os
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.gpu.results import Missing, NotAvailableError, Result
from benchmarks.gpu.shapes import SHAPES
from benchmarks.gpu.steps import STEPS, Step

_LONGEST_REASON = 160


@dataclass(frozen=True)
class Options:
    """The command line's options that a worker needs.

    Attributes:
        shape: a key of SHAPES.
        device: "cuda" or "cpu".
        folder: a folder for temporary files.
        tokenizer: folder of the causal model's tokenizer; None trains one.
    """

    shape: str
    device: str
    folder: Path
    tokenizer: str | None = None


class Worker:
    """A process that runs steps in turn and keeps the model between them.

    Args:
        options: the command line's options.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._process: Any = None
        self._connection: Any = None

    def run(self, step: Step, seconds: float) -> Result | Missing:
        """Run a step in the worker process. A step that fails, dies or takes too long has no result.

        Args:
            step: one of STEPS.
            seconds: stop the step after this time, or after its limit.
        """
        if self._process is None:
            self._start()
        self._connection.send(STEPS.index(step))
        seconds = min(step.limit * SHAPES[self._options.shape].patience, seconds)
        outcome: Result | Missing = Missing(f"stopped after its limit of {seconds:.0f} s")
        if self._connection.poll(seconds):
            try:
                outcome = self._connection.recv()
            except EOFError:
                self._process.join()
                outcome = Missing(f"the process ended with code {self._process.exitcode}")
        if isinstance(outcome, Missing) and outcome.is_failure:
            self.stop()
        return outcome

    def _start(self) -> None:
        spawning = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
        self._connection, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_work, args=(theirs, self._options), daemon=True)
        self._process.start()
        theirs.close()

    def stop(self) -> None:
        """Kill the process. The next step starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
        self._process = None


def _work(connection: Connection, options: Options) -> None:
    """Run the steps whose numbers arrive, until the connection is closed. Everything printed goes to stderr."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    bench: Any = None
    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        try:
            if bench is None:
                from benchmarks.gpu.bench import Bench

                bench = Bench(SHAPES[options.shape], options.device, options.folder, options.tokenizer)
            bench.clean()
            outcome: Result | Missing = STEPS[number].run(bench)
        except NotAvailableError as error:
            outcome = Missing(str(error), is_failure=False)
        except Exception as error:  # noqa: BLE001 (a step that fails must not stop the others)
            import traceback

            traceback.print_exc()
            outcome = Missing(_reason(error))
        connection.send(outcome)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"failed: {type(error).__name__}: {text[:_LONGEST_REASON]}".rstrip(": ")
