"""Costs of rows: compared and pooled on equal hardware only, and never where the figures are not of the row alone."""

import csv
import io
import json
from typing import Any

import pytest

from leaderboard.build import build
from leaderboard.compare import report
from leaderboard.rank.cost import cost_lines, pooled_cost, without_evaluation
from leaderboard.rank.row_parts import Cost
from recipe_mpr_task.cost import names_hardware
from recipe_mpr_task.manifest import COST_KEY, MODEL_KEY
from tests.support.fake_runs import run_files

XEON = {"device": "cpu", "cpu": "Intel Xeon 8481C", "threads": 2, "n_devices": 1}
H100 = {"device": "NVIDIA H100 80GB HBM3", "cpu": "Intel Xeon 8481C", "threads": 16, "n_devices": 2}


def recorded(hardware: Any = XEON, *, use_cache=None, **changes):
    cost = {"tasks": 1, "seconds": 12.0, "items": 60, "seconds_per_item": 0.2, "tokens_per_second": 500.0,
            "peak_memory_bytes": 10**9, "hardware": hardware} | changes  # fmt: skip

    def edit(results):
        results["config"]["use_cache"] = use_cache
        results |= {COST_KEY: cost, MODEL_KEY: {"request_cache": bool(use_cache)}}
        results["total_evaluation_time_seconds"] = "30.0"

    return edit


@pytest.fixture
def costs(tmp_path):
    """The cost of a run as the leaderboard reads it, and the row's object in leaderboard.json."""

    def read(*args, **changes):
        run_files(tmp_path / "run", edit_results=recorded(*args, **changes))
        build([tmp_path / "run"], tmp_path / "site")
        rows = json.loads((tmp_path / "site" / "leaderboard.json").read_text())["rows"]
        (row,) = [row for row in rows if row["status"] != "reported"]
        lines = csv.DictReader(io.StringIO((tmp_path / "site" / "leaderboard.csv").read_text()))
        return row, next(line for line in lines if line["system"] == "org/model")

    return read


def test_json_and_csv_have_the_figures_with_their_hardware(costs):
    row, line = costs(H100)
    expected = {"seconds": 30.0, "seconds_per_item": 0.2, "tokens_per_second": 500.0, "memory_bytes": 10**9,
                "gpu_seconds": 24.0, "hardware": "2 x NVIDIA H100 80GB HBM3"}  # fmt: skip
    assert row["cost"]["evaluation"] == expected
    assert {name: line[f"eval_{name}"] for name in expected} == {k: str(v) for k, v in expected.items()}
    assert (row["seconds_an_item"], row["with_loading"], row["hardware"]) == (0.2, False, expected["hardware"])


def test_on_a_cpu_threads_are_hardware_and_there_are_no_gpu_seconds(costs):
    cost = costs(XEON)[0]["cost"]["evaluation"]
    assert cost["hardware"] == "Intel Xeon 8481C, 2 threads"
    assert "gpu_seconds" not in cost


@pytest.mark.parametrize(("changes", "why", "seconds"), [
    ({"use_cache": "cache"}, "request cache", None),
    ({"tasks": 2, "items": 120}, "2 tasks together", 30.0),
    ({"items": 120}, "measured for 120 items, but the run has 60", 30.0),
])  # fmt: skip
def test_a_figure_that_is_not_of_this_run_alone_is_left_out_with_the_reason(costs, changes, why, seconds):
    row, _ = costs(**changes)
    cost = row["cost"]["evaluation"]
    assert why in cost.pop("note")
    assert cost == ({"seconds": seconds} if seconds else {})
    assert row.get("with_loading", True), "no time without loading"


def test_a_time_that_contradicts_its_parts_is_computed_again(costs):
    assert costs(seconds_per_item=0.0001)[0]["cost"]["evaluation"]["seconds_per_item"] == 0.2


@pytest.mark.parametrize("name", ["aarch64", "x86_64", "unknown CPU", "arm"])
def test_a_kind_of_processor_is_no_hardware_to_compare_on(costs, name):
    row, _ = costs(XEON | {"cpu": name})
    assert row["cost"]["evaluation"]["hardware_is_vague"] is True
    assert "hardware" not in row, "so the plot does not draw it"


