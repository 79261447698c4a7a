"""Boards to Markdown and CSV."""

import csv
import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from tabulate import tabulate

from leaderboard.load.find import Skipped
from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.columns import COLUMNS, CSV, MARKDOWN, MARKDOWN_UNRANKED, Column
from leaderboard.site.page_data import floors
from leaderboard.site.text import bounds, difference_text, interval_text, line, percent, short
from leaderboard.verify.statuses import STATUSES, StatusName
from recipe_mpr_task import TASK_VERSION

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\uff02\uff07"
_SIGNS = str.maketrans({c: f"&#{ord(c)};" for c in "<>&|`[]*\\"})

_Cell = Callable[[Column, Row], str]


def to_csv(boards: Sequence[Board]) -> str:
    """Return `leaderboard.csv`: one line a row, one block of columns a query type."""
    out = io.StringIO()
    # Quoted, so that no other program's separator splits a text into a cell that begins like a formula.
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([header for column in CSV for header, _ in column.parts or ((column.key, ""),)])
    for board in boards:
        for row in board.rows:
            writer.writerow([_csv_cell(value) for column in CSV for value in column.csv_cells(row)])
    return out.getvalue()


def _csv_cell(value: object) -> object:
    match value:
        case list():
            return _csv_cell("; ".join(value))
        case str():
            return f"'{short(value)}" if _is_like_a_formula(value) else short(value)
        case _:
            return value


def _is_like_a_formula(text: str) -> bool:
    """Say whether a spreadsheet may run a text: by OWASP's list of first characters, full-width ones included."""
    if _NUMBER.fullmatch(text):
        return False
    # What programs drop before they look: blanks, characters that are not seen, quotes.
    first = next((c for c in text if c.isprintable() and not c.isspace() and c not in _QUOTES), "")
    return text.startswith(("\t", "\r", "\n")) or unicodedata.normalize("NFKC", first)[:1] in tuple("=+-@")


def to_markdown(boards: Sequence[Board], skipped: Sequence[Skipped]) -> str:
    """Return `leaderboard.md`: for each board a table of ranked rows and one of rows without rank."""
    parts = [
        "# Recipe-MPR leaderboard",
        f"Task version {TASK_VERSION}. Accuracy in percent with its 95% Wilson interval; chance is 20. An item can "
        "have several types or none, so type counts do not add up; their intervals are "
        "in the JSON and CSV. Against the leader: the paired difference in points with its 95% bootstrap interval, `=` "
        "where an exact McNemar test cannot tell the two apart. Both are Holm-corrected over the board: an interval "
        "holds 0 exactly where `=` stands. "
        "`unknown ⚠`: nothing tells what it was trained on, these items perhaps included. `notes ⚠`: what a reader "
        "should know of a row stands in the notes below its table.",
    ]
    for board in boards:
        parts.append(f"## {_text(board.title)}")
        if board.key == MAIN_BOARD:
            listed = ", ".join(f"{name} {percent(acc)}" for name, acc in floors().items())
            parts.append(f"What is right without answering (`recipe-mpr audit`): {listed}.")
        ranked = [row for row in board.rows if row.rank is not None]
        if ranked:
            parts.append(ranked_table(ranked))
            parts += _why_unknown(ranked) + _notes(ranked)
        if unranked := [row for row in board.rows if row.rank is None]:
            table = table_of(MARKDOWN_UNRANKED, unranked, _unranked_cell)
            parts += ["Listed without rank:", table, *_notes(unranked)]
    if skipped:
        parts += ["## Skipped", "\n".join(f"- {_text(s.source)}: {_text(s.reason)}" for s in skipped)]
    return "\n\n".join(parts) + "\n"


def ranked_table(rows: Sequence[Row]) -> str:
    """Return the Markdown table of a board's ranked rows."""
    named = Counter((row.system, row.asked.shots) for row in rows)

    def cell(column: Column, row: Row) -> str:
        is_traced = named[row.system, row.asked.shots] > 1
        return _system(row, is_traced=is_traced) if column.type == "name" else cell_of(column, row)

    return table_of(MARKDOWN, rows, cell)


