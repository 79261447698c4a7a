"""Results files to compact records, which hold no dataset text and can be committed."""

import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from leaderboard.collect import OnFault, raise_fault
from leaderboard.load.find import find_files
from leaderboard.load.record import SUFFIX, RecordError, Verified, record_of, write_record
from leaderboard.load.results import UnusableError, runs_of
from leaderboard.load.schema import Run
from leaderboard.verify.checks import verify
from leaderboard.verify.identity import model_key, system_name
from leaderboard.verify.prompts import prompt_faults
from leaderboard.verify.verified import Case
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.names import slug

_LONGEST_SYSTEM, _LONGEST_NAME = 80, 200


def write_records(paths: Iterable[Path], folder: Path, on_fault: OnFault = raise_fault) -> list[str]:
    """Write the records of all runs under `paths`; those that are records already are left out.

    Args:
        paths: lm-eval output folders and results files.
        folder: where the records go.
        on_fault: see `collect.read_rows`; the other records are written.

    Returns:
        A line for each run that no record could be made of.
    """
    skipped = []
    for file, source in find_files(paths)[0]:
        try:
            with suppress(UnusableError):  # the build has said so
                for run in runs_of(file, source):
                    try:
                        _write(run, folder)
                    except RecordError as error:
                        skipped.append(f"record of {run.source}, {run.task}: {error}")
        except Exception:  # noqa: BLE001 (one run must not take the records of the others with it)
            on_fault(f"while the record of {source} was made", traceback.format_exc())
    return skipped


def _write(run: Run, folder: Path) -> None:
    if run.is_record:
        return
    verified = verify(run)
    if not verified.items:
        raise RecordError(verified.reason)
    if fault := next(prompt_faults(Case(run)), None):
        raise RecordError(f"{fault}; a record holds no prompts, so nobody could see that")
    record = record_of(run, Verified(verified.flags, verified.around, model_key(run)))
    name = slug(f"{system_name(run)[:_LONGEST_SYSTEM]} {run.task}", _LONGEST_NAME)
    # Named by what the run measured, so that a record is overwritten only by itself.
    write_record(record, folder / f"{name}-{sha256_of(str(record).encode())[:8]}{SUFFIX}")
