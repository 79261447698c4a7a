"""The real lm_eval command on real data and real weights, and what it logs."""

import json
import math
from collections import Counter

import pytest

from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.splits import scored_ids
from tests.support.commands import run_python

EVERYTHING = (
    "recipe_mpr,recipe_mpr_test,recipe_mpr_folds,recipe_mpr_file_order,recipe_mpr_test_file_order,recipe_mpr_sample"
)
TYPES = ("specific", "commonsense", "negated", "analogical", "temporal", "untyped")


@pytest.mark.real_data
def test_first_scores_chance_everywhere_but_in_file_order(lm_eval):
    run = lm_eval("recipe-mpr-baseline", "kind=first", EVERYTHING)
    fair = ["recipe_mpr", "recipe_mpr_test", "recipe_mpr_sample", "recipe_mpr_folds"]
    for task in [*fair, *(f"recipe_mpr_fold{k}" for k in range(5))]:
        assert run.acc(task) == pytest.approx(0.2, abs=1e-12), task
    for task in ("recipe_mpr_file_order", "recipe_mpr_test_file_order"):
        assert run.acc(task) == 1.0, "the flaw"
    counts = Counter(name for i in scored_ids("all") for name in pinned_items()[i].types or ("Untyped",))
    for name in TYPES:
        n = counts[name.capitalize()]
        assert run.acc("recipe_mpr", f"acc_{name}") * n in (pytest.approx(n // 5), pytest.approx(n // 5 + 1))
        assert run.results["results"]["recipe_mpr"][f"acc_{name}_stderr,none"] > 0
    assert run.results["n-samples"]["recipe_mpr"] == {"original": 500, "effective": 500}
    assert "acc_specific,none" not in run.results["results"]["recipe_mpr_folds"]


@pytest.mark.real_data
def test_minilm_gives_the_known_accuracies_whatever_the_order(lm_eval, minilm):
    tasks = "recipe_mpr,recipe_mpr_file_order,recipe_mpr_folds"
    run = lm_eval("recipe-mpr-encoder", f"pretrained={minilm},head=bi_encoder", tasks)
    known = {"": 0.4180, "_specific": 0.5166, "_commonsense": 0.3470, "_negated": 0.2385, "_analogical": 0.5667,
             "_temporal": 0.3125}  # fmt: skip
    for suffix, accuracy in known.items():
        assert run.acc("recipe_mpr", f"acc{suffix}") == pytest.approx(accuracy, abs=5e-5)
        assert run.acc("recipe_mpr_file_order", f"acc{suffix}") == run.acc("recipe_mpr", f"acc{suffix}")
    assert run.acc("recipe_mpr_folds") == pytest.approx(0.4180)
    assert run.results["config"]["model_num_parameters"] == 22_713_216
    samples = run.samples("recipe_mpr")
    assert len(samples) == 500
    for sample in samples:
        pinned = pinned_items()[sample["doc"]["item_id"]]
        assert tuple(sample["doc"]["option_ids"]) == pinned.shown_ids("shuffled")
        assert sample["doc"]["order"] == "shuffled"
        assert sample["doc"]["gold_letter"] == "ABCDE"[int(sample["target"])]
        assert sample["doc"]["option_ids"][int(sample["target"])] == pinned.gold
    assert "correctness" not in json.dumps(samples)


@pytest.mark.parametrize("flags", [[], ["--apply_chat_template"]], ids=["raw", "chat"])
@pytest.mark.parametrize("shots", [0, 3])
def test_tiny_qwen_runs_through_hf(lm_eval, tiny_qwen, flags, shots):
    more = ["--num_fewshot", str(shots), "--device", "cpu", "--batch_size", "16", *flags]
    run = lm_eval("hf", f"pretrained={tiny_qwen},enable_thinking=False", "recipe_mpr_sample", *more)
    samples = run.samples("recipe_mpr_sample")
    assert len(samples) == 60
    contexts = [s["arguments"]["gen_args_0"]["arg_0"] for s in samples]
    letters = [s["arguments"]["gen_args_1"]["arg_1"] for s in samples]
    assert set(letters) == ({"B"} if flags else {" B"})
    assert all(context.count("Question:") == shots + 1 for context in contexts)
    if flags:
        assert all(context.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n") for context in contexts)
    assert 0 <= run.acc("recipe_mpr_sample") <= 1


def test_a_model_whose_scores_are_all_equal_scores_chance(lm_eval, tiny_qwen, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "flat"
    shutil.copytree(tiny_qwen, folder)
    weights = {name: value.zero_() for name, value in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    run = lm_eval("hf", f"pretrained={folder}", "recipe_mpr_sample", "--device", "cpu", "--batch_size", "16")
    assert run.acc("recipe_mpr_sample") == pytest.approx(0.2, abs=1e-12)
    assert {s["acc"] for s in run.samples("recipe_mpr_sample")} == {0.2}
    assert math.isclose(run.acc("recipe_mpr_sample", "brier"), 0.8)


def test_a_type_without_items_is_absent(lm_eval):
    run = lm_eval("recipe-mpr-baseline", "kind=first", "recipe_mpr_sample", "--limit", "1")
    assert "acc_untyped,none" in run.results["results"]["recipe_mpr_sample"]
    assert "acc_negated,none" not in run.results["results"]["recipe_mpr_sample"]


@pytest.mark.integration
def test_run_config_and_python_api(tmp_path):
    from importlib.resources import files

    import lm_eval as harness

    config = files("harness_configs") / "first.yaml"
    done = run_python(
        "-I",
        "-m",
        "lm_eval",
        "run",
        "--config",
        str(config),
        "--tasks",
        "recipe_mpr_sample",
        "--output_path",
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    manager = harness.tasks.TaskManager(include_defaults=False) if hasattr(harness, "tasks") else None
    result = harness.simple_evaluate(
        model="recipe-mpr-baseline", model_args={"kind": "first"}, tasks=["recipe_mpr_sample"], task_manager=manager
    )
    assert result["results"]["recipe_mpr_sample"]["acc,none"] == pytest.approx(0.2)
