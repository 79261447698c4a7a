"""Define steps for the GPU benchmark that fail in different ways. A worker process imports this module."""

import os
import time

from benchmarks.gpu.results import NotAvailableError, Scoring

BENCH = {"a bench": True}


def make_bench() -> dict[str, bool]:
    """Return the argument of the steps."""
    return BENCH


def measure(bench: dict[str, bool]) -> Scoring:
    """Return a result whose note is the process id."""
    assert bench == BENCH
    return Scoring(1.0, 1.0, 1, None, str(os.getpid()))


def die(bench: dict[str, bool]) -> Scoring:
    """End the process, as a fault in a GPU library can."""
    os._exit(7)


def hang(bench: dict[str, bool]) -> Scoring:
    """Never return."""
    time.sleep(3600)
    raise AssertionError


def run_out_of_memory(bench: dict[str, bool]) -> Scoring:
    """Raise an out-of-memory error with a message of two lines."""
    raise RuntimeError("CUDA out of memory.\n Tried to allocate 2 GiB")


def lack_a_package(bench: dict[str, bool]) -> Scoring:
    """Raise the error for a package that is not installed."""
    raise NotAvailableError("no flash-attn")
