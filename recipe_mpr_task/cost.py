"""What a run costs: peak memory, and the hardware that the time was taken on.

Import torch only inside functions: `recipe-mpr --help` and the autoload must stay fast.
"""

import platform
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

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