def table_of(columns: Sequence[Column], rows: Sequence[Row], cell: _Cell, tablefmt: str = "pipe") -> str:
    """Return a text table of rows; `cell` writes a cell, and optional columns without a value are left out."""
    shown = [
        column for column in columns if not column.is_optional or any(column.read(row) is not None for row in rows)
    ]
    headers = [_header(column, rows[0]) for column in shown]
    cells = [[cell(column, row) for column in shown] for row in rows]
    return tabulate(cells, headers, tablefmt=tablefmt, disable_numparse=True)


def _header(column: Column, first: Row) -> str:
    """A column's heading; under a query type the number of its items, which all ranked rows share."""
    score = column.read(first) if column.type == "score" else None
    return f"{column.label} (n {score.n})" if score else column.short or column.label


def cell_of(column: Column, row: Row) -> str:
    """Return a cell of Markdown or of the terminal, but for names."""
    value = column.read(row)
    match column.type:
        case "share":
            return _share(column, row)
        case "leader":
            return f"{difference_text(value.comparison)}{' =' if row.is_tied else ''}" if value else ""
        case "status":
            return status_text(value, row.flags)
        case _:
            return _WRITERS[column.type](value)


def _share(column: Column, row: Row) -> str:
    if row.is_invariant and column.of_position:
        return "invariant"
    mean = row.metrics.get(column.key)
    return f"{percent(column.read(row))} {bounds(mean.low, mean.high) if mean else ''}".strip()


def _whole(number: int | None) -> str:
    return "" if number is None else str(number)


def _text(text: str | None) -> str:
    """A cell that no name can break out of: one line, no markup, no 10 MB."""
    return line(text or "").translate(_SIGNS)


def _count(number: int | None) -> str:
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number and number >= size:
            return f"{number / size:.3g}{unit}"
    return _whole(number)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "accuracy": interval_text,
    "count": _count,
    "rank": _whole,
    "score": lambda score: percent(score.acc) if score else "",
    "text": _text,
    "whole": _whole,
}
"""By type of column, where the value alone says what is written."""


def _unranked_cell(column: Column, row: Row) -> str:
    match column.key:
        case "system":
            return _system(row)
        case "n":
            return str(row.score.n or "")
        case "reason":
            return _text(_why(row))
        case _:
            return cell_of(column, row)


def status_text(status: StatusName, flags: Sequence[str]) -> str:
    """Return a row's status with a mark where a reader must know more: `unknown`, or notes on the row."""
    return STATUSES[status].badge + ("; notes ⚠" if flags else "")


def _why_unknown(rows: Sequence[Row]) -> list[str]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.status == "unknown":
            by_reason[row.reason].append(row.system)
    lines = [f"- {_text(', '.join(systems))}: {_text(reason)}" for reason, systems in sorted(by_reason.items())]
    return ["Why unknown:", "\n".join(lines)] if lines else []


def _notes(rows: Sequence[Row]) -> list[str]:
    notes = ((row, text) for row in rows for text in (*row.flags, *([row.tries.text] if row.tries else [])))
    lines = [f"- {_text(row.system)}: {_text(text)}" for row, text in notes]
    return ["Notes:", "\n".join(lines)] if lines else []


def _why(row: Row) -> str:
    rest = row.clean_subset
    if rest is None:
        return row.reason
    return f"{row.reason}; " + (
        f"on the {rest.n} others {interval_text(rest)}" if rest.n else "no other item was scored"
    )


def _system(row: Row, *, is_traced: bool = False) -> str:
    """Name a system with what sets the row apart; `is_traced` adds its source where the name alone does not."""
    known = [*details(row), *([row.source] if is_traced else [])]
    return _text(row.system + (f" ({'; '.join(known)})" if known else ""))


def details(row: Row) -> list[str]:
    """Return how a row came about, as far as its name and columns do not say it."""
    fold_sd = COLUMNS["fold_sd"].read(row)
    known = (
        row.protocol,
        "" if fold_sd is None else f"sd over folds {percent(fold_sd)}",
        "chat template" if row.asked.chat_template else "",
        "system text" if row.asked.system_text else "",
    )
    return [words for words in known if words]
