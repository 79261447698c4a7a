"""`recipe-mpr add CHECKPOINT_OR_FOLDS`: score trained checkpoints on what they have not seen, rebuild the tables."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from leaderboard.commands.build import say_skipped
from leaderboard.load.results import samples_files
from leaderboard.load.task_specs import held_out_tasks, task_names
from leaderboard.run_lm_eval import lm_eval
from recipe_mpr_task.errors import EXIT_FAULT_FOUND, CheckpointError, RecipeMPRError
from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.lines import line, say
from recipe_mpr_task.manifest import TrainingManifest, read_manifest
from recipe_mpr_task.provenance import seen_by
from recipe_mpr_task.splits import FOLDS


@dataclass(frozen=True)
class Checkpoint:
    """A trained checkpoint and its manifest."""

    folder: Path
    manifest: TrainingManifest

    @property
    def key(self) -> str:
        """A folder name for its runs, the same for the same weights with the same manifest."""
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in self.manifest.recipe_name)[:60]
        return f"{name}-{self.manifest.split}-{sha256_of(self.manifest.model_dump_json().encode())[:8]}"

    def model(self, backend: str) -> tuple[str, dict[str, Any]]:
        """Return lm-eval's model name and arguments that load this checkpoint."""
        settings = self.manifest.recipe
        if self.manifest.head != "causal":
            return "recipe-mpr-encoder", {"pretrained": str(self.folder), "head": self.manifest.head}
        arguments: dict[str, Any] = {"pretrained": str(self.folder), "dtype": settings.get("dtype", "auto")}
        if self.manifest.form == "adapter":
            adapter = "lora_local_path" if backend == "vllm" else "peft"
            arguments |= {"pretrained": self._base(), adapter: str(self.folder)}
            if backend == "vllm":
                arguments["max_lora_rank"] = settings.get("lora", {}).get("r", 16)
        if settings.get("quantization") == "4bit" and backend != "vllm":
            arguments["load_in_4bit"] = True
        if self.manifest.base_revision and self.manifest.form == "adapter":
            arguments["revision"] = self.manifest.base_revision
        return backend, arguments

    def _base(self) -> str:
        config = json.loads((self.folder / "adapter_config.json").read_text())
        return str(config.get("base_model_name_or_path"))


def find_checkpoints(path: Path) -> list[Checkpoint]:
    """Return the checkpoint at `path`, or the five of its folds.

    Raises:
        CheckpointError: no manifest there, folds missing, or folds of different systems.
    """
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such folder; expected one that `recipe-mpr finetune` made")
    manifest = read_manifest(path)
    if manifest:
        return [Checkpoint(path.resolve(), manifest)]
    found = [(fold, read_manifest(path / fold)) for fold in FOLDS if (path / fold).is_dir()]
    folds = {fold: manifest for fold, manifest in found if manifest}
    if not folds:
        raise CheckpointError(
            f"{path}: no training manifest in it; what it was trained on is unknown. "
            "Score it with `recipe-mpr run`, as a row of status unknown"
        )
    if missing := sorted(set(FOLDS) - set(folds)):
        raise CheckpointError(
            f"{path}: not finished: {', '.join(missing)}; go on with recipe-mpr finetune ... --resume"
        )
    if len({manifest.system for manifest in folds.values()}) > 1 or any(f != m.split for f, m in folds.items()):
        raise CheckpointError(f"{path}: its folds are not of one recipe, base model and seed, each on its own fold")
    return [Checkpoint((path / fold).resolve(), folds[fold]) for fold in FOLDS]


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--site", default="out/site", show_default=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder of runs and tables.")  # fmt: skip
@click.option("--tasks", "tasks", help="Other tasks than the held-out one, separated by commas; seen items are shown.")
@click.option(
    "--backend", default="hf", show_default=True, type=click.Choice(["hf", "vllm"]), help="For causal models."
)
@click.option("--device", help="Such as cuda:0; lm-eval's choice by default.")
@click.option("--batch-size", default="16", show_default=True)
@click.pass_context
def add(  # noqa: PLR0913, PLR0917 (each is an option)
    ctx: click.Context, checkpoint: Path, site: Path, tasks: str | None, backend: str, device: str | None,
    batch_size: str,
) -> None:  # fmt: skip
    """Score a checkpoint, or a folder of five folds, on its own held-out items through lm-eval; show its row."""
    from leaderboard.build import FILES, build

    asked = _asked(tasks)
    found = find_checkpoints(checkpoint)
    for one in found:
        _check_traceable(one, backend)
    more = ["--batch_size", batch_size, *(["--device", device] if device else [])]
    for place, one in enumerate(found, 1):
        for task in asked or [held_out_tasks()[one.manifest.split]]:
            say(f"[{place}/{len(found)}] {line(one.folder.name)}: {task} ... ", nl=False)
            started = time.monotonic()
            if failure := _score(one, task, backend, more, _runs_folder(site, one, backend) / task):
                say(f"failed\n{failure}", err=True)
                ctx.exit(EXIT_FAULT_FOUND)
            say(f"{time.monotonic() - started:.0f} s")
    with FaultLog() as log:
        _, skipped = build([site / "runs"], site, on_fault=log.add)
        say(f"\n{_rows_of(site, {_runs_folder(site, one, backend).name for one in found})}\n")
        say_skipped(skipped)
        for name in FILES:
            say(site / name)
        ctx.exit(log.exit_code(0))


