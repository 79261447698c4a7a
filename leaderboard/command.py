"""`recipe-mpr leaderboard RUNS... --out DIR`."""

import re
from collections.abc import Sequence
from pathlib import Path

import click

from recipe_mpr_task.errors import EXIT_BAD_INPUT, RecipeMPRError


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option("--records", type=click.Path(file_okay=False, path_type=Path),
              help="Also write each run as a compact record: scores by item id, no dataset text.")  # fmt: skip
@click.pass_context
def leaderboard(ctx: click.Context, runs: Sequence[Path], out: Path, records: Path | None) -> None:
    """Build leaderboard.md, .json and .csv from lm-eval output folders (made with --log_samples).

    A run that cannot be read is skipped by name, the rest is kept, and the exit code is 2.
    """
    table, skipped = build(runs, out)
    click.echo(table)
    for name in ("md", "json", "csv"):
        click.echo(str(out / f"leaderboard.{name}"))
    if records:
        skipped += _write_records(runs, records)
    for reason in skipped:
        click.echo(f"recipe-mpr: skipped {reason}", err=True)
    ctx.exit(EXIT_BAD_INPUT if skipped else 0)


def build(paths: Sequence[Path], out: Path) -> tuple[str, list[str]]:
    """Read runs and write the leaderboard's files, each whole or not at all.

    Args:
        paths: lm-eval output folders or results files.
        out: the folder to write to.

    Returns:
        The Markdown, and one line for each path or file that was skipped.

    Raises:
        RecipeMPRError: no run could be read; nothing is written.
    """
    from tqdm import tqdm

    from leaderboard.compute import build_boards
    from leaderboard.load import load_runs
    from leaderboard.render import to_csv, to_json, to_markdown
    from leaderboard.validate import check
    from recipe_mpr_task.files import write_atomic

    runs, skipped = load_runs(paths)
    reasons = [f"{s.source}: {s.reason}" for s in skipped]
    if not runs:
        raise RecipeMPRError(f"no Recipe-MPR run to show; {'; '.join(reasons)}")
    boards = build_boards(check(run) for run in tqdm(runs, desc="checking runs", unit="run", delay=2))
    markdown = to_markdown(boards, skipped)
    # All is rendered before the first file is replaced.
    files = {"md": markdown, "json": to_json(boards, skipped), "csv": to_csv(boards)}
    for suffix, text in files.items():
        write_atomic(out / f"leaderboard.{suffix}", text)
    return markdown, reasons


def _write_records(paths: Sequence[Path], folder: Path) -> list[str]:
    """Write the runs' records; return a line for each run that none could be made of."""
    from leaderboard.identity import system_name
    from leaderboard.load import load_runs
    from leaderboard.records import SUFFIX, RecordError, record_of, write_record
    from leaderboard.validate import check
    from recipe_mpr_task.files import sha256_of

    skipped = []
    for run in load_runs(paths)[0]:
        if run.is_record:
            continue
        checked = check(run)
        try:
            if not checked.items:
                raise RecordError(checked.reason)
            record = record_of(run.task, run.results, run.samples or [])
        except RecordError as error:
            skipped.append(f"record of {run.source}, {run.task}: {error}")
            continue
        name = re.sub(r"[^A-Za-z0-9]+", "-", f"{system_name(run)[:80]} {run.task}")
        # By what the run measured, so that it is written over by itself only.
        write_record(record, folder / f"{name.strip('-')}-{sha256_of(str(record).encode())[:8]}{SUFFIX}")
    return skipped
