"""Define the record of a run's cost. Find the hardware and measure the peak memory.

Import torch only inside functions, because `recipe-mpr --help` and lm-eval's start (the autoload) must stay fast.
"""

import platform
import re
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
        device: name of the accelerator, such as "NVIDIA H100 80GB HBM3" or "mps"; "cpu" if none was used.
        cpu: model name of the processor.
        threads: number of CPU threads that torch uses.
        n_devices: number of accelerators used; 1 if the device is "cpu".
    """

    device: str
    cpu: str
    threads: int
    n_devices: int = 1

    def __str__(self) -> str:
        """Return one line, such as "2 x NVIDIA H100 80GB HBM3" or "AMD EPYC 7763, 2 threads"."""
        if self.device == CPU:
            return f"{self.cpu}, {self.threads} thread{'s' * (self.threads != 1)}"
        return f"{self.n_devices} x {self.device}" if self.n_devices > 1 else self.device


_GENERAL_NAMES = re.compile(r"(?i)(mps|x86(_64)?|i[3-6]86|amd64|arm\w*|aarch64|unknown cpu|)(, \d+ threads?)?")
_LONGEST_NAME = 160


def names_hardware(text: str) -> bool:
    """Return whether a text from `Hardware` identifies one kind of hardware, so that equal texts mean equal hardware.

    The result is False in each of these cases:

    - The text is empty, or names only a kind of processor, such as "aarch64" or "mps".
    - The text lists several kinds of hardware, joined by "; ". A resumed training can have this kind of text.
    - The text is longer than 160 characters.
    """
    return not (_GENERAL_NAMES.fullmatch(text.strip()) or "; " in text or len(text) > _LONGEST_NAME)


Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class EvaluationCost(BaseModel):
    """The cost of one `evaluate` call. A results file holds this record under the key `manifest.COST_KEY`.

    Attributes:
        tasks: number of evaluated tasks. All other fields describe these tasks together.
        seconds: wall time of the evaluation. Loading the model is not included.
        items: number of scored documents.
        seconds_per_item: `seconds / items`.
        tokens_per_second: number of tokens divided by `seconds`; None if tokens cannot be counted. An encoder counts
            the tokens that it processes. For other models, the tokens in distinct prompts and answers are counted.
        peak_memory_bytes: sum of the GPUs' peak memory, or peak memory of this process if no GPU was used. None if the
            model computes in another process.
        hardware: the hardware used; None for a model behind an API.
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
    """Return the hardware that the run uses.

    Args:
        device: a torch device name, such as "cuda:0" or "cpu". None means the GPU if there is one, else the CPU. If no
            GPU is available, "cuda" means the CPU.
        n_devices: number of GPUs that all processes use together. None means one GPU for a name such as "cuda:0",
            and all visible GPUs for a name without a number.
    """
    import torch

    threads, processor = torch.get_num_threads(), cpu_name()
    kind, _, number = (device or ("cuda" if torch.cuda.is_available() else CPU)).partition(":")
    if kind == "cuda" and torch.cuda.is_available():
        name = torch.cuda.get_device_name(int(number or 0))
        return Hardware(name, processor, threads, n_devices or (1 if number else torch.cuda.device_count()))
    return Hardware(kind if kind == "mps" else CPU, processor, threads)


def cpu_name() -> str:
    """Return the processor's model name. If the name is unknown, return a general name, such as "x86_64"."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown CPU"


def peak_memory_bytes() -> int:
    """Return torch's peak memory in bytes, summed over all GPUs.

    If no GPU was used, return the peak memory of this process in bytes.
    """
    import torch

    if torch.cuda.is_available():
        on_gpus = sum(torch.cuda.max_memory_allocated(i) for i in range(torch.cuda.device_count()))
        if on_gpus:
            return int(on_gpus)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
