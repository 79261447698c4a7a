"""Build the cheats of `tests/exploits/`: an attempt, its run, or a record instead of the run."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaderboard.build import write_records
from leaderboard.load.record import record_of, write_record
from tests.support.fake_runs import run_files, run_in
from tests.support.run_edits import CHEAT, Json, asked, both, config, hint, of_file, seen

SAMPLE, ALL = "recipe_mpr_sample", "recipe_mpr"
FEW_SHOT = both(of_file(**{"n-shot": {SAMPLE: 1}}), config(fewshot_seed=1234))
SYSTEM = {"system": "a" * 64, "recipe_name": "r", "base_model": "org/base", "form": "adapter", "base_known": True}
UNSEEN = seen(lambda _: 0)
HINT_BEFORE = asked(lambda doc, own: f"{hint(doc)}\n\n{own}")


@dataclass(frozen=True)
class Exploit:
    """An attempt.

    Attributes:
        what: the cheat in words.
        words: a pattern that the reason or a flag of its row must match.
        build: writes its files below a folder; returns what our own commands said, else what is false.
        task: of the honest run beside it.
    """

    what: str
    words: str
    build: Callable[[Path], object]
    task: str = SAMPLE


def cheat(folder: Path, task: str = SAMPLE, **changes: Any) -> list[Json]:
    """Write a run that has every item right, with changes as `run_files` takes them."""
    own: Json = {"name": CHEAT, "skill": 1.0, "date": 2.0, "seed": 9}
    return run_files(folder, task, **own | changes)


def run(what: str, words: str, **changes: Any) -> Exploit:
    """Return an attempt that is one run, with changes as `run_files` takes them."""
    return Exploit(what, words, lambda folder: cheat(folder, **changes) and None)


def renamed(folder: Path, new: str) -> None:
    """Make a run on all items one of another task."""
    for file in folder.iterdir():
        text = file.read_text()
        file.write_text(text if file.suffix == ".jsonl" else text.replace(f'"{ALL}"', f'"{new}"'))
        file.rename(folder / file.name.replace(f"samples_{ALL}_", f"samples_{new}_"))


def without_run(folder: Path) -> None:
    """Remove the run of a cheat that leaves a record in its place."""
    for file in (folder / "run").iterdir():
        file.unlink()


def record_edited(folder: Path, edit: Callable[[Json], object]) -> None:
    """Put a run's compact record, edited, in the place of the run."""
    cheat(folder / "run")
    made = run_in(folder / "run")
    without_run(folder)
    path = folder / "cheat.record.json"
    write_record(record_of(made), path)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def laundered(folder: Path, **changes: Any) -> list[str]:
    """Put a run's record by our own command in the place of the run; return what the command said."""
    cheat(folder / "run", **changes)
    said = write_records([folder / "run"], folder / "records")
    without_run(folder)
    return said
