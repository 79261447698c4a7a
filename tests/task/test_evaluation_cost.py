"""The cost of an evaluation is measured around lm-eval's `evaluate`, and never disturbs it."""

from types import SimpleNamespace

import pytest
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from recipe_mpr_task.cost import EvaluationCost, Hardware
from recipe_mpr_task.evaluation_cost import CostMeter, counted_tokens
from recipe_mpr_task.manifest import COST_KEY, MODEL_KEY

pytest.importorskip("torch", reason="the cost is measured with torch")


def evaluated(limit):
    return simple_evaluate(
        model="recipe-mpr-baseline", model_args="kind=longest", tasks=["recipe_mpr_sample"], limit=limit,
        bootstrap_iters=0, task_manager=TaskManager(include_defaults=False),
    )  # fmt: skip


def task_of(*requests, written=()):
    """A task with (prompt, answer) requests; with `written`, one text for each prompt."""
    instances = [
        SimpleNamespace(args=(p, a if not written else {"until": []}), resps=list(written)) for p, a in requests
    ]
    return SimpleNamespace(instances=instances)


def results_of(**n_scored):
    return {"n-samples": {name: {"original": n, "effective": n} for name, n in n_scored.items()}}


def test_a_prompt_counts_once_and_each_of_its_answers():
    scored = task_of(("a b c", " A"), ("a b c", " B"), ("a b", " A"), ("a b", " A"))
    assert counted_tokens(str.split, {"t": scored}) == 3 + 1 + 1 + 2 + 1
    written = task_of(("a b c", None), written=["it is D"])
    assert counted_tokens(str.split, {"t": written, "s": scored}) == 8 + 3


def test_of_many_prompts_some_are_counted_and_scaled_up():
    counted = []
    many = task_of(*((f"prompt {n}", " A") for n in range(1500)))
    assert counted_tokens(lambda text: counted.append(text) or text.split(), {"t": many}) == 1500 * 3
    assert len(counted) == 501


def test_the_results_of_one_task_hold_its_cost():
    results = evaluated(limit=7)
    cost = EvaluationCost.model_validate(results[COST_KEY])
    assert (cost.tasks, cost.items, cost.tokens_per_second) == (1, 7, None)
    assert 0 < cost.seconds_per_item == cost.seconds / 7
    assert cost.peak_memory_bytes > 10_000_000
    assert (cost.hardware.device, cost.hardware.n_devices) == ("cpu", 1)


def test_encoders_say_what_they_computed_and_causal_models_are_counted(lm_eval, minilm, tiny_qwen):
    for model, arguments, least in (
        ("recipe-mpr-encoder", f"pretrained={minilm}", 60 * 6 * 5),
        ("hf", f"pretrained={tiny_qwen}", 60 * 50),
    ):
        cost = EvaluationCost.model_validate(lm_eval(model, arguments, "recipe_mpr_sample").results[COST_KEY])
        assert (cost.tasks, cost.items) == (1, 60)
        assert cost.tokens_per_second * cost.seconds > least


def test_nothing_is_recorded_of_tasks_of_others_or_of_cached_answers():
    ours, lm = {"recipe_mpr": task_of(("a", " A"))}, SimpleNamespace(device="cpu", tok_encode=str.split)
    assert CostMeter(lm, ours).record(results_of(recipe_mpr=1))[COST_KEY]["items"] == 1
    mixed = ours | {"arc_easy": task_of(("a", " A"))}
    assert CostMeter(lm, mixed).record(results_of(recipe_mpr=1, arc_easy=1)) == {}
    assert CostMeter(SimpleNamespace(cache_db="x.db"), ours).record(results_of(recipe_mpr=1)) == {}
    assert CostMeter(lm, {}).record({}) == {}


def test_several_tasks_are_counted_together():
    tasks = {name: task_of(("a", " A")) for name in ("recipe_mpr_fold0", "recipe_mpr_fold1")}
    lm = SimpleNamespace(device="cpu", tok_encode=str.split)
    cost = CostMeter(lm, tasks).record(results_of(recipe_mpr_fold0=100, recipe_mpr_fold1=100))[COST_KEY]
    assert (cost["tasks"], cost["items"], cost["peak_memory_bytes"]) == (2, 200, None)


def test_an_api_has_no_hardware_here():
    lm = SimpleNamespace(base_url="http://localhost", device=None)
    cost = CostMeter(lm, {"recipe_mpr": task_of()}).record(results_of(recipe_mpr=500))[COST_KEY]
    assert (cost["hardware"], cost["peak_memory_bytes"], cost["tokens_per_second"]) == (None, None, None)


@pytest.mark.parametrize(("module", "more", "n"), [
    ("lm_eval.models.huggingface", {}, 1),
    ("lm_eval.models.huggingface", {"model": SimpleNamespace(hf_device_map={"a": 0, "b": 1, "c": "cpu"})}, 2),
    ("lm_eval.models.huggingface", {"world_size": 4}, 4),
    ("lm_eval.models.vllm_causallms", {"model_args": {"tensor_parallel_size": 2}, "data_parallel_size": 2}, 4),
    ("somebodys.backend", {}, None),
])  # fmt: skip
def test_the_gpus_that_a_model_uses_are_counted_and_not_those_of_the_machine(monkeypatch, module, more, n):
    """GPU seconds are seconds times this number. None means all visible GPUs."""
    lm = type("Model", (SimpleNamespace,), {"__module__": module})(device="cuda", **more)
    asked = []
    name = "recipe_mpr_task.evaluation_cost.hardware"
    monkeypatch.setattr(name, lambda *args: asked.append(args) or Hardware("gpu", "x", 1))
    CostMeter(lm, {"recipe_mpr": task_of()}).record(results_of(recipe_mpr=500))
    assert asked == [("cuda", n)]


def test_a_fault_in_measuring_fails_no_run(monkeypatch):
    def broken(*_):
        raise RuntimeError("no such device")

    monkeypatch.setattr("recipe_mpr_task.evaluation_cost.peak_memory_bytes", broken)
    results = evaluated(limit=2)
    assert COST_KEY not in results
    assert results[MODEL_KEY]


@pytest.mark.parametrize("changes", [{"seconds": -1}, {"seconds": float("nan")}, {"items": 0}, {"hardware": "cpu"}])
def test_a_record_from_elsewhere_is_checked(changes):
    right = {"tasks": 1, "seconds": 2.0, "items": 4, "seconds_per_item": 0.5, "tokens_per_second": None,
             "peak_memory_bytes": None, "hardware": None}  # fmt: skip
    assert EvaluationCost.model_validate(right | {"of a later release": 1}).items == 4
    with pytest.raises(ValueError, match="EvaluationCost"):
        EvaluationCost.model_validate(right | changes)
