"""From results to a site: load, check, compute, render, publish."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leaderboard.collect import OnFault, raise_fault, read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.rank.ranking import Board
from leaderboard.site.page_data import content_of, to_json
from leaderboard.site.publish import publish
from leaderboard.site.system_data import items_content, system_content
from leaderboard.site.tables import to_csv, to_markdown
from leaderboard.site.terminal import to_terminal
from leaderboard.site.text import line
from recipe_mpr_task.data import load_items, load_sample, local_source
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import Item

FILES = ("index.html", "leaderboard.md", "leaderboard.json", "leaderboard.csv")
"""What a site's folder holds besides its systems' pages."""


_UNSAMPLED = (
    "no samples beside it, so it has no rank: run it again with --log_samples; of a linked file, link the folder"
)


def build(
    paths: Sequence[Path],
    out: Path,
    *,
    target: float | None = None,
    exports: bool = False,
    on_fault: OnFault = raise_fault,
) -> tuple[str, list[str]]:
    """Read runs and write the leaderboard's site, whole or not at all.

    Args:
        paths: lm-eval output folders, results files and compact records.
        out: the folder to write to.
        target: an accuracy to draw a line at, a fraction.
        exports: write the interchange formats too.
        on_fault: told of each fault of ours while a run was judged, see `digest.read_rows`.

    Returns:
        The boards in a few lines for the terminal, and a line for each path or file that was skipped or has no samples.

    Raises:
        RecipeMPRError: no run could be read, or the folder cannot be written to; what is there stays.
    """
    with _uncollected():
        return _build(paths, out, target, on_fault, exports=exports)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare the garbage collector: a thousand runs are millions of small objects, which all live to the end."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _build(
    paths: Sequence[Path], out: Path, target: float | None, on_fault: OnFault, *, exports: bool
) -> tuple[str, list[str]]:
    rows, skipped = read_rows(paths, on_fault)
    reasons = [line(f"{s.source}: {s.reason}", 500) for s in skipped]
    reasons += [line(f"{row.source}, {row.task}: {_UNSAMPLED}", 500) for row in rows if row.extra.get("unsampled")]
    if not rows:
        raise RecipeMPRError(f"no Recipe-MPR run to show; {'; '.join(reasons)}")
    boards = build_boards(rows)
    content = content_of(boards, skipped, target)
    publish(_files(boards, content, to_markdown(boards, skipped), exports=exports), out)
    return to_terminal(boards), reasons


def _files(
    boards: Sequence[Board], content: dict[str, Any], markdown: str, *, exports: bool
) -> Iterator[tuple[str, str]]:
    """Render the site's files one by one: a thousand pages are not held in memory."""
    from leaderboard.site.page import index_page, items_script, system_page

    texts = texts_at_hand()
    yield "index.html", index_page(content)
    yield "leaderboard.md", markdown
    yield "leaderboard.json", to_json(content)
    yield "leaderboard.csv", to_csv(boards)
    yield "systems/items.js", items_script(items_content(texts))
    links = {row["id"]: row for row in content["rows"]}
    for board in boards:
        for row in board.rows:
            if page := links[row.id]["page"]:
                yield page, system_page(system_content(row, links[row.id], board.title), row.items.text)
    if exports:
        yield from _exports(boards, texts)


def _exports(boards: Sequence[Board], texts: Mapping[str, Item]) -> Iterator[tuple[str, str]]:
    try:
        from leaderboard.exports import export
    except ImportError as error:
        raise RecipeMPRError(f"--exports needs huggingface-hub 1.4 or newer ({error})") from None
    for path, text in sorted(export(boards, texts).items()):
        yield f"exports/{path}", text


def texts_at_hand() -> Mapping[str, Item]:
    """Return the items whose texts may be shown: the sample's, and the dataset's if a copy is on this machine."""
    items = (*load_sample(), *(load_items() if local_source() else ()))
    return {item.item_id: item for item in items}
