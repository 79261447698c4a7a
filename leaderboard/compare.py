"""Compare two rows item by item: difference, test, results by query type, and the items on which one row is better."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from tabulate import tabulate

from leaderboard.build import texts_at_hand
from leaderboard.collect import OnFault, read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.rank.cost import cost_lines
from leaderboard.rank.row import Row
from leaderboard.site.tables import details
from leaderboard.site.text import LONGEST, difference_text, interval_text, line, percent
from leaderboard.verify.items import ItemResult
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.item import QUERY_TYPES, UNTYPED
from recipe_mpr_task.statistics import compare, holm_agreeing, minimal_detectable_effect
from recipe_mpr_task.suggest import did_you_mean

Pair = tuple[ItemResult, ItemResult]

MOST_ITEMS = 10
_MOST_NAMES, _LONGEST_NAME = 12, 120
_LEGEND = """\
Difference: A minus B in points, with its 95% paired bootstrap interval. p: exact McNemar test, or exact
sign-flip test if options tie. Over "all" and the query types, intervals and p are Holm-corrected: an
interval excludes 0 exactly if p is below .05. A better, B better: number of items on which A or B is better.
Detectable: the smallest true difference in points that a paired test on n items detects (80% power)."""


def two_rows(run_a: tuple[Path, str], run_b: tuple[Path, str], board: str | None, on_fault: OnFault) -> tuple[Row, Row]:
    """Return the two rows to compare. Both rows are on the same board.

    Args:
        run_a: path of the first run, and the system's name or a part of the name; "" matches every name.
        run_b: path and name of the second run.
        board: key of the board; None chooses the only board that has rows of both runs.
        on_fault: called for each internal error, with the step that failed and the traceback.

    Raises:
        RecipeMPRError: a path has no row or several rows, there is no single common board, or both rows are the same.
    """
    of_a, of_b = ({row.board: row for row in _rows(path, name, board, on_fault)} for path, name in (run_a, run_b))
    shared = [key for key in of_a if key in of_b]
    if len(shared) != 1:
        boards = [", ".join(rows) or "none" for rows in (of_a, of_b)]
        what = "choose a common board with --board" if shared else "compare two runs of the same task"
        raise RecipeMPRError(f"{run_a[0]} has rows on {boards[0]}; {run_b[0]} on {boards[1]}; {what}")
    a, b = of_a[shared[0]], of_b[shared[0]]
    if a.id == b.id:
        both = f"{a.system} ({a.source})"
        raise RecipeMPRError(f"A and B are both {both}; choose two different systems with --a and --b")
    return a, b


def _rows(path: Path, name: str, board: str | None, on_fault: OnFault) -> list[Row]:
    """Return a path's row on each board. Raise RecipeMPRError if no row matches name and board, or several do."""
    runs, skipped = read_rows([path], on_fault)
    everything = [row for board in build_boards(runs) for row in board.rows if row.kind != "reported"]
    if not everything:
        hint = "" if path.exists() else "; pass the path of a run, and a system's name with --a or --b"
        raise RecipeMPRError(f"{path}: nothing to compare: {'; '.join(s.reason for s in skipped)}{hint}")
    on_board = [row for row in everything if board in (None, row.board)]
    rows = _named(on_board, name)
    if not rows:
        listed = sorted({f"{_label(row)} on {row.board}"[:_LONGEST_NAME] for row in on_board or everything})
        asked = f"{name!r}{f' on {board}' if board else ''}" if name else f"board {board}"
        hint = did_you_mean(name, {row.system for row in on_board}) if name else ""
        more = f"; and {len(listed) - _MOST_NAMES} more" if len(listed) > _MOST_NAMES else ""
        shown = "; ".join(listed[:_MOST_NAMES])
        raise RecipeMPRError(f"{path}: no row matches {asked}{hint}; choose one of: {shown}{more}")
    by_board: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.items:
            by_board[row.board].append(row)
    if not by_board:
        raise RecipeMPRError(f"{path}: nothing to compare: {'; '.join(row.reason for row in rows)}")
    # If a board has ranked rows, ignore its unranked rows. `_only` raises if several rows remain.
    return [_only(path, [row for row in here if row.rank] or here) for here in by_board.values()]


def _named(rows: Sequence[Row], name: str) -> list[Row]:
    """Return the rows with this name. If there are none, return the rows whose label has every word of the name."""
    asked = name.lower()
    exact = [row for row in rows if asked in (row.system.lower(), row.id, _label(row).lower())]
    words = asked.split()
    return exact or [row for row in rows if all(word in _label(row).lower() for word in words)]


def _label(row: Row) -> str:
    """Return a row's name and details, such as its seed, as the terminal shows them."""
    return f"{row.system}{details(row)}"


