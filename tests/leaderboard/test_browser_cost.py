"""Costs in a real browser, of a site built from runs on the embedded sample with made-up costs."""

import pytest

from leaderboard.build import build
from recipe_mpr_task.manifest import COST_KEY, MODEL_KEY
from tests.support.axe import need_axe, serious_faults
from tests.support.fake_runs import run_files

RUNS = {"org/fast": ("A GPU", 0.1), "org/slow": ("A GPU", 0.9), "org/other": ("B GPU", 0.01),
        "org/vague": ("mps", 0.02), "org/loading": (None, None)}  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("costs")
    for k, (name, (device, seconds)) in enumerate(RUNS.items()):

        def edit(results, device=device, seconds=seconds):
            results["total_evaluation_time_seconds"] = "30.0"
            results[MODEL_KEY] = {"request_cache": False}
            if seconds:
                results[COST_KEY] = {
                    "tasks": 1, "seconds": 60 * seconds, "items": 60, "seconds_per_item": seconds,
                    "tokens_per_second": 512.3, "peak_memory_bytes": 10**9,
                    "hardware": {"device": device, "cpu": "x", "threads": 1, "n_devices": 1},
                }  # fmt: skip

        run_files(folder / "runs" / str(k), name=name, skill=0.2 * k, seed=k, date=float(k + 1), edit_results=edit)
    build([folder / "runs"], folder / "out")
    return folder / "out"


def drawn_in(plot):
    return sorted(title.split(":")[0] for title in plot.locator("title").all_text_contents() if ":" in title)


def test_the_plot_of_times_has_one_hardware_and_no_time_with_loading(page, out):
    page.goto((out / "plots" / "recipe-mpr-sample.html").as_uri())
    plot = page.locator("#plot-seconds")
    assert plot.locator("option").all_inner_texts() == ["A GPU (2)", "B GPU (1)"]
    said = plot.locator(".note").first.inner_text()
    assert "all on A GPU" in said
    assert (
        "Not drawn: systems whose time includes loading the model (1), and systems whose hardware is not recorded (1)."
        in said
    )
    assert drawn_in(plot) == ["org/fast", "org/slow"]
    plot.get_by_label("Hardware").select_option("B GPU")
    assert drawn_in(plot) == ["org/other"]
    page.reload()
    assert plot.get_by_label("Hardware").input_value() == "B GPU", "the address keeps the choice"


def test_a_systems_page_has_its_cost_with_the_hardware(page, out):
    page.goto((out / "index.html").as_uri() + "#board=recipe_mpr_sample&view=table")
    page.get_by_role("link", name="org/fast").click()
    page.locator("#facts", has_text="A GPU").wait_for()  # the click returns before the page's script has run
    facts = page.locator("#facts").inner_text()
    for known in ("A GPU", "0.1 s", "512", "1.00 GB", "6 s"):
        assert known in facts, known


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_and_the_pages_fit(browser, out, width):
    need_axe()
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    columns = "eval_seconds_per_item,eval_tokens_per_second,eval_memory_bytes,eval_gpu_seconds,eval_hardware"
    table = f"#board=recipe_mpr_sample&view=table&sort=eval_seconds_per_item&cols={columns}"
    for name in (f"index.html{table}", "plots/recipe-mpr-sample.html"):
        opened = context.new_page()
        opened.goto(out.as_uri() + "/" + name)
        opened.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert serious_faults(opened) == {}, name
        opened.close()
    context.close()
