"""The page: embedded data cannot break out, nothing is loaded from elsewhere, same input gives same bytes."""

import base64
import hashlib
import html as escaping
import json
import re

import pytest

from leaderboard.site.page import answers_script, board_script, index_page, items_script, system_page
from tests.support.page_content import HOSTILE, site_content, system_content

PAGES = {"index": index_page(site_content()), "system": system_page(system_content())}


def embedded(html):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


def without_data(html):
    return re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.DOTALL)


@pytest.mark.parametrize("page", ["index", "system"])
def test_hostile_names_stay_data_and_text(page):
    content = site_content() if page == "index" else system_content(hostile=True)
    html = index_page(content) if page == "index" else system_page(content)
    data = {key: value for key, value in content.items() if key != "around"}  # the page shows those texts in full
    assert embedded(html) == json.loads(json.dumps(data))
    assert html.count("<script") == (2 if page == "index" else 4), "no name opens or ends an element"
    shown = without_data(html)
    assert "<img" not in html
    assert "javascript:" not in shown, "a link that is not a system's page is none"
    assert "\u202e" not in shown, "no name turns the text beside it"
    assert escaping.escape(HOSTILE.replace("\u202e", "").strip(), quote=False)[:40] in shown


@pytest.mark.parametrize("page", list(PAGES))
def test_a_page_runs_only_its_own_script_and_asks_for_nothing_from_outside(page):
    html = PAGES[page]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for element in ("style", "script"):
        text = re.search(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)[1]
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    own = r"#|\.\./index\.html|leaderboard\.|items\.js|data:,|systems/[\w.-]+\.html"
    own += r"|recipe_mpr-0\.js|\.\./items/recipe-mpr\.html#a="
    loaded = re.sub(r'<a href="https://[^"]*"', "", without_data(html))  # a link to follow loads nothing
    assert not re.findall(rf'(?:src|href)="(?!{own})[^"]*"', loaded)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|innerHTML", html)
    assert " style=" not in html, "the policy would block it"


def test_the_same_input_gives_the_same_bytes_and_works_without_scripts():
    assert index_page(site_content()) == PAGES["index"]
    body = re.search(r"<tbody>(.*?)</tbody>", PAGES["index"], re.DOTALL)[1]
    assert body.count("<tr") == sum(row["board"] == "recipe_mpr" for row in site_content()["rows"])


def test_the_page_names_its_build_and_links_to_what_it_is_about():
    shown = without_data(PAGES["index"])
    assert "Built 2026-01-02. Newest run 2026-01-01. Version 9.9.9, task version 1." in shown
    for label in ("Paper", "Dataset", "lm-eval", "How to read this page", "Add your results"):
        assert re.search(rf'<a href="(https://|#)[^"]*"[^>]*>{label}</a>', shown)


def test_only_a_plain_https_address_becomes_a_source_s_link():
    content = site_content(4)
    content["rows"][0]["origin"] = "https://example.org/a?b=c&d"
    addresses = ("http://example.org/", "https://example.org/\u202e", "https://user@example.org/", 'https://e.org/"x')
    for row, address in zip(content["rows"][1:], addresses, strict=False):
        row["origin"] = address
    assert re.findall(r'<a href="([^"]*)"[^>]*>source', without_data(index_page(content))) == [
        "https://example.org/a?b=c&amp;d", "https://example.org/paper"
    ]  # fmt: skip


def test_a_row_of_little_and_a_board_of_nothing_have_their_pages():
    row = {"id": "a", "system": "a", "board": "b"}
    assert "<h1>a</h1>" in system_page({"row": row, "position": None, "history": None, "around": []})
    empty = {"task_version": 1, "floors": {}, "skipped": [], "boards": [], "rows": []}
    assert "No board" in index_page(empty)
    board = {"board": "b", "title": "B", "rows": 1}
    assert '<th scope="row">a</th>' in index_page(empty | {"boards": [board], "rows": [row]})


def test_items_are_a_script_that_no_text_ends():
    script = items_script({"mpr-000": {"query": "</script>\u2028"}})
    content = json.loads(script.removeprefix("window.RECIPE_MPR_ITEMS = ").rstrip(";\n"))
    assert content["mpr-000"]["query"] == "</script>\u2028"
    assert not {"<", "\u2028"} & set(script)
    for made in (answers_script("a</script>", '[["</script>"]]'), board_script({"</script>": ["0", [None]]})):
        assert "<" not in made