def test_names_of_hardware():
    for named in (
        "NVIDIA H100 80GB HBM3",
        "2 x NVIDIA A100",
        "AMD EPYC 7763, 1 thread",
        "Intel(R) Xeon(R) Processor, 2 threads",
    ):
        assert names_hardware(named), named
    for vague in ("", "mps", "aarch64, 4 threads", "AMD EPYC 7763, 2 threads; NVIDIA L4", "x" * 200):
        assert not names_hardware(vague), vague


def cost(hardware: str | None = "a GPU", **changes: Any) -> Cost:
    made = {"eval_seconds": 40.0, "eval_seconds_per_item": 0.2, "eval_tokens_per_second": 100.0,
            "eval_memory_bytes": 10**9, "eval_gpu_seconds": 20.0, "eval_hardware": hardware}  # fmt: skip
    return Cost(**made | changes)


def test_folds_on_one_hardware_are_added_up():
    pooled = pooled_cost([cost(train_seconds=5.0, train_hardware="a GPU")] * 5, of_folds=True)
    assert (pooled.eval_seconds, pooled.eval_gpu_seconds, pooled.train_seconds) == (200.0, 100.0, 25.0)
    assert (pooled.eval_seconds_per_item, pooled.eval_hardware, pooled.eval_note) == (pytest.approx(0.2), "a GPU", None)


@pytest.mark.parametrize(("other", "named"), [("a CPU, 1 thread", "a CPU, 1 thread (1), a GPU (4)"),
                                              (None, "a GPU (4), not recorded (1)")])  # fmt: skip
def test_folds_on_mixed_hardware_have_no_figure_and_a_reason(other, named):
    costs = [cost()] * 4 + [cost(other, train_seconds=1.0)]
    pooled = pooled_cost(costs, of_folds=True)
    figures = {k: v for k, v in vars(pooled).items() if k.startswith("eval_") and k != "eval_note"}
    assert set(figures.values()) == {None}
    assert f"the 5 runs had different hardware: {named}" in (pooled.eval_note or "")


def test_prompts_share_one_training():
    pooled = pooled_cost([cost(train_seconds=5.0, trainable_params=7)] * 6, of_folds=False)
    assert (pooled.train_seconds, pooled.trainable_params, pooled.eval_seconds) == (5.0, 7, 240.0)


def test_a_part_of_the_items_has_no_cost_of_its_own():
    part = without_evaluation(cost(train_seconds=5.0))
    assert (part.eval_seconds, part.eval_seconds_per_item, part.eval_hardware, part.train_seconds) == (None,) * 3 + (
        5.0,
    )
    assert "a part of its items" in (part.eval_note or "")
    assert without_evaluation(Cost()) == Cost()


def test_compare_gives_a_ratio_on_equal_hardware_only():
    said = "\n".join(cost_lines(cost(), cost(eval_seconds_per_item=0.1)))
    assert "both on a GPU" in said and "seconds per item: A 0.2, B 0.1, A / B = 2" in said
    for b, why in (
        (cost("another GPU"), "A ran on a GPU, B on another GPU"),
        (cost(None), "the hardware of B is not recorded"),
        (cost("mps"), "the hardware of B is not named exactly (mps)"),
        (
            cost(eval_seconds_per_item=None, eval_note="cached"),
            "the time of B without loading the model is not recorded (cached)",
        ),
        (cost("a GPU, 1 thread"), "A ran on a GPU, B on a GPU, 1 thread"),
    ):
        (told,) = cost_lines(cost(), b)
        assert told == f"Cost of evaluation not compared: {why}."


def test_compare_prints_why_there_is_no_ratio(tmp_path):
    from leaderboard.collect import raise_fault
    from leaderboard.compare import two_rows

    for name, hardware in (("a", XEON), ("b", XEON | {"threads": 1})):
        run_files(tmp_path / name, name=f"org/{name}", seed=ord(name), edit_results=recorded(hardware))
    rows = two_rows((tmp_path / "a", ""), (tmp_path / "b", ""), None, raise_fault)
    text = "\n".join(report(*rows))
    assert "not compared: A ran on Intel Xeon 8481C, 2 threads, B on Intel Xeon 8481C, 1 thread." in text
