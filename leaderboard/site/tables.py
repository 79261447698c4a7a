"""Render boards as CSV and as Markdown."""

import csv
import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Sequence

from tabulate import tabulate

from leaderboard.load.find import Skipped
from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row
from leaderboard.site.columns import COLUMNS, CSV, MARKDOWN, MARKDOWN_UNRANKED, Column
from leaderboard.site.names import seed_of
from leaderboard.site.page_data import floors
from leaderboard.site.text import bounds, count, difference_text, interval_text, line, percent, short
from leaderboard.verify.statuses import STATUSES, StatusName
from recipe_mpr_task import TASK_VERSION

HOW_TO_READ = """\
- Accuracy: percent, with its 95% Wilson interval. Chance is 20.
- Query types: an item can have several types or none, so the counts by type do not sum to the number of items. \
Intervals are in the JSON and CSV.
- Evidence `run here`: the system was run on these tasks, and prompts and answers were logged. `recounted`: the \
accuracy is recomputed from imported answers to each item. `claimed`: only a number is published.
- Against the leader: accuracy minus the leader's, in points, on the same items. Brackets: bootstrap interval, widened \
to the level of the Holm-corrected test. The interval includes 0 exactly if the row is tied.
- `=`: tied. The exact McNemar test against the leader, Holm-corrected over the board, is not significant (5% level).
- Status `clean`: all scored files and settings are recorded, and no scored item was used in training.
- Status `unknown ⚠`: the training data are unknown and may include these items.
- Status `overlap`: trained or selected on scored items. `excluded`: not comparable.
- `notes ⚠`: the row has notes, which are listed below the table."""
MOST_ROWS = 1000
"""Maximum number of rows in a Markdown table. The CSV and the JSON file have all rows."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\uff02\uff07"
_ADDRESS = re.compile(r"https://([\w.-]+(?:/[\w.-]+){0,2})[^\s()<>|`\"\\]*", re.ASCII)  # host and two parts of the path
_SIGNS = str.maketrans({c: f"&#{ord(c)};" for c in "<>&|`[]*\\"})


def to_csv(boards: Sequence[Board]) -> str:
    """Return `leaderboard.csv`: one line per row, with four columns for each query type."""
    out = io.StringIO()
    # Quote texts, because a program that splits at semicolons could read a part of an unquoted text as a formula.
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
    """Return whether a spreadsheet may run a text as a formula. OWASP lists the first characters of formulas."""
    if _NUMBER.fullmatch(text):
        return False
    # Spreadsheets skip leading blanks, invisible characters and quotes.
    first = next((c for c in text if c.isprintable() and not c.isspace() and c not in _QUOTES), "")
    return text.startswith(("\t", "\r", "\n")) or unicodedata.normalize("NFKC", first)[:1] in tuple("=+-@")


def to_markdown(boards: Sequence[Board], skipped: Sequence[Skipped]) -> str:
    """Return `leaderboard.md`. A board has a table of ranked rows, and a table of unranked rows if there are any."""
    parts = ["# Recipe-MPR leaderboard", f"Task version {TASK_VERSION}.", HOW_TO_READ]
    for board in boards:
        parts += board_section(board.key, board.title, board.rows)
    parts += _list("## Skipped", ((file.source, file.reason) for file in skipped))
    return "\n\n".join(parts) + "\n"


def board_section(key: str, title: str, rows: Sequence[Row]) -> list[str]:
    """Return a board as parts of a Markdown document: ranked rows, unranked rows, and the notes of both."""
    parts = [f"## {cell_text(title)}"]
    if key == MAIN_BOARD:
        listed = ", ".join(f"{name} {percent(acc)}" for name, acc in floors().items())
        parts.append(f"Accuracy (%) of simple rules from `recipe-mpr audit`: {listed}.")
    if ranked := [row for row in rows if row.rank is not None]:
        shown = ranked[:MOST_ROWS]
        parts += [ranked_table(shown), *_more(ranked), *_list("Reasons for `unknown`:", _why_unknown(shown))]
        parts += _notes(shown)
    if unranked := [row for row in rows if row.rank is None]:
        shown = unranked[:MOST_ROWS]
        parts += ["Rows without rank:", table(MARKDOWN_UNRANKED, shown, _unranked_cell), *_more(unranked)]
        parts += _notes(shown)
    return parts


def _more(rows: Sequence[Row]) -> list[str]:
    left_out = len(rows) - MOST_ROWS
    return [f"The {left_out:,} other rows are in `leaderboard.csv` and `leaderboard.json`."] if left_out > 0 else []


def _list(heading: str, entries: Iterable[tuple[str, str]]) -> list[str]:
    """Return a heading and a Markdown list of (name, text) entries; [] if there are no entries."""
    lines = [f"- {cell_text(name)}: {cell_text(text)}" for name, text in entries]
    return [heading, "\n".join(lines)] if lines else []


def _why_unknown(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return (names of systems, reason) pairs, one for each reason for the status `unknown`."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.status == "unknown":
            by_reason[row.reason].append(row.system)
    return [(", ".join(systems), reason) for reason, systems in sorted(by_reason.items())]


def _notes(rows: Sequence[Row]) -> list[str]:
    notes = ((row, text) for row in rows for text in (*row.flags, *([row.tries.text] if row.tries else [])))
    return _list("Notes:", ((row.system, text) for row, text in notes))


def ranked_table(rows: Sequence[Row], leave_out: Container[str] = ()) -> str:
    """Return the Markdown table of a board's ranked rows. `leave_out` has the keys of columns that are not shown."""
    named = Counter((row.system, seed_of(row), row.asked.shots) for row in rows)

    def named_cell(column: Column, row: Row) -> str:
        if column.type != "name":
            return cell(column, row)
        is_unique = named[row.system, seed_of(row), row.asked.shots] == 1
        return cell_text(row.system + details(row, "" if is_unique else row.source))

    return table([column for column in MARKDOWN if column.key not in leave_out], rows, named_cell)


