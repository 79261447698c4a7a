"""The systems' pages in a real browser: mouse, keyboard, address, and accessibility (axe)."""

import pytest

from leaderboard.site.page import answers_script, index_page, items_script, system_page
from tests.support.axe import need_axe, serious_faults
from tests.support.page_content import (
    answers,
    file_order_content,
    items,
    reported_content,
    row,
    site_content,
    system_content,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "systems").mkdir()
    (folder / "index.html").write_text(index_page(site_content()))
    (folder / "systems" / "items.js").write_text(items_script(items()))
    over_prompts = system_content() | {"row": row(7, "prompts", prompt_accs={"mmlu": 0.5}), "answers": "prompts-7.js"}
    without = system_content() | {"row": row(6), "answers": "recipe_mpr-6.js"}
    made = {"recipe_mpr-0": system_content(), "hostile": system_content(hostile=True), "reported": reported_content(),
            "file-order": file_order_content(), "prompts": over_prompts, "unknown-items": without}  # fmt: skip
    for name, content in made.items():
        (folder / "systems" / f"{name}.html").write_text(system_page(content))
        if content["answers"]:
            text = answers(4 if name in ("file-order", "prompts") else 40)
            text = text.replace("mpr-0", "mpr-9") if name == "unknown-items" else text
            (folder / "systems" / content["answers"]).write_text(answers_script(content["row"]["id"], text))
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
    rows = page.locator("#items details:visible")
    page.get_by_text("40 of 40 items").wait_for()
    assert rows.count() == 30, "the others are drawn when they are scrolled to"
    page.locator("#result-choice").select_option("wrong")
    page.get_by_text("26 of 40 items").wait_for()
    page.locator("#type-choice").select_option("Negated")
    page.get_by_label("Search").fill("dish 12")
    page.locator("#result-choice").select_option("")
    page.get_by_text("1 of 40 items").wait_for()
    entry = rows.first
    assert entry.locator(".query").inner_text() == "I want dish 12 <b>"
    assert entry.locator(".answer").all_inner_texts() == ["Chosen C) Dish c 80%"], "texts, not recipe ids"
    entry.locator("summary").press("Enter")
    entry.locator("li").last.wait_for()
    options = entry.locator("li").all_inner_texts()
    assert [" ".join(option.split()) for option in options][2] == "C) Dish cright option chosen 80%"
    assert page.locator("#position svg").count() == 2
    assert page.locator("#history svg").count() == 2
    assert (
        "Expected calibration error 45.0 points: confidence is above accuracy"
        in page.locator("#calibration-note").inner_text()
    )
    page.get_by_role("navigation").get_by_role("link", name="All systems").click()
    assert page.locator("h1").inner_text() == "Recipe-MPR leaderboard"


def test_a_systems_filters_stand_in_the_address_and_untyped_can_be_chosen(page, site):
    page.goto(f"{site}/systems/recipe_mpr-0.html")
    page.locator("#type-choice").select_option("Untyped")
    page.get_by_text("4 of 40 items").wait_for()
    page.locator("#item-controls [name=sort]").select_option("unsure")
    page.reload()
    assert page.locator("#type-choice").input_value() == "Untyped"
    assert "type=Untyped&sort=unsure" in page.url or "sort=unsure&type=Untyped" in page.url
    page.goto(f"{site}/systems/recipe_mpr-0.html#type=None&result=right&nothing=1")
    page.get_by_text("14 of 40 items").wait_for()


def test_items_are_drawn_as_they_are_scrolled_to_and_by_a_button(page, site):
    page.goto(f"{site}/systems/recipe_mpr-0.html")
    more = page.get_by_role("button", name="Show more: 30 of 40 shown")
    assert more.is_visible()
    more.focus()
    page.locator("#items details").nth(39).wait_for(state="attached")
    assert not page.get_by_role("button", name="Show more").is_visible()


def test_a_system_without_items_and_one_in_another_order_say_so(page, site):
    page.goto(f"{site}/systems/reported.html")
    assert "the accuracy is a published claim" in page.locator("#items-note").inner_text()
    assert page.locator("#history svg").count() == 1
    assert not page.locator("#position-section").is_visible()
    page.goto(f"{site}/systems/file-order.html")
    assert "the right option is always A" in page.locator("#items-note").inner_text()
    entry = page.locator("#items details").nth(1)  # right is b, which the file has first
    assert "Right A) Dish b" in entry.inner_text()


def test_items_without_texts_are_shown_by_their_ids_and_say_why(page, site):
    page.goto(f"{site}/systems/unknown-items.html")
    assert "built without the dataset" in page.locator("#items-note").inner_text()
    assert page.locator("#items .query").first.inner_text() == "mpr-900"


def test_a_row_over_prompts_says_that_it_has_several_answers(page, site):
    page.goto(f"{site}/systems/prompts.html")
    assert "with five templates" in page.locator("#items-note").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_and_the_page_fits(browser, site, scheme, width):
    need_axe()
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    for name in ("systems/recipe_mpr-0.html", "systems/file-order.html"):
        opened = context.new_page()
        opened.goto(f"{site}/{name}")
        opened.evaluate("document.querySelectorAll('details').forEach((each, k) => { each.open = k < 40; })")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert serious_faults(opened) == {}, name
        opened.close()
    context.close()
