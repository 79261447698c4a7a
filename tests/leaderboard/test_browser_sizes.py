"""The index page of the committed results in a real browser: layout, colours and numbers."""

import json
import re
from pathlib import Path

import pytest

from leaderboard.build import build
from leaderboard.site.text import bounds, count, percent
from leaderboard.verify.forensics import RESULTS
from tests.support.axe import need_axe, serious_faults

OVERLAPS = (Path(__file__).parents[1] / "support" / "overlaps.js").read_text()
SIZES = [(1440, 900), (1280, 800), (390, 844)]
CELLS = """(lines) => lines.map((line) => [line.dataset.row, Object.fromEntries([...line.cells].map((cell) => {
  const copy = cell.cloneNode(true);
  copy.querySelectorAll(".aside, .hidden, svg").forEach((each) => each.remove());
  return [cell.dataset.key, copy.textContent];
}))])"""
VIEWS = ("chart", "table", "types", "size", "pairs", "claims")
ALL = "cols=p,kind,evidence,chance_corrected,n,brier,specific,commonsense,negated,analogical,temporal,untyped"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("committed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECIPE_MPR_CACHE", str(folder / "cache"))
        build([RESULTS], folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def content(site):
    return json.loads((site / "leaderboard.json").read_text())


@pytest.fixture(scope="module", params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def sized(request, browser, scheme):
    width, height = request.param
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True)  # axe is a script from elsewhere
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_scrolls_sideways_or_overlaps_and_axe_finds_nothing_serious(sized, site, view):
    need_axe()
    sized.goto(f"{site.as_uri()}/index.html#view={view}")
    sized.reload()  # a change of the address alone opens nothing anew
    width = sized.viewport_size["width"]
    assert sized.evaluate("document.documentElement.scrollWidth") <= width
    assert sized.evaluate(OVERLAPS) == []
    if view in ("table", "claims") and width != 390:
        table = "#table-scroll" if view == "table" else "#view-claims .scroll"
        assert sized.evaluate(f"(e => e.scrollWidth - e.clientWidth)(document.querySelector('{table}'))") <= 0
    sized.evaluate("document.querySelectorAll('details').forEach((each, k) => { each.open = k < 40; })")
    assert serious_faults(sized) == {}


def test_the_first_screen_has_the_answer_and_eight_systems(browser, scheme, site):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(f"{site.as_uri()}/index.html")
    bottoms = (
        "[...document.querySelectorAll('{}')].filter((e) => e.getBoundingClientRect().bottom <= innerHeight).length"
    )
    assert opened.evaluate(bottoms.format("#headline")) == 1
    assert opened.evaluate(bottoms.format(".chart li")) >= 8
    labels = opened.locator(".chart .name").all_inner_texts()
    assert not [name for name in labels if name.endswith("...")], "every system is named in full"
    context.close()


def test_on_a_phone_every_system_is_a_card_with_its_name_in_sight(browser, site, content):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    opened = context.new_page()
    opened.goto(f"{site.as_uri()}/index.html#view=table")
    for card in opened.locator("#table tbody tr").all():
        box, name = card.bounding_box(), card.locator(".name").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert name["y"] - box["y"] < 24, "the name comes first"
        assert name["x"] + name["width"] <= 390
    assert opened.locator("#search").is_hidden()
    opened.get_by_text("Search and filters").click()
    opened.get_by_label("Search").fill("mpnet")
    opened.get_by_text(re.compile(r"^\s*[1-9]\d? of \d+ systems")).wait_for()
    opened.locator("#sort-choice").select_option("acc")
    on_board = [row for row in content["rows"] if row["board"] == "recipe_mpr" and row["acc"] is not None]
    best = max((row for row in on_board if "mpnet" in row["system"]), key=lambda row: row["acc"])
    assert opened.locator("#table tbody .name").first.inner_text() == best["name"]
    context.close()


def shown_numbers(row):
    """What the page must write of a row, from `leaderboard.json`, by the key of the column."""
    low, high = row.get("rank_low"), row.get("rank_high")
    shown = {
        "rank": f"{low}–{high}" if low != high else str(row["rank"] or ""),
        "acc": f"{percent(row['acc'])} {bounds(row['acc_low'], row['acc_high'])}".strip(),
        "params": count(row["params"]),
        "leader": "the leader" if row["rank"] else "",
        "n": str(row["n"] or ""),
        "chance_corrected": percent(row["chance_corrected"]),
        "evidence": row["evidence"],
    }
    for name, score in row["types"].items():
        shown[name.lower()] = f"{percent(score['acc'])} {bounds(score['low'], score['high'])}"
    if against := row.get("vs_leader"):
        difference, low, high = (f"{100 * against[key]:+.1f}" for key in ("difference", "low", "high"))
        shown["leader"] = f"{difference} [{low}, {high}]{' tied' if row['with_leader'] else ''}"
        shown["p"] = "<0.001" if against["p_holm"] < 0.001 else f"{against['p_holm']:.3f}"
        assert (against["low"] <= 0 <= against["high"]) == row["with_leader"], "interval and mark are of one test"
    return shown


def plain(text):
    """A cell's text on one line, with the hyphens of the other files."""
    return re.sub(r"\s+", " ", text.replace("\u2212", "-")).strip()


def test_every_number_on_the_page_is_that_of_leaderboard_json(page, site, content):
    for board in content["boards"]:
        rows = {row["id"]: row for row in content["rows"] if row["board"] == board["board"]}
        page.goto(f"{site.as_uri()}/index.html#board={board['board']}&view=table&rows=all&{ALL}")
        page.reload()
        cells = page.locator("#table tbody tr").evaluate_all(CELLS)
        assert {row_id for row_id, _ in cells} == rows.keys()
        compared = 0
        for row_id, shown in cells:
            expected = shown_numbers(rows[row_id])
            for key in expected.keys() & shown.keys():
                assert plain(shown[key]) == expected[key], (row_id, key)
                compared += 1
        assert compared >= 5 * len(rows)


def test_chart_answer_and_claims_have_the_numbers_of_leaderboard_json(page, site, content):
    rows = {row["id"]: row for row in content["rows"]}
    boards = {board["board"]: board for board in content["boards"]}
    for key, board in boards.items():
        page.goto(f"{site.as_uri()}/index.html#board={key}")
        page.reload()
        lines = page.locator(".chart li").evaluate_all(
            "(lines) => lines.map((li) => [li.dataset.row, li.querySelector('.value').textContent,"
            " li.querySelector('svg.track > .glyph').getAttribute('x')])"
        )
        assert {row_id for row_id, *_ in lines} == {r["id"] for r in rows.values() if r["board"] == key}
        for row_id, value, place in lines:
            row = rows[row_id]
            assert plain(value) == f"{percent(row['acc'])} {bounds(row['acc_low'], row['acc_high'])}".strip()
            assert abs(float(place.rstrip("%")) - 100 * row["acc"]) < 0.01
        answer = board["answer"]
        words = " ".join(answer[part] for part in ("lead", "name", "figure", "rest") if answer[part])
        assert plain(page.locator("#headline").inner_text()) == words
        if best := answer["best"]:
            assert answer["figure"] == f"{percent(best['acc'])}%"
            assert f"({percent(best['acc_low'])} to {percent(best['acc_high'])}" in answer["rest"]
            assert page.locator(".chart li.best").get_attribute("data-row") == best["row"]
    page.get_by_role("tab", name="Claims").click()
    shown = page.locator(".claims tbody tr").evaluate_all(
        "(lines) => lines.map((line) => [...line.cells].slice(1, 4).map((cell) => cell.innerText.split('\\n')[0]))"
    )
    assert len(shown) == len(content["claims"])
    for (claimed, recounted, constant), claim in zip(shown, content["claims"], strict=True):
        for text, score in ((claimed, claim["claimed"]), (recounted, claim["recounted"])):
            if score:
                assert plain(text) == f"{percent(score['acc'])} {bounds(score['low'], score['high'])}".strip()
        if claim["constant_letter"]:
            assert constant == f"{claim['constant_letter']}: {percent(claim['constant_letter_acc'])}"


def test_diagnostics_stand_apart_and_demonstrations_have_no_rank(page, site, content):
    page.goto(f"{site.as_uri()}/index.html")
    groups = page.locator("#board-choice optgroup").evaluate_all(
        "(groups) => groups.map((group) => [group.label, [...group.children].map((option) => option.value)])"
    )
    listed = [key for label in ("Boards", "Diagnostics") for key in dict(groups)[label]]
    assert sorted(listed) == sorted(
        board["board"] for board in content["boards"] if not board["board"].startswith("set-")
    )
    assert dict(groups)["Boards"][:2] == ["recipe_mpr", "recipe_mpr_test"]
    assert {"recipe_mpr_sample", "recipe_mpr_test_file_order"} <= {*dict(groups)["Diagnostics"]}
    for key in dict(groups)["Diagnostics"]:
        page.locator("#board-choice").select_option(key)
        assert page.locator("#about").inner_text().endswith(".")
    page.locator("#board-choice").select_option("recipe_mpr_test")
    shown = page.get_by_role("region", name="Diagnostics: demonstrations")
    assert shown.locator("li").count() == 3
    assert "".join(shown.locator(".place").all_inner_texts()) == ""
    assert not [row for row in content["rows"] if row.get("random_weights") and row["rank"]]
    assert page.locator(".banner").count() == 0


def test_the_sample_alone_carries_the_banner(page, tmp_path, own_cache):
    for path in (RESULTS / "untrained").glob("*-sample-*"):
        (tmp_path / path.name).write_text(path.read_text())
    build([tmp_path], tmp_path / "site")
    page.goto(f"{(tmp_path / 'site').as_uri()}/index.html")
    assert page.locator(".banner").inner_text().startswith("NO DATASET")
    assert "not from the benchmark" in page.locator("#about").inner_text()
    assert page.locator(".chart .place").first.inner_text().endswith("1–5"), (
        "five systems that the test cannot tell apart"
    )
