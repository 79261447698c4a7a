"""The pages of a board's items and plots in a real browser, built from runs on the embedded sample."""

import json
from pathlib import Path

import pytest

from leaderboard.build import build
from leaderboard.load.find import find_files
from tests.support.axe import need_axe, serious_faults
from tests.support.fake_runs import run_files

MEASURED = (Path(__file__).parents[1] / "support" / "overlaps.js").read_text()
RESULTS = Path(__file__).parents[2] / "leaderboard" / "results" / "untrained"
SKILLS = {"org/strong": 0.9, "org/middle": 0.6, "org/middle-too (a long base model's name)": 0.55, "org/weak": 0.1}
SIZES = (((1440, 900), "light"), ((1280, 800), "dark"), ((390, 844), "light"), ((390, 844), "dark"))


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A site of four systems on the sample, and of two rules on the dataset's items without the dataset."""
    folder = tmp_path_factory.mktemp("items")
    for k, (name, skill) in enumerate(SKILLS.items()):
        run_files(folder / "runs" / str(k), name=name, skill=skill, seed=k, date=float(k + 1))
    records = [
        file
        for file, _ in find_files([RESULTS])[0]
        if file.name.startswith(("longest-recipe-mpr-6", "bm25-recipe-mpr-5"))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECIPE_MPR_CACHE", str(folder / "cache"))
        build([folder / "runs", *records], folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def sample(out):
    """The address of the sample's page of items, and its numbers."""
    numbers = json.loads((out / "items" / "recipe-mpr-sample.json").read_text())
    return (out / "items" / "recipe-mpr-sample.html").as_uri(), numbers


def entries(page):
    return page.locator("#list details")


def ids(page):
    return page.locator("#list details").evaluate_all("all => all.map((each) => each.dataset.item)")


def wait(page, text):
    page.get_by_text(text, exact=True).wait_for()


def row_id(numbers, name):
    (found,) = [row["id"] for row in numbers["systems"] if row["system"].startswith(name)]
    return found


def test_hardest_items_come_first_and_every_number_is_that_of_the_file(page, sample):
    address, numbers = sample
    page.goto(address)
    wait(page, "60 of 60 items")
    by_id = {item[0]: item for item in numbers["items"]}
    means = [by_id[item_id][3] for item_id in ids(page)]
    assert means == sorted(means)
    for entry in entries(page).all()[:5]:
        _, right, _, _, apart, _, _ = by_id[entry.get_attribute("data-item")]
        assert entry.locator(".result").inner_text() == f"{right} of 4 right"
        assert f"disagreement {100 * apart:.1f}%" in entry.inner_text()
    assert f"no system is right on {numbers['never']}." in page.locator(".lead").inner_text()
    page.locator("[name=sort]").select_option("apart")
    wanted = sorted(numbers["items"], key=lambda item: -(item[4] or -1))
    assert [by_id[i][4] for i in ids(page)] == [item[4] for item in wanted[: len(ids(page))]]
    page.locator("[name=show]").select_option("never")
    wait(page, f"{numbers['never']} of 60 items")


def test_filters_stand_in_the_address_and_an_opened_item_comes_back(page, sample):
    address, _ = sample
    page.goto(address)
    page.locator("[name=type]").select_option("Untyped")
    wait(page, "8 of 60 items")
    page.locator("[name=sort]").select_option("id")
    page.locator("[name=q]").fill("sample-")
    page.wait_for_url("**q=sample-*")
    first = entries(page).first
    first.locator("summary").press("Enter")
    first.locator("tbody tr").first.wait_for()
    opened = first.get_attribute("data-item")
    assert f"item={opened}" in page.url
    page.reload()
    entry = page.locator(f"[data-item={opened}]")
    entry.locator("tbody tr").first.wait_for()
    assert page.locator("[name=type]").input_value() == "Untyped"
    page.goto(f"{address}#sort=nonsense&type=None&item=nothing&toString=1")
    wait(page, "60 of 60 items")


def test_an_opened_item_shows_texts_votes_and_what_every_system_answered(page, sample, out):
    address, numbers = sample
    page.goto(f"{address}#item=sample-00")
    entry = page.locator("[data-item=sample-00]")
    entry.locator("tbody tr").nth(3).wait_for()
    texts = json.loads((out / "systems" / "items.js").read_text().removeprefix("window.RECIPE_MPR_ITEMS = ")[:-2])
    item = texts["sample-00"]
    assert entry.locator(".query").inner_text() == item["query"]
    lines = entry.locator(".options li").all_inner_texts()
    votes = next(each[6] for each in numbers["items"] if each[0] == "sample-00")
    for letter, recipe, vote, text in zip("ABCDE", item["shown"], votes, lines, strict=True):
        assert text.startswith(f"{letter}) {item['options'][recipe]}")
        assert f"chosen by {vote:g} of 4" in text
        assert ("right option" in text) == (recipe == item["gold"])
    answers = out / "systems" / f"{row_id(numbers, 'org/strong')}.js"
    _, _, chosen, chances, _ = json.loads(answers.read_text().split("] = ", 1)[1][:-2])[0]
    cells = entry.locator("tbody tr", has_text="org/strong").locator("td").all_inner_texts()
    assert [float(cell.split()[-1]) for cell in cells[1:]] == pytest.approx([unit / 100 for unit in chances], abs=0.51)
    assert [k for k, cell in enumerate(cells[1:]) if "chosen" in cell] == [item["shown"].index(chosen[0])]


def test_two_systems_stand_side_by_side_and_flipped_items_come_first(page, sample, out):
    address, numbers = sample
    a, b = row_id(numbers, "org/weak"), row_id(numbers, "org/strong")
    read = {x: json.loads((out / "systems" / f"{x}.js").read_text().split("] = ", 1)[1][:-2]) for x in (a, b)}
    right = {x: {item[0]: item[1] for item in answers} for x, answers in read.items()}
    only_a = {i for i in right[a] if right[a][i] > right[b][i]}
    only_b = {i for i in right[a] if right[b][i] > right[a][i]}
    page.goto(address)
    page.locator("[name=a]").select_option(a)
    page.locator("[name=b]").select_option(b)
    page.get_by_role("button", name=f"{len(only_b)} only org/strong right").wait_for()
    assert page.get_by_role("button", name=f"{len(only_a)} only org/weak right").is_visible()
    assert set(ids(page)[: len(only_a)]) == only_a
    assert set(ids(page)[len(only_a) :]) <= only_b, "then those that the other one has right"
    page.get_by_role("button", name="only org/strong right").press("Enter")
    wait(page, f"{len(only_b)} of 60 items")
    assert entries(page).first.locator(".answer").nth(1).inner_text().startswith("B right")
    pair = numbers["pairwise"]
    difference = pair["difference"][pair["ids"].index(a)][pair["ids"].index(b)]
    shown = page.locator("#pair .note").inner_text()
    assert f"A minus B: {100 * difference:.1f} points".replace("-", "\u2212") in shown
    page.reload()
    wait(page, f"{len(only_b)} of 60 items")
    page.get_by_role("button", name="Clear").click()
    wait(page, "60 of 60 items")
    assert not page.locator("#pair").is_visible()


def test_a_system_page_leads_to_the_pair_and_back(page, sample, out):
    _, numbers = sample
    page.goto((out / "systems" / f"{row_id(numbers, 'org/weak')}.html").as_uri())
    page.get_by_role("link", name="Compare item by item").click()
    wait(page, "60 of 60 items")
    assert page.locator("[name=a]").input_value() == row_id(numbers, "org/weak")
    page.get_by_role("link", name="Plots").click()
    assert page.locator("h1").inner_text().startswith("Plots: ")


def test_without_the_dataset_ids_stand_for_texts_and_the_page_says_why(page, out):
    page.goto((out / "items" / "recipe-mpr.html").as_uri())
    assert "built without the dataset" in page.locator("#texts-note").inner_text()
    assert entries(page).first.locator(".query").inner_text().startswith("mpr-")


def test_plots_show_the_numbers_of_the_file(page, out, sample):
    _, numbers = sample
    page.goto((out / "plots" / "recipe-mpr-sample.html").as_uri())
    leader, *others = [row for row in numbers["systems"] if row.get("rank")]
    forest = page.locator("#plot-forest")
    assert leader["system"] in forest.inner_text()
    shown = forest.locator("svg .figure").all_text_contents()
    wanted = [f"{100 * row['vs_leader']['difference']:+.1f}".replace("-", "\u2212") for row in others]
    assert shown == wanted
    errors = [f"error {100 * each['error']:.1f}" for each in numbers["calibration"]]
    captions = page.locator("#plot-calibration figcaption").all_inner_texts()
    assert len(captions) == len(errors) == 4
    assert all(error in caption for error, caption in zip(errors, captions, strict=True))
    cells = page.locator("#plot-agreement tbody tr").first.locator("td").all_inner_texts()
    assert cells[1:] == [f"{100 * each:.1f}" for each in numbers["agreement"]["same_choice"][0][1:]]
    page.locator("#agreement-choice").select_option("error_consistency")
    cells = page.locator("#plot-agreement tbody tr").first.locator("td").all_inner_texts()
    shares = numbers["agreement"]["error_consistency"][0][1:]
    assert cells[1:] == [f"{100 * each:.1f}".replace("-", "\u2212") for each in shares]
    bars = page.locator("#plot-difficulty figure").first.locator("rect").count()
    assert bars == len(numbers["histogram"]) == 5
    index = json.loads((out / "leaderboard.json").read_text())
    by_id = {row["id"]: row.get("calibration_error") for row in index["rows"]}
    assert [by_id[each["id"]] for each in numbers["calibration"]] == [each["error"] for each in numbers["calibration"]]


@pytest.mark.parametrize(("size", "scheme"), SIZES)
def test_pages_fit_no_text_covers_another_and_axe_finds_nothing_serious(browser, out, sample, size, scheme):
    need_axe()
    _, numbers = sample
    pair = f"#a={row_id(numbers, 'org/weak')}&b={row_id(numbers, 'org/strong')}"
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True)
    for address in ("items/recipe-mpr-sample.html#item=sample-01", f"items/recipe-mpr-sample.html{pair}",
                    "plots/recipe-mpr-sample.html"):  # fmt: skip
        opened = context.new_page()
        opened.goto(f"{out.as_uri()}/{address}")
        opened.evaluate("document.querySelectorAll('details.how').forEach((each) => { each.open = true; })")
        opened.locator("table tbody tr, .outcomes").first.wait_for()
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, address
        assert opened.evaluate(MEASURED) == [], address
        assert serious_faults(opened) == {}, address
        opened.close()
    context.close()
