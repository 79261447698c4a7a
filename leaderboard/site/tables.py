"""Boards to Markdown and CSV."""

import csv
import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from tabulate import tabulate

from leaderboard.load.find import Skipped
from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.rank.ranking import Board
from leaderboard.rank.row import Row, Score
from leaderboard.site.page_data import floors, short
from recipe_mpr_task import TASK_VERSION
from recipe_mpr_task.item import QUERY_TYPES, UNTYPED

_TYPES = (*QUERY_TYPES, UNTYPED)
_FURTHER = {
    "perf": "Right in all rotations",
    "acc_averaged": "Averaged choice",
    "flip_rate": "Flips",
    "consistency": "Consistency",
    "rstd": "RStd",
    "acc_norm": "By length",
    "parse_fail": "No letter",
    "prompt_sd": "sd over prompts",
    "prompt_min": "Worst prompt",
    "prompt_max": "Best prompt",
}
_OF_POSITION = ("perf", "flip_rate", "consistency", "rstd")
_LONGEST_CELL = 200
_BADGES = {"clean": "clean", "unknown": "unknown ⚠"}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\uff02\uff07"
_SIGNS = str.maketrans({c: f"&#{ord(c)};" for c in "<>&|`[]*\\"})


def to_csv(boards: Sequence[Board]) -> str:
    """Return `leaderboard.csv`: one line a row, one block of columns a query type."""
    lead = ["board", "rank", "system", "kind", "status", "reason", "task", "task_version", "n", "acc", "acc_low",
            "acc_high", "stderr", "chance_corrected", "with_leader", "params", "trainable_params", "train_seconds",
            "eval_seconds", "source"]  # fmt: skip
    against = ("difference", "low", "high", "p", "p_holm")
    parts = ("n", "acc", "low", "high")
    out = io.StringIO()
    # Quoted, so that no other program's separator splits a text into a cell that begins like a formula.
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    by_type = [f"{name.lower()}_{part}" for name in _TYPES for part in parts]
    writer.writerow([*lead, *(f"vs_leader_{part}" for part in against), "flags", *by_type])
    for board in boards:
        for row in board.rows:
            cells = row.as_dict()
            types = [cells["types"].get(name, {}).get(part) for name in _TYPES for part in parts]
            compared = [(cells.get("vs_leader") or {}).get(part) for part in against]
            values = [*(cells.get(key) for key in lead), *compared, "; ".join(row.flags), *types]
            writer.writerow([_csv_cell(value) for value in values])
    return out.getvalue()


def _csv_cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    return f"'{short(value)}" if _is_like_a_formula(value) else short(value)


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
            parts.append(_floors_text())
        ranked = [row for row in board.rows if row.rank is not None]
        if ranked:
            parts.append(ranked_table(ranked))
            parts += _why_unknown(ranked) + _notes(ranked)
        if unranked := [row for row in board.rows if row.rank is None]:
            parts += ["Listed without rank:", _unranked_table(unranked), *_notes(unranked)]
    if skipped:
        parts += ["## Skipped", "\n".join(f"- {_text(s.source)}: {_text(s.reason)}" for s in skipped)]
    return "\n\n".join(parts) + "\n"


def _floors_text() -> str:
    listed = ", ".join(f"{name} {100 * acc:.1f}" for name, acc in floors().items())
    return f"What is right without answering (`recipe-mpr audit`): {listed}."


def ranked_table(rows: Sequence[Row]) -> str:
    """Return the Markdown table of a board's ranked rows."""
    sizes = {name: rows[0].types[name].n for name in _TYPES if name in rows[0].types}
    columns = [name for name in _FURTHER if any(name in row.extra for row in rows)]
    headers = ["#", "System", "Kind", "Params", "Shots", "n", "Accuracy", "Against the leader",
               *(_FURTHER[name] for name in columns), *(f"{t} (n {n})" for t, n in sizes.items()),
               "Status"]  # fmt: skip
    named = Counter((row.system, row.extra.get("shots")) for row in rows)
    table = []
    for row in rows:
        traced = named[row.system, row.extra.get("shots")] > 1
        lead = [row.rank, _system(row, traced=traced), row.kind, _params(row.params), _plain(row.extra.get("shots"))]
        scores = [row.score.n, interval(row.score), against(row), *(_further(row, name) for name in columns)]
        table.append([*lead, *scores, *(_percent(row.types.get(t)) for t in sizes), status_text(row.status, row.flags)])
    return tabulate(table, headers, tablefmt="pipe", disable_numparse=True)