def _only(path: Path, rows: Sequence[Row]) -> Row:
    if len(rows) > 1:
        labels = Counter(map(_label, rows))
        named = [_label(row) if labels[_label(row)] == 1 else f"{_label(row)} (id {row.id})" for row in rows]
        names = "; ".join(named[:_MOST_NAMES])
        what = f"{path} has {len(rows)} rows on {rows[0].board}"
        remedy = "name one with --a or --b, pass the path of one run, or choose another --board"
        raise RecipeMPRError(f"{what}: {names}; {remedy}")
    return rows[0]


def report(a: Row, b: Row, most_items: int | None = MOST_ITEMS) -> Iterator[str]:
    """Yield the comparison as lines of text.

    Args:
        a: the first row.
        b: the second row.
        most_items: for each row, list at most this many items on which the row is better; None lists all.

    Raises:
        RecipeMPRError: no item is common, or a score is not finite.
    """
    pairs = _pairs(a, b)
    for letter, row in (("A", a), ("B", b)):
        yield f"{letter}: {line(row.system)}, {interval_text(row.score)} on {row.score.n} items"
        yield f"   {row.status}: {line(row.reason)}"
        yield from (f"   note: {line(flag)}" for flag in row.flags)
    if len(pairs) < max(len(a.items), len(b.items)):
        yield f"Only the {len(pairs)} items on which both systems were scored are compared."
    if all(one.accuracy == other.accuracy and one.chosen == other.chosen for one, other in pairs):
        yield "A and B chose the same option on every item. They may be one run, read from two places."
    yield f"\n{_table(pairs)}"
    yield _LEGEND
    yield ""
    yield from (text if text.startswith(" ") else line(text, LONGEST) for text in cost_lines(a.cost, b.cost))
    yield from _flips(pairs, {item_id: item.query for item_id, item in texts_at_hand().items()}, most_items)


def _pairs(a: Row, b: Row) -> list[Pair]:
    of_b = {item.item_id: item for item in b.items}
    items = sorted(a.items, key=lambda item: item.item_id)
    pairs = [(item, of_b[item.item_id]) for item in items if item.item_id in of_b]
    if not pairs:
        raise RecipeMPRError("A and B have no item in common; compare two runs of the same task")
    if a.score.acc is None or b.score.acc is None:
        letter = "A" if a.score.acc is None else "B"
        raise RecipeMPRError(f"a score of {letter} is not finite; `recipe-mpr leaderboard` shows the status of both")
    return pairs


def _table(pairs: Sequence[Pair]) -> str:
    """Return a text table with one line for all pairs, and one line for each query type that has pairs."""
    by_type = {name: [p for p in pairs if name in (p[0].types or (UNTYPED,))] for name in (*QUERY_TYPES, UNTYPED)}
    lines = _lines({"all": pairs}) + _lines({name: some for name, some in by_type.items() if some})
    headers = ["", "n", "A", "B", "Difference", "p", "A better", "B better", "Detectable"]
    return tabulate(lines, headers, tablefmt="simple", disable_numparse=True, colalign=["left", *["right"] * 8])


def _lines(groups: Mapping[str, Sequence[Pair]]) -> list[list[str | int]]:
    """Return one table line for each group of pairs. Intervals and p values are Holm-corrected across the groups."""
    accuracies = [np.array([[item.accuracy for item in pair] for pair in pairs]) for pairs in groups.values()]
    corrected, comparisons = holm_agreeing([compare(both[:, 0], both[:, 1]) for both in accuracies])
    lines: list[list[str | int]] = []
    for name, both, comparison, p in zip(groups, accuracies, comparisons, corrected, strict=True):
        n, wins, losses = len(both), comparison.wins, comparison.losses
        detectable = percent(minimal_detectable_effect((wins + losses) / n, n)) if wins + losses else ""
        p_text = f"{p:.3f}" if p >= 0.001 else "<0.001"
        a, b = map(percent, both.mean(axis=0))
        lines.append([name, n, a, b, difference_text(comparison), p_text, wins, losses, detectable])
    return lines


def _flips(pairs: Sequence[Pair], queries: Mapping[str, str], most: int | None) -> Iterator[str]:
    """Yield for each row a heading, then one line per item on which the row is better than the other row."""
    for k, letter in enumerate("AB"):
        won = [pair for pair in pairs if pair[k].accuracy > pair[1 - k].accuracy]
        yield f"\n{letter} is better on {len(won)} items:"
        for pair in won[:most]:
            text = f"  {queries[pair[0].item_id]}" if pair[0].item_id in queries else ""
            other = "+".join(pair[1 - k].chosen) or "no known option"
            yield f"  {pair[0].item_id}  right {pair[0].gold}, {'BA'[k]} chose {other}{text}"
        if most is not None and len(won) > most:
            yield f"  ... and {len(won) - most} more; --all-items lists them"
