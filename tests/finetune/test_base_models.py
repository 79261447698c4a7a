"""The base model of a run is known only if it is pinned, was made here, or has a manifest. It must not change."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from finetune import run as training_run
from finetune.base import prepare_base
from finetune.checkpoints import CHECKPOINTS
from finetune.recipe import RECIPE_FILE, RecipeError, load_recipe
from finetune.step_trainer import StepTrainer
from recipe_mpr_task import public_models
from recipe_mpr_task.loaded_model import BASE_MARK
from recipe_mpr_task.manifest import read_manifest
from recipe_mpr_task.provenance import public_name
from tests.support.checkpoints import PARTS, checkpoint
from tests.support.commands import recipe_mpr
from tests.support.fake_hub import FakeHub, public_model

TINY, COMMIT, NEXT = "example/tiny", "a1" * 20, "b2" * 20
pytestmark = [pytest.mark.timeout(600), pytest.mark.exploit]


def recipe(model, out, *more):
    return load_recipe("tiny_lora", [f"model={model}", f"out={out}", "split=sample", "epochs=2", *more])


def edited(folder, copy):
    """Copy a model and change one weight, so that its training data are unknown."""
    shutil.copytree(folder, copy)
    weights = load_file(copy / "model.safetensors")
    first = next(iter(weights))
    save_file(weights | {first: weights[first] + 1}, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


@pytest.fixture
def hub(tiny_qwen, tmp_path, monkeypatch):
    """A hub with one listed model, and the same name at a later commit with other weights."""
    listed = public_model(TINY, COMMIT, tiny_qwen)
    monkeypatch.setattr(public_models, "entries", lambda: (listed,))
    with FakeHub() as hub:
        hub.add(TINY, tiny_qwen, COMMIT)
        hub.add("somebody/tuned", edited(tiny_qwen, tmp_path / "tuned"), NEXT)
        hub.use_in_process(monkeypatch, tmp_path / "home")
        yield hub


@pytest.mark.honest
def test_a_listed_hub_model_is_known_and_pinned_to_its_commit(hub, tmp_path):
    base = prepare_base(recipe(TINY, tmp_path / "out"), tmp_path / "base")
    assert (base.doubt, base.revision, base.is_random) == ("", COMMIT, False)
    assert base.files, "what adapters on it are compared with"


def test_any_other_hub_model_is_not_known(hub, tmp_path, tiny_qwen):
    base = prepare_base(recipe("somebody/tuned", tmp_path / "out"), tmp_path / "base")
    assert "is not a pinned public model" in base.doubt
    hub.add(TINY, tmp_path / "tuned", NEXT)  # the name of a known model, at another commit
    base = prepare_base(recipe(TINY, tmp_path / "out"), tmp_path / "base")
    assert "is not a pinned public model" in base.doubt


def test_a_file_edited_in_the_cache_is_found(hub, tmp_path):
    prepare_base(recipe(TINY, tmp_path / "out"), tmp_path / "base")
    (tokenizer,) = (tmp_path / "home").rglob("snapshots/*/tokenizer.json")
    blob = tokenizer.resolve()
    blob.write_text(json.dumps(json.loads(blob.read_text()) | {"normalizer": {"type": "Lowercase"}}))
    base = prepare_base(recipe(TINY, tmp_path / "out"), tmp_path / "base")
    assert "not verified as the public model's" in base.doubt
    assert "tokenizer.json" in base.doubt


def test_a_hub_that_cannot_be_asked_leaves_a_model_unknown(hub, tmp_path):
    prepare_base(recipe(TINY, tmp_path / "out"), tmp_path / "base")
    hub.stop()
    base = prepare_base(recipe(TINY, tmp_path / "out", f"revision={COMMIT}"), tmp_path / "base")
    assert base.doubt


def test_public_weights_with_an_edited_tokenizer_are_not_the_public_model(minilm, tmp_path):
    assert public_name(minilm) == "sentence-transformers/all-MiniLM-L6-v2"
    copy = tmp_path / "all-MiniLM-L6-v2"
    shutil.copytree(minilm, copy)
    content = json.loads((copy / "tokenizer.json").read_text())
    (copy / "tokenizer.json").write_text(json.dumps(content | {"normalizer": None}))
    assert public_name(copy) is None
    overrides = [f"model={copy}", f"out={tmp_path / 'out'}"]
    base = prepare_base(load_recipe("minilm_bi_encoder", overrides), tmp_path / "base")
    assert (base.name, base.doubt[:22]) == ("all-MiniLM-L6-v2", "whose training data ar")


@pytest.mark.honest
def test_a_base_with_a_manifest_is_known(tmp_path):
    folder = checkpoint(tmp_path / "trained")
    base = prepare_base(recipe(folder, tmp_path / "out"), tmp_path / "base")
    assert (base.doubt, base.seen) == ("", {*PARTS.train, *PARTS.validation})


# --- the base stays the same to the end ---


@pytest.fixture
def cut_off(tmp_path, micro, monkeypatch):
    """A run killed after its first epoch."""
    out = tmp_path / "out"
    step, steps = StepTrainer.training_step, []

    def dies(self, *args, **kwargs):
        steps.append(1)
        if self.state.global_step >= self.state.max_steps // 2:
            raise KeyboardInterrupt
        return step(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(StepTrainer, "training_step", dies)
        run(recipe(micro, out))
    assert list((out / CHECKPOINTS).glob("checkpoint-*"))
    return out


def run(asked, *, resume=False):
    training_run.check(asked, resume=resume)
    ((_, manifest),) = training_run.train_all(asked, resume=resume)
    return manifest


def changed_weight(folder):
    (path,) = folder.glob("*model.safetensors")
    weights = load_file(path)
    first = next(iter(weights))
    save_file(weights | {first: weights[first] + 1}, path, metadata={"format": "pt"})


@pytest.mark.parametrize("swap", ["base", "base and its mark", "checkpoint", "tokenizer"])
def test_what_was_swapped_before_resume_is_found(cut_off, micro, swap):
    base = cut_off / "base"
    if swap == "checkpoint":
        changed_weight(next((cut_off / CHECKPOINTS).glob("checkpoint-*")))
    elif swap == "tokenizer":
        (base / "tokenizer_config.json").write_text("{}")
    else:
        changed_weight(base)
    if swap == "base and its mark":
        from recipe_mpr_task.loaded_files import content_hashes

        (base / BASE_MARK).write_text(json.dumps({"files": content_hashes(base)}))
    with pytest.raises(RecipeError, match=r"files differ from the random base|files have changed|weights were changed"):
        run(recipe(micro, cut_off), resume=True)
    assert read_manifest(cut_off) is None


def test_a_local_base_that_was_put_back_before_resume_is_found(tmp_path, tiny_qwen, monkeypatch):
    """Start on a contaminated folder, and resume with a clean base model."""
    model, out = edited(tiny_qwen, tmp_path / "model"), tmp_path / "out"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(StepTrainer, "training_step", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        run(recipe(model, out))
    shutil.rmtree(model)
    shutil.copytree(tiny_qwen, model)
    with pytest.raises(RecipeError, match="base model's files have changed"):
        run(recipe(model, out), resume=True)


def test_a_folder_that_lies_where_the_random_base_is_made_is_not_taken_for_it(tmp_path, micro, tiny_qwen):
    shutil.copytree(tiny_qwen, tmp_path / "base")
    with pytest.raises(RecipeError, match="files differ from the random base"):
        prepare_base(recipe(micro, tmp_path / "out"), tmp_path / "base")


@pytest.mark.honest
def test_the_base_of_other_folds_is_the_same_one(tmp_path, micro):
    first = prepare_base(recipe(micro, tmp_path / "fold0"), tmp_path / "base")
    assert prepare_base(recipe(micro, tmp_path / "fold1"), tmp_path / "base") == first


# --- the whole way ---


@pytest.mark.real_data
@pytest.mark.slow
def test_finetuned_on_a_hub_model_clean_if_it_is_pinned_and_else_unknown(tmp_path, tiny_qwen):
    """One step on a contaminated hub model must not give a clean 100%: not every hub id is known."""
    with FakeHub() as hub:
        hub.add(TINY, tiny_qwen, COMMIT)
        hub.add("somebody/tuned", edited(tiny_qwen, tmp_path / "tuned"), NEXT)
        variables = hub.environment(tmp_path / "home", public_model(TINY, COMMIT, tiny_qwen))
        for model, status in ((TINY, "clean"), ("somebody/tuned", "unknown")):
            out, site = tmp_path / model.replace("/", "-"), tmp_path / f"site-{status}"
            done = recipe_mpr("finetune", "tiny_lora", f"model={model}", f"out={out}", "epochs=1", **variables)
            assert done.returncode == 0, done.stderr[-3000:]
            assert json.loads((out / "recipe_mpr_training.json").read_text())["base_known"] == (status == "clean")
            done = recipe_mpr("add", str(out), "--site", str(site), **variables)
            assert done.returncode == 0, done.stderr[-3000:]
            rows = json.loads((site / "leaderboard.json").read_text())["rows"]
            (row,) = [row for row in rows if row["status"] != "reported"]
            assert (row["status"], row["system"]) == (status, f"tiny_lora ({model})")
            assert (out / RECIPE_FILE).read_text().count("base_sha256: ") == 1