def status_text(status: str, flags: Sequence[str]) -> str:
    """Return a row's status with a mark where a reader must know more: `unknown`, or notes on the row."""
    return _BADGES.get(status, status) + ("; notes ⚠" if flags else "")


def against(row: Row) -> str:
    """Return the difference to the leader with its interval; "=" where the test cannot tell the two apart."""
    found = row.extra.get("vs_leader")
    if not found:
        return ""
    difference, low, high = (f"{100 * found[key]:+.1f}" for key in ("difference", "low", "high"))
    return f"{difference} [{low}, {high}]" + (" =" if row.extra["with_leader"] else "")


def _plain(value: object) -> object:
    return "" if value is None else value


def _why_unknown(rows: Sequence[Row]) -> list[str]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.status == "unknown":
            by_reason[row.reason].append(row.system)
    lines = [f"- {_text(', '.join(systems))}: {_text(reason)}" for reason, systems in sorted(by_reason.items())]
    return ["Why unknown:", "\n".join(lines)] if lines else []


def _notes(rows: Sequence[Row]) -> list[str]:
    told = ((row, text) for row in rows for text in (*row.flags, row.extra.get("tries")) if text)
    lines = [f"- {_text(row.system)}: {_text(str(text))}" for row, text in told]
    return ["Notes:", "\n".join(lines)] if lines else []


def _further(row: Row, name: str) -> str:
    if name not in row.extra:
        return ""
    if row.extra.get("invariant") and name in _OF_POSITION:
        return "invariant"
    value = f"{100 * row.extra[name]:.1f}"
    if name == "rstd":
        return f"{value} [{100 * row.extra['rstd_low']:.1f}, {100 * row.extra['rstd_high']:.1f}]"
    return value


def _unranked_table(rows: Sequence[Row]) -> str:
    headers = ["System", "Params", "n", "Accuracy", "Status", "Why", "Source"]
    table = [
        [_system(row), _params(row.params), row.score.n or "", interval(row.score),
         status_text(row.status, row.flags), _text(_why(row)),
         _text(row.source)]
        for row in rows
    ]  # fmt: skip
    return tabulate(table, headers, tablefmt="pipe", disable_numparse=True)


def _why(row: Row) -> str:
    subset = row.extra.get("clean_subset")
    if subset is None:
        return row.reason
    return f"{row.reason}; " + (
        f"on the {subset['n']} others {interval(Score(**subset))}" if subset["n"] else "no other item was scored"
    )


def _system(row: Row, *, traced: bool = False) -> str:
    """Name a system with what sets the row apart; `traced` adds its source where the name alone does not."""
    known = [*details(row), *([row.source] if traced else [])]
    return _text(row.system + (f" ({'; '.join(known)})" if known else ""))


def details(row: Row) -> list[str]:
    """Return how a row came about, as far as its name and columns do not say it."""
    found = [row.extra["protocol"]] if "protocol" in row.extra else []
    if "fold_sd" in row.extra:
        found.append(f"sd over folds {100 * row.extra['fold_sd']:.1f}")
    asked = {"chat_template": "chat template", "system_text": "system text"}
    return found + [words for key, words in asked.items() if row.extra.get(key)]


def _text(text: str) -> str:
    """A cell that no name can break out of: one line, no markup, no 10 MB."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    shown = line if len(line) <= _LONGEST_CELL else line[: _LONGEST_CELL - 3] + "..."
    return shown.translate(_SIGNS)


def _percent(score: Score | None) -> str:
    return f"{100 * score.acc:.1f}" if score and score.acc is not None else ""


def interval(score: Score) -> str:
    """Return an accuracy in percent with its interval."""
    if score.low is None or score.high is None:
        return _percent(score)
    return f"{_percent(score)} [{100 * score.low:.1f}, {100 * score.high:.1f}]"


def _params(params: int | None) -> str:
    if not params:
        return "" if params is None else "0"
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if params >= size:
            return f"{params / size:.3g}{unit}"
    return str(params)
