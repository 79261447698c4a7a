"""What a run shows while it goes, and what remains of it: loss, accuracy, speed, memory, time."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

from recipe_mpr_task.cost import peak_memory_bytes
from recipe_mpr_task.files import sha256_of_file, write_atomic

COMPLETE = "complete.json"
"""Written into a checkpoint last: one without it was cut off while being written."""

_LOGGED = ("loss", "grad_norm", "learning_rate", "eval_accuracy", "eval_cross_entropy", "max_batch_tokens")


def weights_in(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each weight file of a checkpoint."""
    return {path.name: sha256_of_file(path) for path in sorted(folder.glob("*.safetensors"))}


@dataclass(frozen=True)
class Spent:
    """Wall time in seconds and peak memory in bytes."""

    wall_time_s: float = 0.0
    peak_memory_bytes: int = 0


class Progress(TrainerCallback):
    """Shows a progress bar and adds up wall time over resumed parts.

    Args:
        name: of the run, in front of the bar.
        n_items: training items an epoch.
        before: seconds and peak memory of the earlier parts of this run.
        first: whether this process is the one that shows and writes.
    """

    def __init__(self, name: str, n_items: int, *, before: Spent, first: bool) -> None:
        self.name, self.n_items, self.first = name, n_items, first
        self.before, self.started = before, time.monotonic()
        self.bar: Any = None
        self.shown: dict[str, str] = {}

    @property
    def spent(self) -> Spent:
        """Time and memory so far, earlier parts included."""
        peak = max(self.before.peak_memory_bytes, peak_memory_bytes())
        return Spent(self.before.wall_time_s + time.monotonic() - self.started, peak)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the bar where the run begins, or goes on."""
        self.started = time.monotonic()
        self.first_step = state.global_step
        if self.first:
            self.bar = tqdm(total=state.max_steps, initial=state.global_step, desc=self.name, unit="step")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Move on by a step."""
        if self.bar is not None:
            done = (state.global_step - self.first_step) * self.n_items * args.num_train_epochs / state.max_steps
            self.shown["samples/s"] = f"{done / max(time.monotonic() - self.started, 1e-9):.1f}"
            self.shown["memory"] = f"{peak_memory_bytes() / 2**30:.1f}GiB"
            self.bar.set_postfix(self.shown, refresh=False)
            self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Show what was logged."""
        names = {"loss": "loss", "eval_accuracy": "validation acc", "max_batch_tokens": "max_batch_tokens"}
        self.shown |= {label: f"{logs[key]:.4g}" for key, label in names.items() if logs and key in logs}

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Mark a checkpoint as whole."""
        if self.first:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_atomic(folder / COMPLETE, json.dumps(asdict(self.spent) | {"weights": weights_in(folder)}) + "\n")

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()


def history_of(log: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return Trainer's log as one entry a step: what was logged then, of the values people read."""
    by_step: dict[int, dict[str, float]] = {}
    for entry in log:
        kept = {key: float(entry[key]) for key in _LOGGED if key in entry}
        if kept:
            by_step.setdefault(entry["step"], {"step": int(entry["step"])}).update(kept)
    return [by_step[step] for step in sorted(by_step)]
