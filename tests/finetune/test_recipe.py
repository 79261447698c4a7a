"""Recipes are checked completely before anything is loaded: shipped recipes, overrides, faults."""

from importlib.resources import files

import pytest
import yaml

from finetune.estimate import report
from finetune.recipe import Recipe, RecipeError, load_recipe, recipe_names
from finetune.run import check
from recipe_mpr_task.errors import RecipeMPRError


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_load_and_say_how_to_launch(name):
    recipe = load_recipe(name)
    assert recipe.out == f"out/finetune/{name}"
    text = (files("harness_configs") / "recipes" / f"{name}.yaml").read_text()
    assert text.startswith("# ")
    assert f"recipe-mpr finetune {name}" in text


def test_overrides_are_yaml_and_reach_into_blocks():
    recipe = load_recipe("tiny_lora", ["learning_rate=2e-4", "lora.r=8", "split=fold3", "seed=7", "max_batch_items=2"])
    assert (recipe.learning_rate, recipe.lora.r, recipe.split, recipe.seed) == (2e-4, 8, "fold3", 7)
    assert recipe.lora.alpha == 32


def test_folds_are_five_runs_in_folders_of_their_own():
    runs = load_recipe("tiny_lora", ["split=folds", "out=x"]).folds()
    assert [(run.split, run.out) for run in runs] == [(f"fold{k}", f"x/fold{k}") for k in range(5)]
    assert len({run.system("base") for run in runs}) == 1
    assert load_recipe("tiny_lora", ["seed=1"]).system("base") != runs[0].system("base")
    assert runs[0].system("another base") != runs[0].system("base")


def test_all_faults_are_told_at_once():
    with pytest.raises(RecipeError) as error:
        load_recipe("tiny_lora", ["promt=x", "lora.r=0", "split=fold7", "epochs=yes", "learning_rate=.nan"])
    message = str(error.value)
    for part in ("unknown key promt, did you mean prompt?", "lora.r", "split", "epochs", "learning_rate"):
        assert part in message


FAULTS = {
    "unknown key": (["lerning_rate=1"], "did you mean learning_rate?"),
    "wrong type": (["epochs=many"], "epochs: .*integer"),
    "rank 0": (["lora.r=0"], "lora.r: .*greater than 0"),
    "no split": (["split=all"], "split: "),
    "fold 7": (["split=fold7"], "fold7"),
    "target module": (["lora.target_modules=[c_attn]"], "c_attn not in Qwen3ForCausalLM; allowed: .*q_proj"),
    "base folder": (["model=/no/such/folder"], "no such folder"),
    "base on no hub": (["model=org/none"], "not available from the hub"),
    "architecture": (["model=random:none"], "architecture 'none': no readable config .*; allowed: .*tiny"),
    "prompt": (["prompt=cloze"], "letter answer: default, mmlu, options_first"),
    "merge of 4 bits": (["merge=true", "quantization=4bit"], "other scores when merged"),
    "no value": (["epochs"], "expected key=value"),
    "no YAML": (["epochs=[1"], "not valid YAML"),
    "4 bits on a CPU": (["quantization=4bit"], "needs a GPU"),
}


@pytest.mark.parametrize("case", FAULTS, ids=str)
def test_bad_recipes_are_refused_before_anything_is_written(tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    overrides, message = FAULTS[case]
    with pytest.raises(RecipeMPRError, match=message) as error:
        check(load_recipe("tiny_lora", overrides))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_folders_in_use_are_refused(tmp_path):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(RecipeError, match="choose another out"):
            check(load_recipe("tiny_lora", [f"out={tmp_path / 'used'}"]), resume=resume)
    with pytest.raises(RecipeError, match="is not a writable folder"):
        check(load_recipe("tiny_lora", [f"out={tmp_path / 'used' / 'notes.txt' / 'x'}"]))
    begun = tmp_path / "begun"
    begun.mkdir()
    stored = load_recipe("tiny_lora", [f"out={begun}"]).model_dump(mode="json")
    (begun / "recipe.yaml").write_text(yaml.safe_dump(stored))
    with pytest.raises(RecipeError, match=r"other settings \(seed\)"):
        check(load_recipe("tiny_lora", [f"out={begun}", "seed=1"]), resume=True)


def test_dry_run_counts_qwen3_8b_offline():
    """The published run's own figures: 43,646,976 trainable, 8.23B in all, 0.53%."""
    shown = report(load_recipe("qwen3_8b_lora_published"))
    assert "trainable parameters: 43646976\n" in shown
    assert "total parameters: 8234382336\n" in shown
    assert "trainable share: 0.53%" in shown
    assert "optimizer steps: 125" in shown


def test_published_recipe_has_the_published_settings():
    recipe = load_recipe("qwen3_8b_lora_published")
    assert isinstance(recipe, Recipe)
    assert (recipe.lora.r, recipe.lora.alpha, recipe.lora.dropout, recipe.lora.bias) == (16, 32, 0.05, "none")
    assert (recipe.epochs, recipe.effective_batch, recipe.max_batch_items, recipe.max_length) == (5, 16, 1, 512)
    assert (recipe.learning_rate, recipe.warmup_steps, recipe.weight_decay, recipe.seed) == (2e-4, 100, 0.01, 42)
    assert (recipe.order, recipe.loss, recipe.pad_to, recipe.dtype) == ("file", "text", "max_length", "bfloat16")


def test_a_dry_run_of_another_model_does_not_count_the_recipes_own():
    with pytest.raises(RecipeMPRError, match="model=org/other: no such folder, and not available from the hub"):
        report(load_recipe("qwen3_8b_lora", ["model=org/other"]))
    assert "trainable parameters: 43646976\n" in report(
        load_recipe("qwen3_8b_lora", ["model=org/other", "architecture=qwen3_8b"])
    )


def test_four_bits_are_for_linear_layers_alone():
    """The embedding and the output head stay in 16 bits: 2 x 151,936 x 4,096 parameters."""
    text = report(load_recipe("qwen3_8b_qlora"))
    frozen = 8_234_382_336 - 43_646_976
    whole = 2 * 151_936 * 4096 + 36 * (2 * 4096 + 2 * 128) + 4096
    assert f"frozen weights {(0.55 * (frozen - whole) + 2 * whole) / 2**30:.1f} GiB" in text


def test_one_target_module_needs_no_list():
    assert load_recipe("tiny_lora", ["lora.target_modules=q_proj"]).lora.target_modules == ("q_proj",)