def table(
    columns: Sequence[Column], rows: Sequence[Row], cell: Callable[[Column, Row], str], tablefmt: str = "pipe"
) -> str:
    """Return the rows as a text table, without optional columns that have no value. `cell` returns a cell's text."""
    shown = [c for c in columns if not c.is_optional or any(c.read(row) is not None for row in rows)]
    cells = [[cell(column, row) for column in shown] for row in rows]
    return tabulate(cells, [_header(c, rows[0]) for c in shown], tablefmt=tablefmt, disable_numparse=True)


def _header(column: Column, first: Row) -> str:
    """Return a column's heading. For a query type, add the number of items, which is the same in all ranked rows."""
    score = column.read(first) if column.type == "score" else None
    return f"{column.label} (n {score.n})" if score else column.short or column.label


def cell(column: Column, row: Row) -> str:
    """Return the text of a cell in any column except the system's name."""
    value = column.read(row)
    match column.type:
        case "accuracy":
            cell = interval_text(value)
        case "count":
            cell = count(value)
        case "leader":
            cell = f"{difference_text(value.comparison)}{' =' if row.is_tied else ''}" if value else ""
        case "score":
            cell = percent(value.acc) if value else ""
        case "share" if row.is_invariant and column.of_position:
            cell = "invariant"
        case "share":
            mean = row.metrics.get(column.key)
            cell = f"{percent(value)} {bounds(mean.low, mean.high) if mean else ''}".strip()
        case "status":
            cell = status_text(value, row.flags)
        case "link":
            cell = link(value, value) if value else ""
        case "text":
            cell = cell_text(value)
        case _:
            cell = "" if value is None else str(value)
    return cell


def _unranked_cell(column: Column, row: Row) -> str:
    match column.key:
        case "system":
            return cell_text(row.system + details(row))
        case "n":
            return str(row.score.n or "")
        case "reason":
            rest = row.clean_subset
            others = (
                f"accuracy on the other {rest.n} items: {interval_text(rest)}"
                if rest and rest.n
                else "no other item is known to be unseen"
            )
            return cell_text(f"{row.reason}; {others}" if rest else row.reason)
        case _:
            return cell(column, row)


def cell_text(text: str | None, longest: int = 200) -> str:
    """Make a text safe for a Markdown cell: cut long texts, join lines, escape markup."""
    return line(text or "", longest).translate(_SIGNS)


def link(text: str, address: str | None) -> str:
    """Return a Markdown link, or only the text if `address` is not an https address. A shown address is shortened."""
    match = _ADDRESS.fullmatch(address or "")
    if match is None:
        return cell_text(text)
    return f"[{cell_text(match[1] if text == address else text)}]({address})"


def status_text(status: StatusName, flags: Sequence[str]) -> str:
    """Return a row's status as text, with ⚠ if the status is `unknown` or if the row has notes."""
    return STATUSES[status].badge + ("; notes ⚠" if flags else "")


def details(row: Row, *more: str) -> str:
    """Return a text in brackets: the details that no column shows, then `more`. Return "" if there are no details."""
    fold_sd = COLUMNS["fold_sd"].read(row)
    known = (
        row.protocol,
        "" if fold_sd is None else f"sd over folds {percent(fold_sd)}",
        seed_of(row),
        "chat template" if row.asked.chat_template else "",
        "system text" if row.asked.system_text else "",
        *more,
    )
    words = "; ".join(part for part in known if part)
    return f" ({words})" if words else ""
