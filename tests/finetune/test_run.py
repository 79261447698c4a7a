"""A training run as a user starts it: its files, its errors, and resuming without loss."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from finetune.causal import LetterTraining
from finetune.checkpoints import CHECKPOINTS, locked
from finetune.data import training_data
from finetune.outputs import recipe_text
from finetune.progress import COMPLETE
from finetune.recipe import RecipeError, load_recipe
from finetune.step_trainer import StepTrainer, TrainingError
from finetune.steps import shown_in_epoch
from recipe_mpr_task.cost import hardware
from recipe_mpr_task.manifest import read_manifest
from recipe_mpr_task.provenance import seen_by
from tests.support.commands import recipe_mpr
from tests.support.training import FILES, assert_same, files_in, sample_run, weights

pytestmark = pytest.mark.timeout(600)

MERGED = {
    "merged/comparison.json", "merged/config.json", "merged/generation_config.json", "merged/model.safetensors",
    "merged/recipe_mpr_training.json", "merged/tokenizer.json", "merged/tokenizer_config.json",
}  # fmt: skip


@pytest.mark.real_data
def test_a_run_leaves_exactly_these_files(trained):
    assert files_in(trained) == FILES | MERGED
    manifest = read_manifest(trained)
    assert (len(manifest.train_ids), len(manifest.validation_ids), len(manifest.test_ids)) == (400, 50, 50)
    assert manifest.base_model.startswith("random:")
    assert manifest.peak_memory_bytes > 0
    assert manifest.samples_per_second > 0
    steps = [entry["step"] for entry in manifest.history]
    assert steps == [5, 10, 15, 20, 25]
    assert {"loss", "learning_rate", "grad_norm", "eval_accuracy", "eval_cross_entropy"} <= manifest.history[-1].keys()
    assert json.loads((trained / "curves.json").read_text()) == [dict(e) for e in manifest.history]
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")
    card = (trained / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: peft")
    assert "trained on 400 items and selected on 50 items" in card
    compared = json.loads((trained / "merged" / "comparison.json").read_text())
    assert (compared["n_items"], compared["n_same"]) == (20, 20)
    assert compared["largest_difference"] < 1e-4


@pytest.fixture(scope="module")
def whole(tmp_path_factory, micro):
    """An uninterrupted run, to compare others with."""
    out = tmp_path_factory.mktemp("whole") / "run"
    return out, sample_run(out, micro)


def test_the_same_recipe_gives_the_same_weights(whole, tmp_path, micro):
    sample_run(tmp_path / "again", micro)
    assert_same(weights(tmp_path / "again"), weights(whole[0]))
    sample_run(tmp_path / "seed", micro, "seed=1")
    other = weights(tmp_path / "seed")
    assert any(not torch.equal(value, other[name]) for name, value in weights(whole[0]).items())


def test_the_cost_of_training_is_recorded_and_arrives_in_results(whole):
    out, manifest = whole
    assert manifest.hardware == str(hardware())
    assert manifest.seconds_per_item == pytest.approx(1 / manifest.samples_per_second, rel=1e-2)
    assert manifest.tokens_per_second == pytest.approx(tokens_of(out) / manifest.wall_time_s, rel=1e-2)
    told = seen_by({"pretrained": str(out / "base"), "peft": str(out)}).summary()
    for name in ("hardware", "tokens_per_second", "seconds_per_item"):
        assert told[name] == getattr(manifest, name)
    card = (out / "README.md").read_text()
    assert f"{manifest.tokens_per_second:,.0f} tokens/s" in card
    assert manifest.hardware in card


def tokens_of(out):
    """Tokens of the examples of all three epochs, counted anew."""
    recipe = load_recipe(str(out / "recipe.yaml"))
    objective = LetterTraining(recipe, AutoTokenizer.from_pretrained(out))
    items = training_data("sample").train
    epochs = [objective.encode(shown_in_epoch(items, recipe, epoch)) for epoch in range(3)]
    return sum(len(example.input_ids) + 1 for examples in epochs for example in examples)


class Killed(BaseException):
    """Stands for the process being gone."""


@pytest.mark.parametrize("step", [1, 3, 4, 8])
def test_killed_at_any_step_and_resumed_ends_with_the_same_weights(whole, tmp_path, micro, monkeypatch, step):
    original = StepTrainer.training_step

    def dying(self, *args, **kwargs):
        if self.state.global_step == step:
            raise Killed
        return original(self, *args, **kwargs)

    monkeypatch.setattr(StepTrainer, "training_step", dying)
    with pytest.raises(Killed):
        sample_run(tmp_path / "run", micro)
    assert not (tmp_path / "run" / "recipe_mpr_training.json").exists()
    monkeypatch.undo()
    manifest = sample_run(tmp_path / "run", micro, resume=True)
    assert_same(weights(tmp_path / "run"), weights(whole[0]))
    assert [e["step"] for e in manifest.history] == [e["step"] for e in whole[1].history]
    assert manifest.tokens_per_second * manifest.wall_time_s == pytest.approx(tokens_of(whole[0]), rel=1e-2)
    assert files_in(tmp_path / "run") == FILES


def test_a_checkpoint_cut_off_while_written_is_not_resumed_from(whole, tmp_path, micro, monkeypatch):
    out = tmp_path / "run"
    original = StepTrainer.save_model

    def cut_off(self, folder, *args, **kwargs):
        original(self, folder, *args, **kwargs)
        if self.state.global_step == 6:
            (Path(folder) / "adapter_model.safetensors").write_bytes(b"half")
            raise Killed

    monkeypatch.setattr(StepTrainer, "save_model", cut_off)
    with pytest.raises(Killed):
        sample_run(out, micro)
    assert (out / CHECKPOINTS / "checkpoint-6").is_dir()
    assert not (out / CHECKPOINTS / "checkpoint-6" / COMPLETE).exists()
    monkeypatch.undo()
    sample_run(out, micro, resume=True)
    assert_same(weights(out), weights(whole[0]))


def test_sigkill_and_resume_through_the_command_line(whole, tmp_path, micro):
    out = tmp_path / "run"
    command = ["finetune", "tiny_lora", f"model={micro}", f"out={out}", "split=sample", "epochs=3"]
    process = subprocess.Popen(
        [sys.executable, "-m", "recipe_mpr_task.cli", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list(out.glob(f"{CHECKPOINTS}/*/{COMPLETE}")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    refused = recipe_mpr(*command)
    finished_before_the_kill = (out / "recipe_mpr_training.json").exists()
    assert refused.returncode == 2
    assert ("holds a finished run" if finished_before_the_kill else "is not empty") in refused.stderr
    assert recipe_mpr(*command, "--resume").returncode == 0
    assert_same(weights(out), weights(whole[0]))


def test_a_run_that_is_going_on_cannot_be_resumed_beside(tmp_path, micro):
    out = tmp_path / "run"
    out.mkdir()
    recipe = load_recipe("tiny_lora", [f"model={micro}", f"out={out}", "split=sample", "epochs=3"])
    (out / "recipe.yaml").write_text(recipe_text(recipe))
    with locked(out), pytest.raises(RecipeError, match="another process is training in this folder"):
        sample_run(out, micro, resume=True)


def test_a_loss_that_is_not_finite_stops_with_step_and_items(tmp_path, micro, monkeypatch):
    from finetune.causal import LetterTraining

    original = LetterTraining.loss_sum

    def broken(self, model, batch, device):
        loss = original(self, model, batch, device)
        return loss * float("nan") if any(e.item_id == "sample-07" for e in batch) else loss

    monkeypatch.setattr(LetterTraining, "loss_sum", broken)
    with pytest.raises(TrainingError, match=r"not finite at step \d+; items of the batch: .*sample-07"):
        sample_run(tmp_path / "run", micro, "max_batch_items=4")


@pytest.mark.parametrize("message", ["CUDA out of memory.", "DefaultCPUAllocator: can't allocate memory"])
def test_out_of_memory_halves_the_pass_and_changes_nothing_else(whole, tmp_path, micro, monkeypatch, message):
    from finetune.causal import LetterTraining

    original = LetterTraining.loss_sum
    sizes = []

    def small_memory(self, model, batch, device):
        sizes.append(len(batch))
        if len(batch) > 3:
            raise RuntimeError(message)
        return original(self, model, batch, device)

    monkeypatch.setattr(LetterTraining, "loss_sum", small_memory)
    manifest = sample_run(tmp_path / "run", micro)
    assert max(sizes[-10:]) <= 3
    assert any("max_batch_tokens" in entry for entry in manifest.history), "the log says that it was lowered"
    assert_same(weights(tmp_path / "run"), weights(whole[0]), tolerance=1e-4)


def test_out_of_memory_with_one_item_says_what_to_do(tmp_path, micro, monkeypatch):
    from finetune.causal import LetterTraining

    def no_memory(self, model, batch, device):
        raise RuntimeError("CUDA out of memory.")

    monkeypatch.setattr(LetterTraining, "loss_sum", no_memory)
    with pytest.raises(TrainingError, match=r"one item per pass; .*set gradient_checkpointing=true"):
        sample_run(tmp_path / "run", micro)


def test_a_full_disk_leaves_the_last_good_checkpoint(whole, tmp_path, micro, monkeypatch):
    out = tmp_path / "run"
    original = StepTrainer.save_model

    def full(self, folder, *args, **kwargs):
        original(self, folder, *args, **kwargs)
        if self.state.global_step == 6:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(StepTrainer, "save_model", full)
    with pytest.raises(TrainingError, match=r"checkpoint-6 could not be written .*No space left.*--resume"):
        sample_run(out, micro)
    assert [p.name for p in (out / CHECKPOINTS).iterdir()] == ["checkpoint-3"]
    monkeypatch.undo()
    sample_run(out, micro, resume=True)
    assert_same(weights(out), weights(whole[0]))


def test_gradient_checkpointing_and_small_passes_train_the_same(whole, tmp_path, micro):
    sample_run(tmp_path / "run", micro, "gradient_checkpointing=true", "max_batch_items=1")
    assert_same(weights(tmp_path / "run"), weights(whole[0]), tolerance=1e-4)


def test_the_deterministic_switch_trains_the_same(whole, tmp_path, micro):
    out = tmp_path / "run"  # in a process of its own: the switch is torch's, for all that follows
    settings = [f"model={micro}", f"out={out}", "split=sample", "epochs=3", "deterministic=true"]
    done = recipe_mpr("finetune", "tiny_lora", *settings, OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr[-3000:]
    assert_same(weights(out), weights(whole[0]), tolerance=1e-5)


def test_two_processes_end_with_the_weights_of_one(whole, tmp_path, micro):
    """DDP over gloo on the CPU, as torchrun starts it; dropout is 0 in tiny_lora."""
    out = tmp_path / "run"
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "recipe_mpr_task.cli"]
    recipe = ["finetune", "tiny_lora", f"model={micro}", f"out={out}", "split=sample", "epochs=3"]
    done = subprocess.run(
        [sys.executable, *launch, *recipe], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert files_in(out) == FILES
    assert_same(weights(out), weights(whole[0]), tolerance=1e-5)


def test_a_base_that_has_seen_items_hands_them_on(whole, tmp_path, micro):
    from finetune.merge import merge

    merge(whole[0])
    manifest = sample_run(tmp_path / "run", f"{whole[0]}/merged", "lora.r=4")
    first = whole[1]
    assert set(manifest.inherited_ids) == {*first.train_ids, *first.validation_ids}
    assert manifest.seen_ids >= first.seen_ids
