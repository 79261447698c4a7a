"""`recipe-mpr compare RUN_A RUN_B`: which is better, by how much, on what, and whether that is more than chance."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.lines import say

if TYPE_CHECKING:
    from leaderboard.collect import OnFault
    from leaderboard.rank.row import Row
    from leaderboard.rank.statistics import Comparison
    from leaderboard.verify.items import ItemResult

    Pair = tuple[ItemResult, ItemResult]

_SMALLEST_P = 0.001
_MOST_NAMES = 12


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option("--a", "name_a", default="", help="Of several systems in RUN_A the one of this name, or that holds it.")
@click.option("--b", "name_b", default="", help="Of several systems in RUN_B the one of this name, or that holds it.")
@click.option("--board", help="Which board's rows, if a path holds several; such as recipe_mpr or recipe_mpr_test.")
@click.pass_context
def compare(  # noqa: PLR0913, PLR0917 (each is an option)
    ctx: click.Context, run_a: Path, run_b: Path, name_a: str, name_b: str, board: str | None
) -> None:
    """Compare two systems item by item.

    RUN_A and RUN_B are lm-eval output folders, results files or compact records; a folder with a system's five fold
    runs is that system. Query texts are shown where the dataset is at hand, else item ids alone.
    """
    from recipe_mpr_task.faults import FaultLog

    with FaultLog() as log:
        a, b = _two_rows((run_a, name_a), (run_b, name_b), board, log.add)
        for text in report(a, b):
            say(text)
        ctx.exit(log.exit_code(0))


def _two_rows(
    run_a: tuple[Path, str], run_b: tuple[Path, str], board: str | None, on_fault: "OnFault"
) -> tuple["Row", "Row"]:
    """The one row of each path and name, on a board that both are on."""
    found = [{row.board: row for row in _rows(path, name, board, on_fault)} for path, name in (run_a, run_b)]
    shared = [key for key in found[0] if key in found[1]]
    if len(shared) != 1:
        boards = [", ".join(rows) or "none" for rows in found]
        raise RecipeMPRError(
            f"{run_a[0]} has rows on {boards[0]}; {run_b[0]} on {boards[1]}; "
            + ("choose one with --board" if shared else "they share none")
        )
    a, b = found[0][shared[0]], found[1][shared[0]]
    if a.id == b.id:
        raise RecipeMPRError(
            f"both are {a.system} ({a.source}): there is nothing to compare; name two with --a and --b"
        )
    return a, b


def _rows(path: Path, name: str, board: str | None, on_fault: "OnFault") -> "list[Row]":
    """The rows of one path that a name and a board ask for, one a board.

    Raises:
        RecipeMPRError: it holds none with items, or several systems.
    """
    from leaderboard.collect import read_rows
    from leaderboard.rank.boards import build_boards

    found, skipped = read_rows([path], on_fault)
    everything = [row for board in build_boards(found) for row in board.rows if row.kind != "reported"]
    if not everything:
        hint = "" if path.exists() else "; a system's name goes into --a or --b, beside the path of its run"
        raise RecipeMPRError(f"{path}: nothing to compare: {'; '.join(s.reason for s in skipped)}{hint}")
    rows = _named([row for row in everything if board in (None, row.board)], name)
    if not rows:
        listed = sorted({f"{row.system} on {row.board}"[:120] for row in everything})
        asked = f"{name!r}{f' on {board}' if board else ''}" if name else f"a row on {board}"
        more = f"; and {len(listed) - _MOST_NAMES} more" if len(listed) > _MOST_NAMES else ""
        raise RecipeMPRError(f"{path} does not hold {asked}; it holds {'; '.join(listed[:_MOST_NAMES])}{more}")
    if not any(row.items for row in rows):
        raise RecipeMPRError(f"{path}: nothing to compare: {'; '.join(row.reason for row in rows)}")
    by_board: dict[str, list[Row]] = {}
    for row in rows:
        if row.items:
            by_board.setdefault(row.board, []).append(row)
    # What has a rank stands for the path; of runs without one there must be only one.
    return [_only(path, [row for row in here if row.rank] or here) for here in by_board.values()]


def _named(rows: "Sequence[Row]", name: str) -> "Sequence[Row]":
    """The rows of a name; where there are none those whose name holds it."""
    exact = [row for row in rows if row.system.lower() == name.lower()]
    return exact or [row for row in rows if name.lower() in row.system.lower()]


def _only(path: Path, rows: "Sequence[Row]") -> "Row":
    if len(rows) > 1:
        names = "; ".join(f"{row.system} ({row.source})"[:120] for row in rows[:_MOST_NAMES])
        what = f"{path} holds {len(rows)} rows on {rows[0].board}"
        raise RecipeMPRError(f"{what}: {names}; choose one with --a or --b, by its path, or another --board")
    return rows[0]


def report(a: "Row", b: "Row") -> Iterator[str]:
    """Give the comparison of two rows of one board as lines of text.

    Raises:
        RecipeMPRError: they share no item, or a score is not finite.
    """
    from leaderboard.build import texts_at_hand
    from leaderboard.site.tables import interval
    from leaderboard.site.text import line

    pairs = _pairs(a, b)
    for letter, row in (("A", a), ("B", b)):
        yield f"{letter}: {line(row.system)}, {interval(row.score)} on {row.score.n} items"
        yield f"   {row.status}: {line(row.reason)}"
        yield from (f"   note: {line(flag)}" for flag in row.flags)
    if len(pairs) < max(len(a.items), len(b.items)):
        yield f"Only the {len(pairs)} items that both were scored on are compared."
    if all(one.accuracy == other.accuracy and one.chosen == other.chosen for one, other in pairs):
        yield "Both chose the same on every item: this may be one run, read from two places."
    yield ""
    yield _types_table(pairs)
    yield (
        "Difference: A minus B in points, with its 95% paired bootstrap interval. p: exact McNemar test (over\n"
        "all flips of sign where ties are shared). For types both are corrected over them by Holm, and an interval\n"
        "leaves out 0 exactly where p is below .05. Detectable: the difference that so many items show four times\n"
        "in five."
    )
    yield from _flips(pairs, {item_id: item.query for item_id, item in texts_at_hand().items()})


def _pairs(a: "Row", b: "Row") -> "list[Pair]":
    of_b = {item.item_id: item for item in b.items}
    items = sorted(a.items, key=lambda item: item.item_id)
    pairs = [(item, of_b[item.item_id]) for item in items if item.item_id in of_b]
    if not pairs:
        raise RecipeMPRError("the two were scored on different items; there is nothing to compare")
    if a.score.acc is None or b.score.acc is None:
        raise RecipeMPRError("a score that is not finite cannot be compared; see the status of each with leaderboard")
    return pairs


def _types_table(pairs: "Sequence[Pair]") -> str:
    from tabulate import tabulate

    from leaderboard.rank.statistics import holm_agreeing
    from recipe_mpr_task.item import QUERY_TYPES, UNTYPED

    by_type = {name: [p for p in pairs if name in (p[0].types or (UNTYPED,))] for name in (*QUERY_TYPES, UNTYPED)}
    by_type = {name: some for name, some in by_type.items() if some}
    p_all, (whole,) = holm_agreeing([_compared(pairs)])
    p_types, by_types = holm_agreeing([_compared(some) for some in by_type.values()])
    rows = [_cells("all", pairs, whole, float(p_all[0]))]
    rows += [
        _cells(name, some, found, float(p))
        for (name, some), found, p in zip(by_type.items(), by_types, p_types, strict=True)
    ]
    headers = ["", "n", "A", "B", "Difference", "p", "A alone", "B alone", "Detectable"]
    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True, colalign=["left", *["right"] * 8])


def _compared(pairs: "Sequence[Pair]") -> "Comparison":
    import numpy as np

    from leaderboard.rank.statistics import compare as paired

    return paired(*(np.array([pair[k].accuracy for pair in pairs]) for k in (0, 1)))


def _cells(name: str, pairs: "Sequence[Pair]", found: "Comparison", p: float) -> list[Any]:
    from leaderboard.rank.statistics import minimal_detectable_effect

    n = len(pairs)
    discordance = (found.wins + found.losses) / n
    means = [100 * sum(pair[k].accuracy for pair in pairs) / n for k in (0, 1)]
    return [
        name, n, *(f"{mean:.1f}" for mean in means),
        f"{100 * found.difference:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]",
        _chance(p), found.wins, found.losses,
        f"{100 * minimal_detectable_effect(discordance, n):.1f}" if discordance else "",
    ]  # fmt: skip


def _chance(p: float) -> str:
    return f"{p:.3f}" if p >= _SMALLEST_P else f"<{_SMALLEST_P}"


def _flips(pairs: "Sequence[Pair]", queries: Mapping[str, str]) -> Iterator[str]:
    """The items that one has right and the other has not, and what each chose."""
    for k, letter in enumerate("AB"):
        won = [pair for pair in pairs if pair[k].accuracy > pair[1 - k].accuracy]
        yield f"\n{letter} is better on {len(won)} items:"
        for pair in won:
            text = f"  {queries[pair[0].item_id]}" if pair[0].item_id in queries else ""
            other = "+".join(pair[1 - k].chosen) or "nothing that is told"
            yield f"  {pair[0].item_id}  right {pair[0].gold}, {'BA'[k]} chose {other}{text}"
