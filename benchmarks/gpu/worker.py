"""Run steps in a separate process, each with a time limit. After a failed step, the next step gets a new process."""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.gpu.results import Missing, NotAvailableError, Result
from benchmarks.gpu.steps import Step

_LONGEST_REASON = 160


class Worker:
    """A process that runs steps in turn and keeps the model between them.

    Args:
        make_bench: function that returns the argument of every step. It is called in the worker process.
    """

    def __init__(self, make_bench: Callable[[], Any]) -> None:
        self._make_bench = make_bench
        self._process: Any = None
        self._connection: Any = None

    def run(self, step: Step, seconds: float) -> Result | Missing:
        """Run a step in the worker process. Return `Missing` if the step fails, dies or takes too long.

        Args:
            step: the step.
            seconds: time limit of the step.
        """
        if self._process is None or not self._process.is_alive():
            self._start()
        self._connection.send(step)
        outcome: Result | Missing = Missing(f"stopped after its limit of {seconds:.0f} s")
        if self._connection.poll(seconds):
            try:
                outcome = self._connection.recv()
            except (EOFError, ConnectionResetError):
                self._process.join()
                outcome = Missing(f"the process ended with code {self._process.exitcode}")
        if isinstance(outcome, Missing) and outcome.is_failure:
            self.stop()
        return outcome

    def _start(self) -> None:
        spawning = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
        self._connection, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_work, args=(theirs, self._make_bench))
        self._process.start()
        theirs.close()

    def stop(self) -> None:
        """Kill the process. The next step starts a new process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
        self._process = None


def _work(connection: Connection, make_bench: Callable[[], Any]) -> None:
    """Run the steps from the connection until it is closed. All output of the steps goes to stderr."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    bench: Any = None
    while True:
        try:
            step: Step = connection.recv()
        except EOFError:
            return
        try:
            bench = bench or make_bench()
            outcome: Result | Missing = step.run(bench)
        except NotAvailableError as error:
            outcome = Missing(str(error), is_failure=False)
        except Exception as error:  # noqa: BLE001 (a step that fails must not stop the others)
            traceback.print_exc()
            outcome = Missing(_reason(error))
        connection.send(outcome)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"failed: {type(error).__name__}: {text[:_LONGEST_REASON]}".rstrip(": ")
