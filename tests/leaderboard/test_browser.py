"""The systems' pages in a real browser: what a reader does with mouse and keyboard, and what axe finds."""

import os
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

AXE = Path(os.environ.get("RECIPE_MPR_AXE", Path(__file__).parents[2] / ".venv/node_modules/axe-core/axe.min.js"))


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


def test_a_hostile_name_is_text_and_foreign_script_does_not_run(page, site, browser):
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_and_the_page_fits(browser, site, scheme, width):
    if not AXE.is_file():
        skip(f"no axe-core: npm install --prefix {AXE.parents[2]} axe-core")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    for name in ("systems/recipe_mpr-0.html",):
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
