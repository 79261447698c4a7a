"""Render the site's HTML from this folder's templates, style and scripts. Pages load nothing from other sites.

Each page is one file that contains its style, scripts and data. The content security policy lists the hashes of style
and script, so a browser does not run code that was inserted into a page. Pages of systems and of items may also load
the site's data scripts: the items' texts, a system's answers, all answers on some items. The same input gives the same
bytes.
"""

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from leaderboard.rank.pooling import MAIN_BOARD
from leaderboard.site.columns import FIRST, PAGE, TYPES
from leaderboard.site.links import links
from leaderboard.site.opening import DEMONSTRATIONS
from leaderboard.site.text import bounds, count, line, percent
from leaderboard.verify.statuses import STATUSES
from recipe_mpr_task.item import LETTERS, N_OPTIONS
from recipe_mpr_task.result_records import CURVES
from recipe_mpr_task.statistics import LEVEL

CHANCE = 1 / N_OPTIONS
_FOLDER = Path(__file__).parent
_SHARED = ("dom.js", "numbers.js", "draw.js", "theme.js")
_SCRIPTS = {
    "index.html.jinja": (*_SHARED, "state.js", "track.js", "cells.js", "cost.js", "table.js", "columns.js", "chart.js",
                         "answer.js", "filters.js", "claims.js", "scatter.js", "heat.js", "matrix.js",
                         "tabs.js", "index.js"),
    "system.html.jinja": (*_SHARED, "load.js", "batches.js", "options.js", "labels.js", "calibration.js", "curves.js",
                          "provenance.js", "items.js", "system.js"),
    "items.html.jinja": (*_SHARED, "load.js", "batches.js", "options.js", "labels.js", "difficulty.js", "item_open.js",
                         "pair.js", "item_board.js"),
    "plots.html.jinja": (*_SHARED, "load.js", "labels.js", "forest.js", "cost.js", "against.js", "calibration.js",
                         "agreement.js", "type_heat.js", "difficulty.js", "plots.js"),
}  # fmt: skip
_STYLES = {
    "index.html.jinja": ("page.css", "index.css"),
    **dict.fromkeys(("system.html.jinja", "items.html.jinja", "plots.html.jinja"), ("page.css", "items.css")),
}
# Characters that could end the script element around the data, and line separators that old browsers reject.
_UNSAFE = re.compile("[<>&\u2028\u2029]")
# Invisible characters outside the Unicode categories C and Z: variation selectors, joiners, fillers, empty Braille.
_BLANK = re.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]")
_LINK = re.compile(r"systems/[A-Za-z0-9._-]+\.html")
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(/[!#-&(-;=?-~]*)?")  # ASCII without quotes and brackets
_CURVE_TITLES = ("Training loss (nats)", "Validation cross-entropy (nats)", "Validation accuracy", "Learning rate",
                 "Gradient norm")  # fmt: skip
# Fields of a row that templates read. If a row lacks a field, the template gets None.
_ROW = dict.fromkeys(("page", "rank", "rank_low", "rank_high", "acc", "acc_low", "acc_high", "n", "kind", "status",
                      "reason", "flags", "board", "beneath", "origin", "trust", "evidence", "params", "vs_leader",
                      "with_leader"))  # fmt: skip
_NO_ANSWER: dict[str, Any] = {"lead": "", "name": "", "figure": "", "rest": "", "facts": ()}


def index_page(content: Mapping[str, Any]) -> str:
    """Return `index.html`. `content` is the object of `leaderboard.json`, from `page_data.content_of`."""
    boards = [board for board in content["boards"] if board["rows"]]
    first: Mapping[str, Any] = boards[0] if boards else {"board": None, "title": "No board"}
    first = next((board for board in boards if board["board"] == content.get("opens_on")), first)
    return _template("index.html.jinja").render(
        data=_embedded(_json(content)),
        task_version=content["task_version"],
        floors=content["floors"],
        skipped=content["skipped"],
        rows=[_ROW | {"name": row["system"]} | row for row in content["rows"] if row["board"] == first["board"]],
        title=first["title"],
        about=first.get("about", ""),
        answer=first.get("answer", _NO_ANSWER),
        **{key: content.get(key) for key in ("no_dataset", "built", "newest_run", "version")},
        chance=CHANCE,
        columns=PAGE,
        first=[column.as_data() for column in PAGE if column.key in FIRST],
        statuses=STATUSES.values(),
        links=links(),
    )


def system_page(content: Mapping[str, Any]) -> str:
    """Return a system's page. `content` is from `page_data.system_content`."""
    around = content["around"]  # the template shows these texts, so the embedded data omits them
    data = _embedded(_json({key: value for key, value in content.items() if key != "around"}))
    row = {**_ROW, **content["row"]}
    shown = {"answers": content.get("answers"), "board_name": content.get("board_name")}
    return _template("system.html.jinja").render(data=data, row=row, around=around, **shown)


def items_page(content: Mapping[str, Any]) -> str:
    """Return the page of a board's items. `content` is from `item_board.pages_content`."""
    return _board_page("items.html.jinja", content, ("agreement", "calibration", "sizes", "minimal_detectable_effect"),
                       ("types", "vs_leader", "params", "seconds_an_item", "with_loading", "hardware"))  # fmt: skip


def plots_page(content: Mapping[str, Any]) -> str:
    """Return the page of a board's plots. `content` is from `item_board.pages_content`."""
    return _board_page("plots.html.jinja", content, ("items", "item_fields", "answered", "pairwise"))


def _board_page(
    name: str, content: Mapping[str, Any], unread: Collection[str], unread_of_systems: Collection[str] = ()
) -> str:
    """Render a page of a board. Omit the fields that the page's script does not read."""
    systems = [{k: v for k, v in row.items() if k not in unread_of_systems} for row in content["systems"]]
    read = {key: value for key, value in content.items() if key not in unread} | {"systems": systems}
    has_ranks = sum(row.get("rank") is not None for row in systems) > 1
    return _template(name).render(**content, data=_embedded(_json(read)), has_ranks=has_ranks)


def items_script(items: Mapping[str, Any]) -> str:
    """Return a script with `items` from `page_data.items_content`. A page opened from disk cannot load a JSON file."""
    return f"window.RECIPE_MPR_ITEMS = {_embedded(_json(items))};\n"


def answers_script(row_id: str, answers: str) -> str:
    """Return a script with one system's answers. `answers` is the row's `items.text`."""
    return f"(window.RECIPE_MPR_ANSWERS ??= {{}})[{_embedded(_json(row_id))}] = {_embedded(answers)};\n"


def board_script(content: Mapping[str, Any]) -> str:
    """Return a script with the answers of a board's systems on some items. `content` is from `answer_files`."""
    return f"Object.assign(window.RECIPE_MPR_BOARD ??= {{}}, {_embedded(_json(content))});\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _embedded(text: str) -> Markup:
    """Escape a JSON text for a script element."""
    escaped = _UNSAFE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
    return Markup(escaped)  # noqa: S704 (every character that could end the element is escaped)


@cache
def _template(name: str) -> Template:
    """Compile a page's template with the style and the scripts. The compiled template is cached."""
    style = "\n".join((_FOLDER / sheet).read_text() for sheet in _STYLES[name])
    scripts = "\n".join((_FOLDER / script).read_text() for script in _SCRIPTS[name])
    registries = f"const SITE = {_embedded(_json(_registries(name)))};"
    script = f'"use strict";\n(() => {{\n{registries}\n{scripts}\n}})();'  # in a function, JavaScript names stay local
    # In some browsers, 'self' does not match files on disk, so pages opened from disk need `file:`.
    items = "" if name.startswith("index") else " 'self' file:"
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}{items}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent, "interval": bounds, "line": _line, "link": _link, "visible": _visible, "tone": _tone,
        "count": count, "share": _share, "rank_range": _rank_range, "behind": _behind, "address": _address,
    }  # fmt: skip
    # This package writes style, script and policy, so the template need not escape them.
    own = {"style": Markup(style), "script": Markup(script), "policy": Markup(policy)}  # noqa: S704
    return environment.get_template(name, globals=own)


