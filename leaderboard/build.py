"""Build the site from results. Write compact records of runs, small enough to commit."""

import gc
import json
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from leaderboard.collect import OnFault, raise_fault, read_rows
from leaderboard.exports import export
from leaderboard.load.find import Skipped, find_files
from leaderboard.load.record import SUFFIX, RecordError, record_of, write_record
from leaderboard.load.results import UnusableError, runs_of
from leaderboard.load.run import Run
from leaderboard.rank.board_answers import BoardAnswers
from leaderboard.rank.boards import build_boards
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.rank.row_items import RowItems
from leaderboard.site.item_board import Calibrations, board_files, calibrations_of, with_item_numbers
from leaderboard.site.page_data import content_of, items_content, system_content, to_json
from leaderboard.site.publish import publish
from leaderboard.site.results import to_results
from leaderboard.site.tables import to_csv, to_markdown
from leaderboard.site.text import LONGEST, line
from leaderboard.site.write_files import SiteFile
from leaderboard.verify.checks import verify
from leaderboard.verify.forensics import RESULTS
from leaderboard.verify.identity import model_key, system_name
from leaderboard.verify.prompts import prompt_faults
from leaderboard.verify.verified import Case
from leaderboard.workers import HERE, Where
from recipe_mpr_task.data import load_items, load_sample, local_source
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import Item
from recipe_mpr_task.names import slug

MANY_ROWS = 1000
"""From this number of rows, it saves time to start processes that write the site."""

_MOST_REASONS = 10
"""Maximum number of skipped files in the error for a build without any run."""

# The site's main files, without the pages of systems and boards.
FILES = ("index.html", "leaderboard.md", "results.md", "leaderboard.json", "leaderboard.csv")


class Site(NamedTuple):
    """The boards of a site. `skipped` has one line of text for each skipped file and each run without samples."""

    boards: list[Board]
    skipped: list[str]


def build(  # noqa: PLR0913 (each argument is an option of the command)
    paths: Sequence[Path], out: Path, *, target: float | None = None, exports: bool = False,
    hub_dataset: str | None = None, built: date | None = None, on_fault: OnFault = raise_fault, where: Where = HERE,
) -> Site:  # fmt: skip
    """Read runs and write the leaderboard's site into a folder, in one atomic step.

    Args:
        paths: lm-eval output folders, results files and compact records, in any order.
        out: the site's folder.
        target: accuracy at which the page draws a line, a fraction in [0, 1]; None for no line.
        exports: whether to also write the file formats of other projects.
        hub_dataset: id of the dataset on the Hugging Face Hub, for the exports; None if there is none.
        built: the date of the build, shown on the page; None to show no date.
        on_fault: called for each internal error, with the step that failed and the traceback.
        where: where the runs are checked. This choice does not change the site.

    Raises:
        RecipeMPRError: no run could be read, or the folder cannot be written to. The old site is kept.
    """
    with _without_collections():
        rows, skipped = read_rows(paths, on_fault, where)
        reasons = [f"{file.source}: {file.reason}" for file in skipped]
        unsampled = [f"{row.source}, {row.task}" for row in rows if not row.has_samples]
        remedy = "evaluate again with --log_samples; if the results file is a link, link its folder instead"
        reasons += [f"{run}: no rank, because its samples file is missing; {remedy}" for run in unsampled]
        reasons = [line(reason, LONGEST) for reason in reasons]
        if not rows:
            more = [f"and {len(reasons) - _MOST_REASONS} more"] if len(reasons) > _MOST_REASONS else []
            raise RecipeMPRError(f"no Recipe-MPR run to show; {'; '.join(reasons[:_MOST_REASONS] + more)}")
        gc.freeze()  # statsmodels' Holm correction starts a garbage collection, which skips frozen rows
        boards = build_boards(rows, known_rows(rows, on_fault))
        content = content_of(boards, skipped, target, built)
        jobs = where.processes if len(rows) >= MANY_ROWS else 1
        publish(_files(boards, content, skipped, hub_dataset, exports=exports), out, jobs)
        return Site(boards, reasons)


def known_rows(rows: Iterable[Row], on_fault: OnFault = raise_fault) -> list[Row]:
    """Return the rows of the committed results if any of `rows` has a set that its importer named; else [].

    The boards of imported sets show these rows for comparison.
    """
    return read_rows([RESULTS], on_fault)[0] if any(row.item_set for row in rows) else []


