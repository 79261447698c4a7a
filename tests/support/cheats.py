"""Build the attempts to cheat in `tests/exploits/`, as runs or as records of runs."""

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
    """An attempt to cheat.

    Attributes:
        what: description of the cheat.
        words: regular expression that the reason or a flag of the cheat's row must match.
        build: function that writes the attempt's files into a folder. It returns the lines that our own commands
            printed, or a false value.
        task: task of the honest run on the same table.
    """

    what: str
    words: str
    build: Callable[[Path], object]
    task: str = SAMPLE


def cheat(folder: Path, task: str = SAMPLE, **changes: Any) -> list[Json]:
    """Write a run that answers every item correctly. `changes` are arguments of `run_files`."""
    own: Json = {"name": CHEAT, "skill": 1.0, "date": 2.0, "seed": 9}
    return run_files(folder, task, **own | changes)


def run(what: str, words: str, **changes: Any) -> Exploit:
    """Return an attempt that consists of one run. `changes` are arguments of `run_files`."""
    return Exploit(what, words, lambda folder: cheat(folder, **changes) and None)


def renamed(folder: Path, new: str) -> None:
    """Rename the task of a run on all items to `new`, in the files and in their names."""
    for file in folder.iterdir():
        text = file.read_text()
        file.write_text(text if file.suffix == ".jsonl" else text.replace(f'"{ALL}"', f'"{new}"'))
        file.rename(folder / file.name.replace(f"samples_{ALL}_", f"samples_{new}_"))


def without_run(folder: Path) -> None:
    """Delete the files of a cheat's run, so that only its record is left."""
    for file in (folder / "run").iterdir():
        file.unlink()


def record_edited(folder: Path, edit: Callable[[Json], object]) -> None:
    """Replace a cheat's run by its compact record, changed by `edit`."""
    cheat(folder / "run")
    made = run_in(folder / "run")
    without_run(folder)
    path = folder / "cheat.record.json"
    write_record(record_of(made), path)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def laundered(folder: Path, **changes: Any) -> list[str]:
    """Replace a cheat's run by the record that our own command writes. Return the lines that the command printed."""
    cheat(folder / "run", **changes)
    said = write_records([folder / "run"], folder / "records")
    without_run(folder)
    return said
