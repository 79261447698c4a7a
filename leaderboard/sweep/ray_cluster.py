"""Run groups of cells on a Ray cluster: each group is a Ray task with its GPUs, CPUs and memory declared."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leaderboard.sweep.executor import Executor, Needs
from leaderboard.sweep.messages import ENDED, Event, GroupOrder
from leaderboard.sweep.models import Model
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.lines import line


class RayExecutor(Executor):
    """Send each group to the cluster. Ray decides when and where the group runs.

    Args:
        address: "auto", or the address of a cluster, such as 10.0.0.1:6379 or ray://10.0.0.1:10001.
        jobs: number of groups without a GPU that share a node.

    Raises:
        RecipeMPRError: Ray is not installed, or no cluster runs at the address.
    """

    def __init__(self, address: str, jobs: int) -> None:
        super().__init__()
        try:
            import ray
        except ImportError:
            raise RecipeMPRError("--ray needs Ray: pip install 'lm-eval-recipe-mpr[cluster]'") from None
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise RecipeMPRError(f"--ray {address}: no Ray cluster at this address: {line(error)}") from None
        self._ray, self._jobs = ray, jobs
        self._nodes: list[dict[str, float]] = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        self._running: dict[int, Any] = {}

    @property
    def slots(self) -> int:
        """The approximate number of groups that can run at the same time."""
        gpus = sum(int(node.get("GPU", 0)) for node in self._nodes)
        return max(gpus, len(self._nodes) * self._jobs)

    def needs(self, model: Model) -> Needs:
        """Return the model's needs. By default, a model that can use a GPU gets one GPU if the cluster has any."""
        has_gpus = any(node.get("GPU") for node in self._nodes)
        default = 1 if has_gpus and model.uses_gpu and model.device in (None, "cuda", "cuda:0") else 0
        return Needs(default if model.gpus is None else model.gpus, model.memory)

    def never_fits(self, needs: Needs) -> str | None:
        """Return why no node can run a group with these needs; None if a node can."""
        if any(node.get("GPU", 0) >= needs.gpus and node.get("memory", 0) >= needs.memory for node in self._nodes):
            return None
        memory = f" and memory: {needs.memory / 2**30:.0f} GiB" if needs.memory else ""
        return f"gpus: {needs.gpus}{memory}, but no node of the cluster has as much"

    def start(self, key: int, order: GroupOrder, needs: Needs) -> bool:
        """Submit a group and return True. Ray starts the group when a node has room."""
        cpus = max((node.get("CPU", 1) for node in self._nodes), default=1)
        task = self._ray.remote(
            num_cpus=1 if needs.gpus else max(1, int(cpus) // self._jobs),
            num_gpus=needs.gpus,
            memory=needs.memory or None,
            max_retries=0,  # the sweep itself runs the unfinished cells again
            num_returns="streaming",
        )(_run_order)
        generator = task.remote(order.model_dump_json(), str(Path.cwd()))
        self._running[key] = generator
        threading.Thread(target=self._follow, args=(key, generator), daemon=True).start()
        return True

    def _follow(self, key: int, generator: Any) -> None:
        """Queue a task's events and its end."""
        errors, end = self._ray.exceptions, Event(kind=ENDED, reason="the task ended early", lost=True)
        try:
            for reference in generator:
                event = Event.model_validate_json(self._ray.get(reference))
                if event.kind == ENDED:
                    end = event
                else:
                    self._events.put((key, event))
        except errors.OutOfMemoryError as error:
            end = Event(kind=ENDED, reason=line(error), out_of_memory=True)
        except errors.RayTaskError as error:
            end = Event(kind=ENDED, reason=line(error.cause if hasattr(error, "cause") else error))
        except Exception as error:  # noqa: BLE001 (Ray has many errors for a lost node or process)
            end = Event(kind=ENDED, reason=f"its node was lost: {line(error)}", lost=True)
        self._events.put((key, end))

    def _end(self, key: int) -> None:
        self._running.pop(key, None)

    def stop(self) -> None:
        """Cancel all tasks. A worker ends when its Ray process ends."""
        for generator in self._running.values():
            with contextlib.suppress(Exception):
                self._ray.cancel(generator, force=True)
        self._ray.shutdown()


def _run_order(order: str, folder: str) -> Iterator[str]:
    """Run a worker process on a node, and yield its events as JSON. The last event has the kind ENDED."""
    process = subprocess.Popen(
        [sys.executable, "-m", "leaderboard.sweep.worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        cwd=folder if Path(folder).is_dir() else None, env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip
    try:
        print(order, file=process.stdin, flush=True)
        for text in process.stdout or ():  # noqa: UP028 (Ray sends values into the generator, which a file rejects)
            yield text
        code = process.wait()
        yield Event(kind=ENDED, reason=f"exit code {code}" if code else "", out_of_memory=code == -9).model_dump_json()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
