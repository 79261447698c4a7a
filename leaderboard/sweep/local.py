"""Run groups of cells on this machine: one group per GPU, and a limited number of groups on the CPUs."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from leaderboard.sweep.executor import Executor, Needs
from leaderboard.sweep.messages import ENDED, Event, GroupOrder
from leaderboard.sweep.models import Model


class LocalExecutor(Executor):
    """Run each group in a process of this machine.

    Args:
        jobs: number of groups that run at the same time without a GPU.
        lock: descriptor of the folder's lock, which the workers inherit.
    """

    def __init__(self, jobs: int, lock: int) -> None:
        super().__init__()
        self._jobs, self._lock = jobs, lock
        self._free_gpus = visible_gpus()
        self._n_gpus, self._memory = len(self._free_gpus), total_memory()
        self._running: dict[int, tuple[subprocess.Popen[str], Needs, list[str]]] = {}

    @property
    def slots(self) -> int:
        """Number of groups that can run at the same time."""
        return max(self._jobs, self._n_gpus)

    def needs(self, model: Model) -> Needs:
        """Return the model's needs. By default, a model that can use a GPU gets one GPU if the machine has any."""
        default = 1 if self._n_gpus and model.uses_gpu and model.device in (None, "cuda", "cuda:0") else 0
        return Needs(default if model.gpus is None else model.gpus, model.memory)

    def never_fits(self, needs: Needs) -> str | None:
        """Return which resource this machine lacks; None if it has enough."""
        if needs.gpus > self._n_gpus:
            return f"gpus: {needs.gpus}, but this machine has {self._n_gpus}"
        if needs.memory > self._memory:
            return f"memory: {needs.memory / 2**30:.0f} GiB, but this machine has {self._memory / 2**30:.0f} GiB"
        return None

    def start(self, key: int, order: GroupOrder, needs: Needs) -> bool:
        """Start a worker process. Return False if too few GPUs, too little memory or no job is free."""
        on_cpu = sum(not others.gpus for _, others, _ in self._running.values())
        memory = sum(others.memory for _, others, _ in self._running.values())
        if needs.gpus > len(self._free_gpus) or (not needs.gpus and on_cpu >= self._jobs):
            return False
        if self._running and memory + needs.memory > self._memory:
            return False
        gpus, self._free_gpus = self._free_gpus[: needs.gpus], self._free_gpus[needs.gpus :]
        process = subprocess.Popen(
            [sys.executable, "-m", "leaderboard.sweep.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=self._environment(gpus), pass_fds=[self._lock] if self._lock >= 0 else [], start_new_session=True,
        )  # fmt: skip
        self._running[key] = (process, needs, gpus)
        threading.Thread(target=self._read, args=(key, process, order), daemon=True).start()
        return True

    def _environment(self, gpus: Sequence[str]) -> Mapping[str, str]:
        environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
        if self._n_gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        if not gpus and self._jobs > 1:
            environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // self._jobs)))
        return environment

    def _read(self, key: int, process: "subprocess.Popen[str]", order: GroupOrder) -> None:
        """Send the order to a worker. Queue the worker's events and end. Keep stdin open, or the worker ends."""
        with contextlib.suppress(OSError):
            print(order.model_dump_json(), file=process.stdin, flush=True)
        for text in process.stdout or ():
            with contextlib.suppress(ValidationError):  # a killed worker's last line can be cut
                self._events.put((key, Event.model_validate_json(text)))
        code = process.wait()
        killed = code == -signal.SIGKILL
        reason = f"the process was killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        self._events.put((key, Event(kind=ENDED, reason=reason if code else "", out_of_memory=killed)))

    def _end(self, key: int) -> None:
        _, _, gpus = self._running.pop(key)
        self._free_gpus += gpus

    def stop(self) -> None:
        """Kill all workers with their children. Published results are kept."""
        for process, _, _ in self._running.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        for process, _, _ in self._running.values():
            process.wait()


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as values for CUDA_VISIBLE_DEVICES."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [gpu for gpu in named.split(",") if gpu.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False).stdout
    return [str(k) for k, text in enumerate(text for text in listed.splitlines() if text.startswith("GPU"))]


def total_memory() -> int:
    """Return the bytes of this machine's main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
