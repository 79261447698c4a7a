"""`recipe-mpr add CHECKPOINT_OR_FOLDS`: score trained checkpoints on held-out items, and rebuild the site."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leaderboard.commands.build import build_site
from leaderboard.load.remote import fetched
from leaderboard.load.results import complete_results
from recipe_mpr_task.errors import EXIT_FAULT_FOUND, RecipeMPRError
from recipe_mpr_task.lines import line, say
from recipe_mpr_task.run_lm_eval import lm_eval
from recipe_mpr_task.task_specs import task_names
from recipe_mpr_task.trained_checkpoints import Checkpoint, find_checkpoints, kept_checkpoints

if TYPE_CHECKING:
    from leaderboard.rank.ranking import Board


@click.command()
@click.argument("checkpoint")
@click.option("--site", default="out/site", show_default=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder of runs and tables.")  # fmt: skip
@click.option("--tasks", "tasks", help="Comma-separated tasks instead of the held-out task. Seen items mean no rank.")
@click.option("--backend", default="hf", show_default=True, type=click.Choice(["hf", "vllm"]),
              help="lm-eval's model type for causal models.")  # fmt: skip
@click.option("--device", help="Device, such as cuda:0. Default: lm-eval chooses.")
@click.option("--batch-size", default="16", show_default=True, help="lm-eval's batch size.")
@click.option("--all-checkpoints", is_flag=True,
              help="Also score all kept checkpoints, and write a curve. Only the selected one gets a row.")  # fmt: skip
@click.pass_context
def add(  # noqa: PLR0913, PLR0917 (each argument is an option)
    ctx: click.Context, checkpoint: str, site: Path, tasks: str | None, backend: str, device: str | None,
    batch_size: str, all_checkpoints: bool,
) -> None:  # fmt: skip
    """Score a trained checkpoint on its held-out items.

    lm-eval scores the checkpoint. Then the site is rebuilt, and the checkpoint's row is printed.

    CHECKPOINT is the folder of one checkpoint, or a folder that contains the checkpoints of five folds. CHECKPOINT can
    be an fsspec URL, such as s3://bucket/checkpoint.

    --all-checkpoints needs a training with keep_checkpoints=true. The curve is written to SITE/curves.
    """
    asked = [task.strip() for task in (tasks or "").split(",") if task.strip()]
    if unknown := sorted(set(asked) - task_names()):
        raise RecipeMPRError(f"--tasks {', '.join(unknown)}: unknown task; allowed: {', '.join(sorted(task_names()))}")
    if asked and all_checkpoints:
        raise RecipeMPRError("--all-checkpoints scores only the held-out task; remove --tasks")
    (path,), unread = fetched([checkpoint], wanted=())
    if unread:
        raise RecipeMPRError("; ".join(unread))
    checkpoints = find_checkpoints(path)
    others = [other for one in checkpoints for other in kept_checkpoints(one)] if all_checkpoints else []
    how = Scoring(site, backend, ["--batch_size", batch_size, *(["--device", device] if device else [])])
    scored = [(one, asked or [one.held_out_task(backend)]) for one in checkpoints + others]
    for place, (one, tasks_of_one) in enumerate(scored, 1):
        for task in tasks_of_one:
            how.score(f"[{place}/{len(scored)}] {line(one.folder.name)}: {task}", one, task)
    say()
    if all_checkpoints:
        _write_curve(how, scored, checkpoints[0])
    summary = partial(_table, {how.folder(one).name for one in checkpoints})
    ctx.exit(build_site([site / "runs"], site, code_if_skipped=0, summary=summary))


@dataclass(frozen=True)
class Scoring:
    """The settings for scoring checkpoints. `backend` is lm-eval's model type; `more` has further flags for lm-eval."""

    site: Path
    backend: str
    more: Sequence[str]

    def folder(self, one: Checkpoint) -> Path:
        """Return the folder of a checkpoint's runs."""
        return self.site / "runs" / (one.key if self.backend == "hf" else f"{one.key}-{self.backend}")

    def score(self, what: str, one: Checkpoint, task: str) -> None:
        """Score a checkpoint on a task, unless results of the same weights exist."""
        out = self.folder(one) / task
        if complete_results(out):
            say(f"{what} ... already scored")
            return
        model, arguments = one.model(self.backend)
        named = ["--model", model, "--model_args", json.dumps(arguments), "--tasks", task, "--log_samples"]
        score(what, [*named, *self.more], out, all_tasks=False)


def _write_curve(how: Scoring, scored: Sequence[tuple[Checkpoint, Sequence[str]]], first: Checkpoint) -> None:
    """Print the curve of all checkpoints, and write its files."""
    from leaderboard.curve import WARNING, point_of, pooled, table, write_curve

    points = [point_of(one.manifest, how.folder(one) / tasks[0], tasks[0]) for one, tasks in scored]
    points.sort(key=lambda point: (point.split, point.step))
    system = f"{first.manifest.recipe_name} ({first.manifest.base_model})"
    say(f"{line(system)}\n{WARNING}\n\n{table([*points, *pooled(points)])}\n")
    name = how.folder(first).name
    if len({point.split for point in points}) > 1:
        name = name.replace(f"-{first.manifest.split}-", "-folds-")
    for path in write_curve(points, how.site / "curves" / name, system):
        say(f"wrote {path}")
    say()


def score(what: str, arguments: Sequence[str], out: Path, *, all_tasks: bool) -> None:
    """Print `what`, run lm_eval, and print the run's duration. If the run fails, print the reason and exit."""
    say(f"{what} ... ", nl=False)
    started = time.monotonic()
    if failure := lm_eval(arguments, out, all_tasks=all_tasks):
        say(f"failed\n{failure}", err=True)
        raise click.exceptions.Exit(EXIT_FAULT_FOUND)
    say(f"{time.monotonic() - started:.0f} s")


def _table(folders: set[str], boards: "Sequence[Board]") -> str:
    """Return a text table of the rows whose runs are in `folders`, followed by the notes on these rows."""
    from tabulate import tabulate

    from leaderboard.site.tables import status_text
    from leaderboard.site.text import LONGEST, percent

    lines, notes = [], []
    for board in boards:
        n_ranked = sum(row.rank is not None for row in board.rows)
        for row in board.rows:
            if not any(f"/{folder}/" in row.source for folder in folders):
                continue
            name, rank = line(row.system), f"{row.rank} of {n_ranked}" if row.rank else "none"
            status = status_text(row.status, row.flags)
            lines.append([name, row.task, row.score.n, percent(row.score.acc), rank, status, line(row.reason, LONGEST)])
            notes += [f"Note on {name}: {line(flag, LONGEST)}" for flag in row.flags]
    headers = ["System", "Task", "Items", "Accuracy", "Rank", "Status", "Why"]
    table = tabulate(lines, headers, tablefmt="simple", disable_numparse=True, maxcolwidths=[*[None] * 6, 60])
    return "\n".join([table, *notes])
