"""`python -m benchmarks.gpu`: its numbers, and that a step that fails stops no other."""

import re
from dataclasses import replace

import pytest
import torch

from benchmarks.gpu.bench import repeated
from benchmarks.gpu.flops import PEAKS, peak_flops, training_flops
from benchmarks.gpu.results import Missing, Training
from benchmarks.gpu.steps import STEPS, Step
from benchmarks.gpu.table import cells
from benchmarks.gpu.worker import Worker
from recipe_mpr_task.data import load_sample
from tests.support import gpu_steps
from tests.support.commands import run_python

MEASURED = [step for step in STEPS if step.table != "setting"]


def rows_of(markdown):
    """The cells of each row by the row's name."""
    lines = [line.strip("| \n") for line in markdown.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows if row[0] not in ("Training", "Scoring")}


def number(text):
    return float(re.match(r"[\d,.]+", text)[0].replace(",", ""))


@pytest.mark.slow
@pytest.mark.integration
def test_the_tiny_shape_measures_everything_on_a_cpu():
    done = run_python("-m", "benchmarks.gpu", "--shape", "tiny", "--device", "cpu")
    assert done.returncode == 0, done.stderr[-3000:]
    rows = rows_of(done.stdout)
    assert list(rows) == [step.name for table in ("training", "scoring") for step in MEASURED if step.table == table]
    for name, row in rows.items():
        if "flash_attention_2" in name:
            assert "flash-attn" in row[-1]
        else:
            assert number(row[0]) > 0, (name, row)
            assert number(row[1]) > 0, (name, row)
    padding = {name: number(row[2]) for name, row in rows.items() if "MFU" not in row and row[2].endswith("%")}
    assert padding["qwen3_8b_lora, packed"] == padding["qwen3_8b_lora, packed, compiled"] == 0
    assert 0 < padding["qwen3_8b_lora"] < padding["qwen3_8b_lora_published"] < 100
    assert rows["qwen3_8b_lora"][5] == "unknown", "a CPU has no listed peak"
    letters = [number(re.search(r"cross-entropy (\S+)", row[-1])[1]) for row in rows.values() if "cross-e" in row[-1]]
    assert len(letters) == 3
    assert letters == pytest.approx(letters[:1] * 3, abs=0.002), "all ways score the same letters"
    assert "Hardware: " in done.stdout
    assert re.search(r"Tokens: \d+\.\d per prompt, with a BPE tokenizer of 1,024 tokens", done.stdout)


@pytest.mark.integration
def test_a_step_that_fails_has_a_reason_and_stops_no_other():
    worker = Worker(gpu_steps.make_bench)

    def run(function, seconds=60):
        return worker.run(Step(function.__name__, "scoring", function, seconds), seconds)

    try:
        first, second = run(gpu_steps.measure), run(gpu_steps.measure)
        assert first.note == second.note, "the model is kept between steps"
        assert run(gpu_steps.lack_a_package) == Missing("no flash-attn", is_failure=False)
        assert run(gpu_steps.measure).note == first.note
        assert run(gpu_steps.run_out_of_memory) == Missing(
            "failed: RuntimeError: CUDA out of memory. Tried to allocate 2 GiB"
        )
        third = run(gpu_steps.measure)
        assert third.note != first.note, "a new process has all the memory"
        assert run(gpu_steps.die) == Missing("the process ended with code 7")
        assert run(gpu_steps.hang, 1) == Missing("stopped after its limit of 1 s")
        assert run(gpu_steps.measure).n_items == 1
    finally:
        worker.stop()


def test_a_machine_without_a_gpu_is_told_so(monkeypatch, capsys):
    from benchmarks.gpu.__main__ import main

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["benchmarks.gpu"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert (
        "no CUDA GPU was found; to run the same code without one: --shape tiny --device cpu" in capsys.readouterr().err
    )


def test_repeated_items_have_distinct_prompts():
    """Equal prompts are scored once by lm-eval, so the speed would be too high."""
    sample = load_sample()
    items = repeated(sample, 500)
    assert items[:60] == sample
    assert len({(item.query, item.options) for item in items}) == 500
    assert {len(item.options) for item in items} == {5}


@pytest.mark.parametrize("trained", ["adapter", "all weights"])
def test_model_flops_are_those_that_torch_counts(tiny_qwen, trained):
    """Except that the first layer needs no gradient of its input, if the embeddings are frozen."""
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM

    from finetune.lora import with_adapter
    from finetune.recipe import load_recipe

    model = AutoModelForCausalLM.from_pretrained(tiny_qwen, attn_implementation="eager")
    if trained == "adapter":
        model = with_adapter(model, load_recipe("tiny_lora"))
    ids = torch.randint(0, 800, (1, 64))
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids, logits_to_keep=1).logits.sum().backward()
    ours = training_flops(model, [64], 1)
    assert ours == pytest.approx(counter.get_total_flops(), rel=0.12 if trained == "adapter" else 0.02)


def test_peaks_are_known_for_exact_names_and_number_types_only():
    assert peak_flops("NVIDIA H100 80GB HBM3", "bfloat16") == 989.4e12
    assert all(row["float32"] < row["bfloat16"] for row in PEAKS.values())
    for device, dtype in (("cpu", "bfloat16"), ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bfloat16"), ("cpu", "float32")):
        assert peak_flops(device, dtype) is None
    torch.set_float32_matmul_precision("high")
    try:
        assert peak_flops("NVIDIA L4", "float32") is None, "TF32 has another peak"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_extrapolated_seconds_and_unknown_numbers_are_called_so():
    training = Training(10_000, 12_500, 90.9, 22.04, 5, False, 60, 125, None, None, "memory ran out")
    assert cells(training, "training") == [
        "10,000", "90.90", "20%", "22.0 s (5 epochs, extrapolated)", "unknown", "unknown",
        "60 of 125 steps timed; memory ran out",
    ]  # fmt: skip
    assert cells(Missing("failed: a|b"), "scoring") == ["-", "-", "-", "failed: a\\|b"]


@pytest.mark.integration
def test_training_to_the_end_is_measured_not_extrapolated(tmp_path):
    from benchmarks.gpu.bench import Bench
    from benchmarks.gpu.shapes import SHAPES
    from benchmarks.gpu.steps import OURS, Variant
    from benchmarks.gpu.training import train_causal

    bench = Bench(replace(SHAPES["tiny"], n_items=20), "cpu", tmp_path)
    padded = train_causal(bench, Variant(OURS), seconds=600)
    packed = train_causal(bench, Variant(OURS, packed=True), seconds=0)
    assert (padded.is_whole, padded.timed_steps, padded.steps, padded.epochs) == (True, 3, 5, 5)
    assert padded.seconds > padded.timed_steps * 16 / padded.items_per_second, "with the warm-up"
    assert padded.padded_per_second > padded.tokens_per_second
    assert packed.padded_per_second == pytest.approx(packed.tokens_per_second)