def _rows_of(site: Path, folders: set[str]) -> str:
    """Return the table's rows that the runs in some folders made, for the terminal."""
    from leaderboard.site.tables import status_text

    rows = json.loads((site / "leaderboard.json").read_text())["rows"]
    ours = [row for row in rows if any(f"/{folder}/" in row["source"] for folder in folders)]
    ranked = Counter(row["board"] for row in rows if row["rank"])
    lines = [
        [line(row["system"]), row["task"], row["n"], f"{100 * row['acc']:.1f}" if row["acc"] is not None else "",
         f"{row['rank']} of {ranked[row['board']]}" if row["rank"] else "none",
         status_text(row["status"], row["flags"]), line(row["reason"], 500)]
        for row in ours
    ]  # fmt: skip
    headers = ["System", "Task", "Items", "Accuracy", "Rank", "Status", "Why"]
    table = tabulate(lines, headers, tablefmt="simple", disable_numparse=True, maxcolwidths=[*[None] * 6, 60])
    notes = [f"Note on {line(row['system'])}: {line(flag, 500)}" for row in ours for flag in row["flags"]]
    return "\n".join([table, *notes])


def _asked(tasks: str | None) -> list[str]:
    asked = [task.strip() for task in (tasks or "").split(",") if task.strip()]
    if unknown := sorted(set(asked) - task_names()):
        raise RecipeMPRError(f"--tasks {', '.join(unknown)}: no such task; allowed: {', '.join(sorted(task_names()))}")
    return asked


def _check_traceable(one: Checkpoint, backend: str) -> None:
    """Refuse before scoring what would come out as unknown."""
    if one.manifest.split not in held_out_tasks():
        raise CheckpointError(f"{one.folder}: trained on split {one.manifest.split!r}, which has no held-out task")
    _, arguments = one.model(backend)
    seen = seen_by(arguments)
    if seen.ids is None:
        raise CheckpointError(f"{one.folder}: what it has seen cannot be known: {seen.reason}")


def _runs_folder(site: Path, one: Checkpoint, backend: str) -> Path:
    return site / "runs" / (one.key if backend == "hf" else f"{one.key}-{backend}")


def _score(one: Checkpoint, task: str, backend: str, more: Sequence[str], out: Path) -> str:
    """Score a checkpoint on a task, once: the same weights are not scored again."""
    if any(samples_files(results) for results in out.rglob("results_*.json")):  # written last
        say("already scored, ", nl=False)
        return ""
    model, arguments = one.model(backend)
    flags = ["--model", model, "--model_args", json.dumps(arguments), "--tasks", task, "--log_samples", *more]
    return lm_eval(flags, out, all_tasks=False)
