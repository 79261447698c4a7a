"""The page: what it embeds cannot break out, it asks for nothing from outside, same input gives same bytes."""

import json
import re

import pytest

from leaderboard.render.page import index_page, items_script, system_page
from tests.page_content import HOSTILE, site_content, system_content


def embedded(html):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


@pytest.mark.parametrize("page", ["index", "system"])
def test_hostile_names_stay_data_and_text(page):
    content = site_content() if page == "index" else system_content(hostile=True)
    html = index_page(content) if page == "index" else system_page(content)
    assert embedded(html) == json.loads(json.dumps(content))
    rest = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.DOTALL)
    assert HOSTILE not in rest
    assert html.count("<script") == (2 if page == "index" else 3), "no name opens or ends an element"
    assert "<img" not in html


@pytest.mark.parametrize("html", [index_page(site_content()), system_page(system_content())], ids=["index", "system"])
def test_a_page_asks_for_nothing_from_outside(html):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'")
    assert not re.findall(r'(?:src|href)="(?!#|\.\./index\.html|leaderboard\.|items\.js)[^"]*"', html)
    assert "url(" not in html
    assert "@import" not in html


def test_the_same_input_gives_the_same_bytes_and_works_without_scripts():
    html = index_page(site_content())
    assert html == index_page(site_content())
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)[1]
    assert body.count("<tr>") == sum(row["board"] == "recipe_mpr" for row in site_content()["rows"])


def test_items_are_a_script_that_no_text_ends():
    script = items_script({"mpr-000": {"query": "</script>\u2028"}})
    assert (
        json.loads(script.removeprefix("window.RECIPE_MPR_ITEMS = ").rstrip(";\n"))["mpr-000"]["query"]
        == "</script>\u2028"
    )
    assert "</script>" not in script
