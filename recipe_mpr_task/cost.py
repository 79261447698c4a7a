"""Measure the cost of a run: peak memory, and the hardware on which its time was measured.

Import torch only inside functions: `recipe-mpr --help` and the autoload must stay fast.
"""

import platform
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

CPU = "cpu"


@dataclass(frozen=True)
class Hardware:
    """The hardware of a run.

    Attributes:
        device: name of the accelerator ("NVIDIA H100 80GB HBM3", "mps"), or "cpu".
        cpu: model name of the processor.
        threads: CPU threads that torch computes with.
        n_devices: accelerators used, or 1 on a CPU.
    """

    device: str
    cpu: str
    threads: int
    n_devices: int = 1

    def __str__(self) -> str:
        """Return one line for people and records: "2 x NVIDIA H100 80GB HBM3" or "AMD EPYC 7763, 2 threads"."""
        if self.device == CPU:
            return f"{self.cpu}, {self.threads} thread{'s' * (self.threads != 1)}"
        return f"{self.n_devices} x {self.device}" if self.n_devices > 1 else self.device


Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class EvaluationCost(BaseModel):
    """The cost of one `evaluate` call, under `manifest.COST_KEY` of a results file.

    Attributes:
        tasks: number of evaluated tasks; the other fields are of all tasks together.
        seconds: wall time of the evaluation, without loading the model.
        items: scored documents.
        seconds_per_item: seconds / items.
        tokens_per_second: tokens of the distinct prompts and their answers, or tokens that an encoder computed, per
            second; None if they cannot be counted.
        peak_memory_bytes: of the GPUs, else of the process; None if the model computes in another process.
        hardware: None for a model behind an API.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    tasks: Annotated[int, Field(ge=1)]
    seconds: Positive
    items: Annotated[int, Field(ge=1)]
    seconds_per_item: Positive
    tokens_per_second: Positive | None
    peak_memory_bytes: Annotated[int, Field(ge=0)] | None
    hardware: Hardware | None


def hardware(device: str | None = None, n_devices: int | None = None) -> Hardware:
    """Return the hardware that this process computes on.

    Args:
        device: a torch device name such as "cuda:0" or "cpu"; the default is the GPU if there is one.
        n_devices: accelerators used, all processes together; the default is 1 for a numbered device, else all visible.
    """
    import torch

    threads, processor = torch.get_num_threads(), cpu_name()
    kind, _, number = (device or ("cuda" if torch.cuda.is_available() else CPU)).partition(":")
    if kind == "cuda" and torch.cuda.is_available():
        name = torch.cuda.get_device_name(int(number or 0))
        return Hardware(name, processor, threads, n_devices or (1 if number else torch.cuda.device_count()))
    return Hardware(kind if kind == "mps" else CPU, processor, threads)


def cpu_name() -> str:
    """Return the processor's model name, or the machine type where the system does not name it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown CPU"


def peak_memory_bytes() -> int:
    """Return the peak memory allocated on the GPUs, or the peak of this process if it used none."""
    import torch

    if torch.cuda.is_available():
        on_gpus = sum(torch.cuda.max_memory_allocated(i) for i in range(torch.cuda.device_count()))
        if on_gpus:
            return int(on_gpus)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
