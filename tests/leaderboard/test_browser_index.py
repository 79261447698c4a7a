"""The index page in a real browser, with made-up content: mouse, keyboard and address."""

import pytest

from leaderboard.site.page import index_page
from tests.support.page_content import site_content

TABLE = "view=table"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text(index_page(site_content()))
    return folder.as_uri()


def column(page, name):
    """The texts of a column's cells, top to bottom."""
    heads = page.locator("#table thead button").all_inner_texts()
    return page.locator(f"#table tbody tr > :nth-child({heads.index(name) + 1})").all_inner_texts()


def sort(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_sorting_puts_blanks_last_in_both_directions_and_keeps_the_focus(page, site):
    page.goto(f"{site}/index.html#{TABLE}&cols=eval_seconds&rows=all")
    ranks = column(page, "#")
    assert ranks[:3] == ["1–2", "1–3", "2–4"], "ranks that the tests cannot exclude"
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


def test_costs_are_sorted_within_equal_hardware_only(page, tmp_path):
    """Two GPUs, one row of vague hardware, one of none: no row of one stands between those of another."""
    content = site_content(9)
    on = {0: ("B GPU", 5.0), 1: ("A GPU", 9.0), 2: ("B GPU", 1.0), 3: ("A GPU", 2.0), 4: ("B GPU", 3.0), 5: (None, 0.1),
          6: ("aarch64, 2 threads", 0.2), 7: (None, None)}  # fmt: skip
    for k, (hardware, seconds) in on.items():
        cost = {"seconds_per_item": seconds, "hardware": hardware}
        content["rows"][k]["cost"] = {"evaluation": cost | ({"hardware_is_vague": True} if k == 6 else {})}
    content["rows"][8]["cost"] = {}
    (tmp_path / "index.html").write_text(index_page(content))
    page.goto((tmp_path / "index.html").as_uri() + f"#{TABLE}")
    assert "Seconds per item" not in page.locator("#table thead").inner_text(), "hidden at first"
    page.locator("#columns-menu summary").click()
    page.get_by_role("checkbox", name="All of Cost").check()
    page.locator("#columns-menu summary").click()
    unknown = ["0.1 s\nhardware not recorded", "0.2 s\naarch64, 2 threads"]
    ascending = [["1 s\nB GPU", "3 s\nB GPU", "5 s\nB GPU"], ["2 s\nA GPU", "9 s\nA GPU"]]
    for turn in (1, -1):
        sort(page, "Seconds per item")
        groups = [group[::turn] for group in ascending]
        assert column(page, "Seconds per item")[:8] == [*groups[0], *groups[1], *unknown, ""]
    said = page.locator("#cost-note").inner_text()
    assert "3 on B GPU; then 2 on A GPU; then 2 on unknown hardware, unsorted" in said
    sort(page, "Accuracy")
    assert page.locator("#cost-note").inner_text() == ""
    page.locator("#columns-menu summary").click()
    page.get_by_role("checkbox", name="All of Cost").uncheck()
    assert "Seconds per item" not in page.locator("#table thead").inner_text()


def test_what_is_shown_stands_in_the_address_and_comes_back(page, site):
    page.goto(f"{site}/index.html#{TABLE}")
    page.get_by_label("Search").fill("model-0")
    page.get_by_text("9 of 63 systems").wait_for()
    page.get_by_role("button", name="language models").click()
    page.get_by_text("8 of 63 systems").wait_for()
    page.locator("#columns-menu summary").click()
    page.get_by_role("checkbox", name="p (Holm)").check()
    sort(page, "Accuracy")
    sort(page, "Accuracy")
    before = column(page, "System")
    assert before[0].startswith("org/model-09")
    assert column(page, "p (Holm)")[0] == "0.500"
    page.reload()
    assert column(page, "System") == before
    assert column(page, "p (Holm)")[0] == "0.500"
    assert page.get_by_label("Search").input_value() == "model-0"
    assert page.get_by_role("button", name="language models").get_attribute("aria-pressed") == "true"
    page.get_by_role("tab", name="Table").press("ArrowLeft")
    assert page.locator("#view-chart .chart li").count() == 8
    page.reload()
    assert page.get_by_role("tab", selected=True).inner_text() == "Chart"


def test_a_switch_hides_what_others_claim_and_the_address_keeps_it(page, site):
    page.goto(f"{site}/index.html")
    claims = page.get_by_role("region", name="Published claims, not verified")
    assert claims.locator("li.claimed").count() == 1
    page.get_by_role("switch", name="Published claims").uncheck()
    page.get_by_text("62 of 63 systems").wait_for()
    assert claims.count() == 0
    page.reload()
    assert not page.get_by_role("switch", name="Published claims").is_checked()
    assert "claims=off" in page.url


def test_a_claim_s_source_is_shown_linked_and_found_in_table_and_view_of_claims(page, site):
    for view in (TABLE, "view=claims"):
        page.goto(f"{site}/index.html#{view}&q=paper+2023")
        link = page.get_by_role("link", name="a paper of 2023").locator("visible=true")
        assert link.get_attribute("href") == "https://example.org/paper"
    assert page.locator(".claims tbody td").all_inner_texts() == [
        "83.0 [79.0, 86.0]\n500 items",
        "",
        "A: 100.0",
        "A claim only",
    ]
    assert page.get_by_text("1 of 1 claims").is_visible()


def test_an_address_that_is_followed_or_nonsense_is_read(page, site):
    page.goto(f"{site}/index.html#{TABLE}&cols=flip_rate,prompt,train_seconds")
    page.locator("#board-choice").select_option("recipe_mpr_circular")
    assert column(page, "Flips") == ["40.0", "invariant"]
    assert "Prompt" in page.locator("#table thead").inner_text()
    assert "Training" not in page.locator("#table thead").inner_text(), "a column that is empty for the whole board"
    assert "board=recipe_mpr_circular" in page.url
    page.evaluate("location.hash = 'q=gpt&kind=reported&view=table'")
    page.get_by_text("1 of 63 systems").wait_for()
    nonsense = "board=nonsense&sort=nothing&dir=sideways&view=none&toString=1&q=gpt&cols=x,y&kind="
    page.goto(f"{site}/index.html#{nonsense}")
    page.get_by_text("1 of 63 systems").wait_for()
    assert page.locator(".chart .name").all_inner_texts() == ["GPT-3"]


def test_trust_opens_its_reason_and_overlap_shows_the_unseen_items(page, site):
    page.goto(f"{site}/index.html#{TABLE}&trust=overlap")
    row = page.locator("#table tbody tr", has_text="model-60")
    assert "trained on these items" in row.inner_text()
    assert "on 50 unseen items: 50.0 [40.0, 60.0]" in row.inner_text()
    assert "no record of its training data" not in row.inner_text()
    row.locator("summary").press("Enter")
    assert "no record of its training data" in row.inner_text()
    assert page.locator(".trust-legend dt").all_inner_texts() == [
        "held out", "training data unknown", "trained on these items", "claim", "not comparable"
    ]  # fmt: skip


def test_the_table_says_which_correction_interval_and_mark_share(page, site):
    page.goto(f"{site}/index.html#{TABLE}")
    said = page.locator("#tested").inner_text()
    assert "are Holm-corrected over the 59 comparisons of this board" in said
    assert said.startswith("From the leader (org/model-00)")


def test_views_follow_the_filters_and_the_matrix_marks_what_is_apart(page, site):
    page.goto(f"{site}/index.html")
    marks = page.locator("#view-chart .legend").inner_text()
    bands = ("chance, 20.0%", "best trivial rule, 23.7%", "target, 75.0%")
    for known in ("run here", "recounted", "published claim", *bands):
        assert known in marks
    page.get_by_role("tab", name="Pairs").click()
    assert page.locator("#view-pairs tbody tr").count() == 50
    assert page.locator("#view-pairs td.above").first.inner_text().endswith("*")
    page.get_by_label("Search").fill("model-01")
    page.get_by_role("tab", name="Types").click()
    page.get_by_text("1 of 63 systems").wait_for()
    assert page.locator("#view-types tbody tr").count() == 1
    assert "detectable difference: 10.0 points (80% power)" in page.locator("#view-types thead").inner_text()
    page.get_by_role("tab", name="Size").click()
    assert page.locator("#view-size circle").count() == 1


def test_a_long_board_shows_its_first_systems_until_all_are_asked_for(page, tmp_path):
    (tmp_path / "index.html").write_text(index_page(site_content(140)))
    page.goto((tmp_path / "index.html").as_uri())
    assert page.locator(".chart li").count() == 62
    page.get_by_role("button", name="Show all 143 systems").click()  # one row has no accuracy
    assert page.locator(".chart li").count() == 142


def test_a_hostile_row_is_text_without_a_link(page, site):
    for view in ("view=chart", TABLE):
        page.goto(f"{site}/index.html#{view}")
        cell = page.locator("#table tbody tr th" if view == TABLE else ".chart li .who").nth(2)
        assert "<img src=x" in cell.inner_text()
        assert "\u202e" not in cell.inner_text()
        assert (cell.locator("a").count(), page.locator("img").count()) == (0, 0)


def test_numbers_are_rounded_as_in_the_other_files(page, site):
    """Half to even, as Python does: 10 of 32 are 31.25."""
    page.goto(f"{site}/index.html#{TABLE}&cols=temporal")
    assert column(page, "Temporal")[3].startswith(f"{31.25:.1f} [")


def test_dark_and_light_are_chosen_by_a_switch_and_kept(page, site):
    page.goto(f"{site}/index.html")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Dark mode").press("Enter")
    page.wait_for_function(f"(before) => {background} !== before", arg=light)
    dark = page.evaluate(background)
    page.reload()
    page.wait_for_function(f"(before) => {background} === before", arg=dark)
    page.get_by_role("button", name="Light mode").click()
    page.wait_for_function(f"(before) => {background} === before", arg=light)


def test_every_control_works_by_keyboard(page, site):
    page.goto(f"{site}/index.html#{TABLE}")
    reached, names = set(), ("board-choice", "search", "claims-switch", "tab-table", "table-scroll")
    for _ in range(60):
        page.keyboard.press("Tab")
        reached |= set(page.evaluate(
            "[document.activeElement.id, document.activeElement.className, document.activeElement.tagName,"
            " document.activeElement.dataset.sort]"))  # fmt: skip
    assert {*names, "chip", "SUMMARY", "acc"} <= reached
    page.get_by_role("button", name="held out").press("Space")
    page.get_by_text("1 of 63 systems").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "held out", "redrawing keeps the focus"
    page.keyboard.press("Space")
    page.get_by_role("switch").press("Space")
    page.get_by_text("62 of 63 systems").wait_for()
    page.locator("#columns-menu summary").press("Enter")
    page.get_by_role("checkbox", name="Items", exact=True).press("Space")
    assert column(page, "Items")[0] == "500"
    assert page.evaluate("document.activeElement.dataset.column") == "n"


def test_the_board_can_be_read_without_javascript(browser, site):
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{site}/index.html")
    assert opened.locator("#table tbody tr:visible").count() == 63
    assert opened.locator("form:visible, #tabs:visible").count() == 0
    assert opened.locator("#headline").inner_text().startswith("Best measured here: org/model-00 90.0% (86.0 to 94.0)")
    assert opened.locator("#table tbody tr").nth(1).locator("td").nth(2).inner_text() == "-1.0 [-2.0, +1.0] tied"
    assert opened.get_by_role("link", name="source").get_attribute("href") == "https://example.org/paper"
    assert "need JavaScript" in opened.locator("body").inner_text()
    context.close()
