"""The pages in a real browser: what a reader does with mouse, keyboard and address, and what axe says of them."""

import os
import shutil
from pathlib import Path

import pytest

from leaderboard.site.page import index_page, items_script, system_page
from tests.support.needs import skip
from tests.support.page_content import (
    answers,
    file_order_content,
    items,
    reported_content,
    row,
    site_content,
    system_content,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(os.environ.get("RECIPE_MPR_AXE", Path(__file__).parents[2] / ".venv/node_modules/axe-core/axe.min.js"))
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
              "--disable-sync", "--no-first-run"]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        skip("no chromium: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip("playwright is not installed: pip install -e '.[dev]'")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "systems").mkdir()
    (folder / "index.html").write_text(index_page(site_content()))
    (folder / "systems" / "items.js").write_text(items_script(items()))
    over_prompts = system_content() | {"row": row(7, "prompts", prompt_accs={"mmlu": 0.5})}
    made = {"recipe_mpr-0": (system_content(), answers()), "hostile": (system_content(hostile=True), answers()),
            "reported": (reported_content(), "[]"), "file-order": (file_order_content(), answers(4)),
            "prompts": (over_prompts, answers(4))}  # fmt: skip
    for name, content in made.items():
        (folder / "systems" / f"{name}.html").write_text(system_page(*content))
    return folder.as_uri()


@pytest.fixture
def page(browser):
    """A page on which a message, a dialog, an error or a request to elsewhere fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened, faults = context.new_page(), []
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("dialog", lambda dialog: (faults.append("dialog"), dialog.dismiss()))
    opened.on("request", lambda request: request.url.startswith(("file:", "data:,")) or faults.append(request.url))
    yield opened
    assert faults == []
    context.close()


def column(page, name):
    """The texts of a column's cells, top to bottom."""
    heads = page.locator("#table thead button").all_inner_texts()
    return page.locator(f"#table tbody tr > :nth-child({heads.index(name) + 1})").all_inner_texts()


def sort(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_sorting_puts_blanks_last_in_both_directions_and_keeps_the_focus(page, site):
    page.goto(f"{site}/index.html")
    ranks = column(page, "#")
    assert ranks[:3] == ["1", "2", "3"]
    assert ranks[-3:] == ["", "", ""]
    for expected in ("ascending", "descending"):
        sort(page, "Evaluation")
        if expected == "ascending":  # numbers come highest first
            sort(page, "Evaluation")
        assert page.locator(f"th[aria-sort={expected}]").inner_text().strip() == "Evaluation"
        cells = column(page, "Evaluation")
        assert (cells[0], cells[-3:]) == ({"ascending": "0 s", "descending": "12.3 min"}[expected], ["", "", ""])
    assert page.evaluate("document.activeElement.dataset.sort") == "eval_seconds"
    page.keyboard.press("Enter")
    assert column(page, "Evaluation")[0] == "0 s"


def test_what_is_shown_stands_in_the_address_and_comes_back(page, site):
    page.goto(f"{site}/index.html")
    page.get_by_label("Search").fill("model-0")
    page.get_by_text("9 of 63 systems").wait_for()
    page.locator("#kinds input[value=encoder]").uncheck()
    page.get_by_text("8 of 63 systems").wait_for()
    sort(page, "Accuracy")
    sort(page, "Accuracy")
    before = column(page, "System")
    assert before[0].startswith("org/model-09")
    page.reload()
    assert column(page, "System") == before
    assert page.get_by_label("Search").input_value() == "model-0"
    page.get_by_role("tab", name="Table").press("ArrowRight")
    assert page.locator("#view-accuracy circle").count() == 8
    page.reload()
    assert page.get_by_role("tab", selected=True).inner_text() == "Intervals"
    page.get_by_role("button", name="Show all").click()
    page.get_by_text("63 of 63 systems").wait_for()


def test_an_address_that_is_followed_or_nonsense_is_read(page, site):
    page.goto(f"{site}/index.html")
    page.locator("#board-choice").select_option("recipe_mpr_circular")
    assert column(page, "Flips") == ["40.0", "invariant"]
    assert "Prompt" in page.locator("#table thead").inner_text()
    assert "Training" not in page.locator("#table thead").inner_text(), "a column that is empty for the whole board"
    assert "board=recipe_mpr_circular" in page.url
    page.evaluate("location.hash = 'q=gpt&hide-kind=causal'")
    page.get_by_text("1 of 63 systems").wait_for()
    assert not page.locator("#kinds input[value=causal]").is_checked()
    page.goto(f"{site}/index.html#board=nonsense&sort=nothing&dir=sideways&view=none&toString=1&q=gpt")
    page.get_by_text("1 of 63 systems").wait_for()
    assert column(page, "System") == ["GPT-3"]


def test_a_status_opens_its_reason_and_overlap_shows_the_unseen_items(page, site):
    page.goto(f"{site}/index.html#hide-status=unknown")
    row = page.locator("#table tbody tr", has_text="model-60")
    assert "on 50 unseen: 50.0 [40.0, 60.0]" in row.inner_text()
    assert "nothing tells" not in row.inner_text()
    row.locator("summary").press("Enter")
    assert "nothing tells what it was trained on" in row.inner_text()


def test_plots_follow_the_filters_and_the_matrix_marks_what_is_apart(page, site):
    page.goto(f"{site}/index.html#view=accuracy")
    assert page.locator("#view-accuracy circle").count() == 50
    assert "first 50 of 62 systems" in page.locator("#view-accuracy .note").inner_text()
    marks = page.locator("#view-accuracy svg text").all_text_contents()
    assert {"chance", "floors", "target"} <= set(marks)
    page.get_by_role("tab", name="Pairs").click()
    assert page.locator("#view-pairs tbody tr").count() == 50
    assert page.locator("#view-pairs td.above").first.inner_text().endswith("*")
    page.get_by_label("Search").fill("model-01")
    page.get_by_role("tab", name="Query types").click()
    page.get_by_text("1 of 63 systems").wait_for()
    assert page.locator("#view-types tbody tr").count() == 1
    assert "detectable difference: 10.0 points (80% power)" in page.locator("#view-types thead").inner_text()
    page.get_by_role("tab", name="Size").click()
    assert page.locator("#view-size circle").count() == 1


def test_a_hostile_row_is_text_without_a_link_and_foreign_script_does_not_run(page, site, browser):
    page.goto(f"{site}/index.html")
    cell = page.locator("#table tbody tr").nth(2).locator("th")
    assert "<img src=x" in cell.inner_text()
    assert "\u202e" not in cell.inner_text()
    assert (cell.locator("a").count(), page.locator("img").count()) == (0, 0)
    page.goto(f"{site}/systems/hostile.html")
    assert "<img src=x" in page.locator("h1").inner_text()
    other = browser.new_page()  # one that may complain
    other.goto(f"{site}/index.html")
    other.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert other.evaluate("window.ran") is None
    other.close()


def test_a_system_opens_from_the_table_and_its_items_can_be_searched(page, site):
    page.goto(f"{site}/index.html")
    page.get_by_role("link", name="org/model-00").click()
    assert page.locator("h1").inner_text() == "org/model-00"
    rows = page.locator("#items tbody tr:visible")
    assert rows.count() == 40
    page.locator("#result-choice").select_option("wrong")
    page.get_by_text("26 of 40 items").wait_for()
    page.locator("#type-choice").select_option("Negated")
    page.get_by_label("Search").fill("dish 12")
    page.locator("#result-choice").select_option("")
    page.get_by_text("1 of 40 items").wait_for()
    assert rows.first.locator("td").all_inner_texts()[2:] == ["C c000000000", "C c000000000", "5", "5", "80", "5", "5"]
    rows.first.locator("summary").click()
    rows.first.get_by_text("C) Dish c (right, chosen)").wait_for()  # written when the browser says it is open
    assert page.locator("#position svg").count() == 2
    assert page.locator("#history svg").count() == 2
    page.get_by_role("navigation").get_by_role("link", name="All systems").click()
    assert page.locator("h1").inner_text() == "Recipe-MPR leaderboard"


def test_a_system_without_items_and_one_in_another_order_say_so(page, site):
    page.goto(f"{site}/systems/reported.html")
    assert "taken over from elsewhere" in page.locator("#items-note").inner_text()
    assert page.locator("#history svg").count() == 1
    assert not page.locator("#position-section").is_visible()
    page.goto(f"{site}/systems/file-order.html")
    assert "options have no letters" in page.locator("#items-note").inner_text()
    assert page.locator("#items tbody td:nth-child(4)").first.inner_text().strip() == "a000000000"


def test_a_row_over_prompts_shows_no_choice_as_it_has_several(page, site):
    page.goto(f"{site}/systems/prompts.html")
    heads = page.locator("#items thead th").all_inner_texts()
    assert heads[:4] == ["Item", "Result", "Types", "Right option"]
    assert "under five templates" in page.locator("#items-note").inner_text()


def test_numbers_are_rounded_as_in_the_other_files(page, site):
    """Half to even, as Python does: 10 of 32 are 31.25."""
    page.goto(f"{site}/index.html")
    assert column(page, "Temporal")[3].startswith(f"{31.25:.1f} [")


def test_the_board_can_be_read_without_javascript(browser, site):
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{site}/index.html")
    assert opened.locator("#table tbody tr:visible").count() == 63
    assert opened.locator("form:visible, #tabs:visible").count() == 0
    assert "need JavaScript" in opened.locator("body").inner_text()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_and_the_page_fits(browser, site, scheme, width):
    if not AXE.is_file():
        skip(f"no axe-core: npm install --prefix {AXE.parents[2]} axe-core")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    views = ("accuracy", "types", "size", "pairs")
    for name in ("index.html", *(f"index.html#view={view}" for view in views), "systems/recipe_mpr-0.html"):
        opened = context.new_page()
        opened.goto(f"{site}/{name}")
        opened.evaluate("document.querySelectorAll('details').forEach((each, k) => { each.open = k < 40; })")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        opened.add_script_tag(path=str(AXE))
        found = opened.evaluate("axe.run().then((result) => result.violations)")
        serious = {v["id"]: v["nodes"][0]["html"][:200] for v in found if v["impact"] in ("serious", "critical")}
        assert serious == {}, name
        opened.close()
    context.close()