def _registries(name: str) -> dict[str, Any]:
    """Return the Python values that a page's scripts read. A page without a table gets no columns."""
    return {
        "columns": [column.as_data() for column in PAGE if "table.js" in _SCRIPTS[name]],
        "types": TYPES,
        "first": FIRST,
        "tones": {status.name: status.tone for status in STATUSES.values()},
        "words": {status.name: status.words for status in STATUSES.values()},
        "demonstrations": DEMONSTRATIONS,
        "letters": LETTERS,
        "chance": CHANCE,
        "level": LEVEL,
        "main_board": MAIN_BOARD,
        "curves": list(zip(CURVES, _CURVE_TITLES, strict=True)),
        "link": _LINK.pattern,
    }


def _share(fraction: float) -> str:
    """Return a fraction as a share of a plot's width, such as "59.40%"."""
    return f"{100 * fraction:.2f}%"


def _rank_range(row: Mapping[str, Any]) -> str:
    """Return the possible ranks, such as "3\u20136"; the rank if only one is possible; "" without a rank."""
    low, high = row["rank_low"], row["rank_high"]
    return f"{low}\u2013{high}" if low != high else str(row["rank"] or "")


def _behind(row: Mapping[str, Any]) -> str:
    """Return the difference from the leader in points with its interval, and "tied" if the row is tied."""
    against = row["vs_leader"]
    if not against:
        return "the leader" if row["rank"] else ""
    low, high = (f"{100 * against[end]:+.1f}" for end in ("low", "high"))
    return f"{100 * against['difference']:+.1f} [{low}, {high}]{' tied' if row['with_leader'] else ''}"


def _address(text: object) -> str | None:
    """Return the text if it is an https address that can be linked, else None."""
    return str(text) if _ADDRESS.fullmatch(str(text)) else None


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _line(text: object, longest: int = 200) -> str:
    return "" if text is None else line(text, longest)


def _tone(status: object) -> str:
    return STATUSES[status].tone if status in STATUSES else "neutral"


def _visible(text: str) -> str:
    """Replace invisible and direction-changing characters by their codes, because they could hide text in a prompt."""
    return "".join(f"\\u{{{ord(sign):04x}}}" if _is_unseen(sign) else sign for sign in text)


def _is_unseen(sign: str) -> bool:
    return sign not in " \n" and (unicodedata.category(sign)[0] in "CZ" or _BLANK.match(sign) is not None)


def _link(page: object) -> str | None:
    """Return `page` as text if it is the address of a system's page, else None."""
    return str(page) if _LINK.fullmatch(str(page)) else None