@contextmanager
def _without_collections() -> Iterator[None]:
    """Pause garbage collection. A collection would scan millions of objects and free none, since all are still in use.

    Afterwards, restore the caller's setting. If the caller had frozen objects, unfreeze nothing.
    """
    was_enabled, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.disable()
    try:
        yield
    finally:
        if not frozen:
            gc.unfreeze()
        if was_enabled:
            gc.enable()


def _files(
    boards: Sequence[Board], content: Mapping[str, Any], skipped: Sequence[Skipped], hub_dataset: str | None, *,
    exports: bool,
) -> Iterator[SiteFile]:  # fmt: skip
    """Yield each file of the site. Systems' pages are rendered when they are written, perhaps in another process."""
    from leaderboard.site.page import index_page, items_script

    texts = texts_at_hand()
    answers = {board.key: BoardAnswers.of(board) for board in boards}
    calibrations = calibrations_of(answers.values())
    content = with_item_numbers(content, answers, calibrations)
    links = {row["id"]: row for row in content["rows"]}
    for board in boards:
        yield from _system_files(board, calibrations, links)
    for board in boards:
        yield from board_files(board, answers[board.key], calibrations, links)
    yield "index.html", index_page(content)
    yield "leaderboard.md", to_markdown(boards, skipped)
    yield "results.md", to_results(boards)
    yield "leaderboard.json", to_json(content)
    yield "leaderboard.csv", to_csv(boards)
    yield "systems/items.js", items_script(items_content(texts))
    if exports:
        yield from ((f"exports/{path}", text) for path, text in export(boards, texts, hub_dataset).items())


def _system_files(
    board: Board, calibrations: Calibrations, links: Mapping[str, Mapping[str, Any]]
) -> Iterator[SiteFile]:
    """Yield each system's page, and a file with the system's answers. `links` has the page data of each row, by id."""
    from leaderboard.site.page import system_page

    for row in board.rows:
        if page := links[row.id]["page"]:
            shown = system_content(row, links[row.id], board.title, calibrations.get(row.id))
            yield page, partial(system_page, shown)
            if row.items:
                yield page.removesuffix("html") + "js", partial(_answers_file, row.id, row.items)


def _answers_file(row_id: str, items: RowItems) -> str:
    from leaderboard.site.page import answers_script

    return answers_script(row_id, items.text)


def texts_at_hand() -> Mapping[str, Item]:
    """Return the sample's items and, if the dataset is on this machine, the dataset's items, by item id."""
    items = (*load_sample(), *(load_items() if local_source() else ()))
    return {item.item_id: item for item in items}


def write_records(paths: Iterable[Path], folder: Path, on_fault: OnFault = raise_fault) -> list[str]:
    """Write a compact record of each run under `paths` into `folder`. Skip compact records and unusable files.

    `on_fault` is called for each internal error. If `on_fault` does not raise, the other records are still written.

    Returns:
        One line of text for each run that cannot be written as a record.
    """
    skipped = []
    for file, source in find_files(paths)[0]:
        if file.name.endswith(SUFFIX):
            continue
        try:
            with suppress(UnusableError):  # the build has already reported unusable files
                for run in runs_of(file, source):
                    try:
                        _write(run, folder)
                    except RecordError as error:
                        skipped.append(f"record of {run.source}, {run.task}: {error}")
        except Exception:  # noqa: BLE001 (an exception for one file must not stop the records of the others)
            on_fault(f"while the record of {source} was made", traceback.format_exc())
    return skipped


def _write(run: Run, folder: Path) -> None:
    verified = verify(run)
    if not verified.items:
        raise RecordError(verified.reason)
    if fault := next(prompt_faults(Case(run)), None):
        raise RecordError(f"{fault}; a record stores no prompts, so its readers could not see this fault")
    record = record_of(run, flags=verified.flags, around=verified.around, model_key=model_key(run))
    name, measured = slug(f"{system_name(run)[:80]} {run.task}", 200), json.dumps(record.as_plain(), sort_keys=True)
    # The file name ends in a hash of the content, so that different records never overwrite each other.
    write_record(record, folder / f"{name}-{sha256_of(measured.encode())[:8]}{SUFFIX}")
