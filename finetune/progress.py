"""Show a training run's progress, and add up its cost: time, memory, tokens and hardware."""

# mypy: allow-subclassing-any

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

from finetune.objective import Example
from recipe_mpr_task.cost import hardware, peak_memory_bytes
from recipe_mpr_task.files import sha256_of_file, write_atomic

COMPLETE = "complete.json"
"""Name of the last file written into a checkpoint. A checkpoint without this file is incomplete."""

_LOGGED = ("loss", "grad_norm", "learning_rate", "eval_accuracy", "eval_cross_entropy", "max_batch_tokens")


def weights_in(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each safetensors file in a checkpoint's folder, keyed by file name."""
    return {path.name: sha256_of_file(path) for path in sorted(folder.glob("*.safetensors"))}


@dataclass(frozen=True)
class Spent:
    """The cost of a run so far. A resumed run has several parts, and the cost includes all of them.

    Attributes:
        wall_time_s: seconds of training.
        peak_memory_bytes: peak memory. In a resumed run, the largest peak of all parts.
        n_tokens: tokens of the examples trained on, in all epochs, without padding.
        hardware: text that describes the hardware. If parts ran on different hardware, "; " separates the texts.
    """

    wall_time_s: float = 0.0
    peak_memory_bytes: int = 0
    n_tokens: int = 0
    hardware: str = ""


class Progress(TrainerCallback):
    """Show a progress bar, and add up the cost of the run, including earlier parts.

    Args:
        name: name of the run, shown before the bar.
        n_items: number of training items per epoch.
        before: cost of the run's earlier parts; zero if the run was not resumed.
        first: whether this is the first process. Only the first process shows the bar and writes files.
        n_devices: number of devices that all processes use together.
    """

    def __init__(self, name: str, n_items: int, *, before: Spent, first: bool, n_devices: int = 1) -> None:
        self.name, self.n_items, self.first = name, n_items, first
        self.before, self.started = before, time.monotonic()
        self.n_tokens = 0
        self.hardware = str(hardware(n_devices=n_devices))
        self.bar: Any = None
        self.shown: dict[str, str] = {}

    @property
    def spent(self) -> Spent:
        """The cost of the run so far, including earlier parts."""
        parts = [part for part in self.before.hardware.split("; ") if part]
        return Spent(
            wall_time_s=self.before.wall_time_s + time.monotonic() - self.started,
            peak_memory_bytes=max(self.before.peak_memory_bytes, peak_memory_bytes()),
            n_tokens=self.before.n_tokens + self.n_tokens,
            hardware="; ".join(parts if self.hardware in parts else [*parts, self.hardware]),
        )

    def count(self, examples: Sequence[Example]) -> None:
        """Add the tokens of a finished step to the cost. `examples` are the step's examples of all processes."""
        self.n_tokens += sum(example.n_tokens for example in examples)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock and open the progress bar. In a resumed run, the bar starts at the checkpoint's step."""
        self.started = time.monotonic()
        self.first_step = state.global_step
        if self.first:
            self.bar = tqdm(total=state.max_steps, initial=state.global_step, desc=self.name, unit="step")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Advance the bar by one step, and update the speed and memory beside the bar."""
        if self.bar is not None:
            done = (state.global_step - self.first_step) * self.n_items * args.num_train_epochs / state.max_steps
            self.shown["samples/s"] = f"{done / max(time.monotonic() - self.started, 1e-9):.1f}"
            self.shown["memory"] = f"{peak_memory_bytes() / 2**30:.1f}GiB"
            self.bar.set_postfix(self.shown, refresh=False)
            self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Show the latest loss, validation accuracy and max_batch_tokens beside the bar."""
        names = {"loss": "loss", "eval_accuracy": "validation acc", "max_batch_tokens": "max_batch_tokens"}
        self.shown |= {label: f"{logs[key]:.4g}" for key, label in names.items() if logs and key in logs}

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Mark the saved checkpoint as complete with a file. The file holds the cost so far and the weights' hashes."""
        if self.first:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_atomic(folder / COMPLETE, json.dumps(asdict(self.spent) | {"weights": weights_in(folder)}) + "\n")

    def close(self) -> None:
        """Close the progress bar."""
        if self.bar is not None:
            self.bar.close()


def history_of(log: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return one entry for each step in Trainer's log, with only the step and the values that `_LOGGED` names.

    A step without any of these values has no entry.
    """
    by_step: dict[int, dict[str, float]] = {}
    for entry in log:
        kept = {key: float(entry[key]) for key in _LOGGED if key in entry}
        if kept:
            by_step.setdefault(entry["step"], {"step": int(entry["step"])}).update(kept)
    return [by_step[step] for step in sorted(by_step)]
