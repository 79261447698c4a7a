"""The site's HTML: templates, style and scripts of this folder, filled with data and with nothing from elsewhere.

Each page is one file: style and scripts are inlined, data is embedded as JSON, and a content security policy forbids
every request but the one for the items that all systems' pages share. Same input, same bytes.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER = Path(__file__).parent
_INDEX_SCRIPTS = ("dom.js", "state.js", "columns.js", "table.js", "charts.js", "matrix.js", "index.js")
_SYSTEM_SCRIPTS = ("dom.js", "charts.js", "items.js", "system.js")
# What would end the data's script element, or is a line end to JavaScript alone.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def index_page(content: Mapping[str, Any]) -> str:
    """Return `index.html`.

    Args:
        content: the object of `leaderboard.json`, see `render.content_of`.
    """
    boards = [board for board in content["boards"] if board["rows"]]
    first = boards[0]["board"] if boards else None
    return _template("index.html.jinja").render(
        content=content,
        rows=[row for row in content["rows"] if row["board"] == first],
        title=boards[0]["title"] if boards else "",
        data=_data(content),
        style=_asset("page.css"),
        script=_scripts(_INDEX_SCRIPTS),
    )


def system_page(content: Mapping[str, Any]) -> str:
    """Return the page of one system.

    Args:
        content: see `details.system_content`.
    """
    return _template("system.html.jinja").render(
        row=content["row"], data=_data(content), style=_asset("page.css"), script=_scripts(_SYSTEM_SCRIPTS)
    )


def items_script(items: Mapping[str, Any]) -> str:
    """Return `systems/items.js`, a script because a page that is opened from disk may load no JSON.

    Args:
        items: see `details.items_content`.
    """
    return f"window.RECIPE_MPR_ITEMS = {_json(items)};\n"


def _data(content: Mapping[str, Any]) -> Markup:
    return Markup(_json(content))  # noqa: S704 (every sign that could end the script element is escaped)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = lambda value: "" if value is None else f"{100 * value:.1f}"
    environment.filters["line"] = lambda text: " ".join(str(text).split())[:200]
    return environment


def _template(name: str) -> Any:
    return _environment().get_template(name)


@lru_cache(maxsize=8)
def _asset(name: str) -> Markup:
    return Markup((_FOLDER / name).read_text())  # noqa: S704 (a file of this folder)


@lru_cache(maxsize=2)
def _scripts(names: tuple[str, ...]) -> Markup:
    """The scripts one after the other, in a scope of their own."""
    return Markup('"use strict";\n(() => {\n{}\n})();').replace("{}", Markup("\n").join(_asset(name) for name in names))
