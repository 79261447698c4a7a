"""Tests of minutes: the published schedule, the exploit, content against position, five folds to one row."""

import json

import pytest

from finetune import run as training_run
from finetune.data import TrainingData
from finetune.recipe import load_recipe
from recipe_mpr_task.circular import rotated
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import N_OPTIONS, Item, Option
from recipe_mpr_task.manifest import read_manifest
from recipe_mpr_task.metrics import circular_metrics
from recipe_mpr_task.orders import DisplayedItem, display
from recipe_mpr_task.scoring import fair_accuracy
from recipe_mpr_task.splits import FOLDS, scored_ids
from recipe_mpr_task.task import record_of
from tests.support.commands import recipe_mpr

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PUBLISHED_RATES = [
    1.8e-5, 3.8e-5, 5.8e-5, 7.8e-5, 9.8e-5, 1.18e-4, 1.38e-4, 1.58e-4, 1.78e-4, 1.98e-4, 1.28e-4, 4.8e-5,
]  # fmt: skip


@pytest.mark.real_data
def test_published_recipe_has_the_published_steps_and_learning_rates(tmp_path, micro):
    done = recipe_mpr(
        "finetune", "qwen3_8b_lora_published", f"model={micro}", "dtype=float32", f"out={tmp_path / 'run'}"
    )
    assert done.returncode == 0, done.stderr[-3000:]
    history = json.loads((tmp_path / "run" / "curves.json").read_text())
    assert history[-1]["step"] == 125
    rates = {entry["step"]: entry["learning_rate"] for entry in history if "learning_rate" in entry}
    assert [rates[step] for step in range(10, 130, 10)] == pytest.approx(PUBLISHED_RATES, rel=1e-9)


@pytest.mark.real_data
def test_the_exploit_scores_everything_in_file_order_and_chance_when_shuffled(tmp_path):
    done = recipe_mpr("audit", "--exploit", "--json", str(tmp_path / "exploit.json"))
    assert done.returncode == 0, done.stderr[-3000:]
    untrained, published, ours = json.loads((tmp_path / "exploit.json").read_text())
    assert (published["file_order"], published["shuffled"] <= 0.30) == (1.0, True)
    if published["answers_a"] == 1.0:
        assert published["shuffled"] == pytest.approx(0.20)
    assert ours["file_order"] <= 0.5, "ours has not learned a position"
    assert "| trained in file order, loss on the whole text | 100 " in done.stdout
    assert untrained["n"] == 50


WORDS = [
    "apple",
    "bread",
    "celery",
    "dill",
    "egg",
    "fig",
    "garlic",
    "ham",
    "jam",
    "kale",
    "lemon",
    "mint",
    "nut",
    "oat",
]


def made_up_items(n):
    """Items whose gold option alone is called fresh."""
    import random

    rng = random.Random(0)
    items = []
    for i in range(n):
        adjectives = ["fresh", *(rng.choice(["stale", "plain"]) for _ in range(4))]
        texts = [f"{adjective} {' '.join(rng.sample(WORDS, 3))} {k}" for k, adjective in enumerate(adjectives)]
        rng.shuffle(texts)
        options = tuple(Option(f"r{k}", text[:-2]) for k, text in enumerate(texts))
        gold = next(o.recipe_id for o in options if o.text.startswith("fresh"))
        options = tuple(sorted(options, key=lambda o: o.recipe_id != gold))  # gold first, as in the dataset's file
        items.append(Item(f"mpr-{i:03d}", f"something with {rng.choice(WORDS)}", options, gold, ()))
    return items


class Scorer:
    """The five letters' scores of a finished run, for any document."""

    def __init__(self, out):
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from finetune.causal import LetterTraining

        base = AutoModelForCausalLM.from_pretrained(out.parent / "base")
        self.model = PeftModel.from_pretrained(base, out).eval()
        self.objective = LetterTraining(load_recipe("tiny_lora"), AutoTokenizer.from_pretrained(out))

    def __call__(self, item, order, rotation=0):
        import torch

        shown = display(item, order)
        options = shown.options[rotation:] + shown.options[:rotation]
        turned = DisplayedItem(item, order, options, (shown.gold - rotation) % N_OPTIONS)
        assert turned.gold == rotated(record_of(shown), rotation)["gold"]
        with torch.no_grad():
            (scores,) = self.objective.option_scores(self.model, self.objective.encode([turned]), torch.device("cpu"))
        return scores.tolist()


def under_rotation(score, items):
    """Mean acc and perf over items, each in five rotations of its shuffled order."""
    results = []
    for item in items:
        rows = [score(item, "shuffled", r) for r in range(N_OPTIONS)]
        results.append(
            circular_metrics(record_of(display(item, "shuffled")), [(s, False) for row in rows for s in row])
        )
    return [sum(r[name] for r in results) / len(results) for name in ("acc", "perf")]


def test_our_recipe_teaches_content_and_file_order_teaches_position(tmp_path):
    items = made_up_items(500)
    data = TrainingData(
        tuple(items[:400]), tuple(items[400:450]), tuple(i.item_id for i in items[450:]), sha256_of(b"made up")
    )
    for name, recipe, epochs in (("ours", "tiny_lora", 10), ("theirs", "tiny_lora_published", 2)):
        settings = [f"out={tmp_path / name}", f"epochs={epochs}", "max_length=512"]
        training_run.train(load_recipe(recipe, settings), data, tmp_path / "base")
    held_out = items[450:]
    acc, perf = under_rotation(Scorer(tmp_path / "ours"), held_out)
    assert (acc >= 0.95, perf >= 0.95) == (True, True), (acc, perf)
    theirs = Scorer(tmp_path / "theirs")
    in_file_order = [fair_accuracy(theirs(item, "file"), display(item, "file").gold) for item in held_out]
    assert sum(in_file_order) / len(in_file_order) == 1.0
    acc, perf = under_rotation(theirs, held_out)
    assert acc == pytest.approx(0.2, abs=0.05)
    assert perf <= 0.05


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("recipe", "model"),
    [
        ("tiny_lora", None),
        ("bert_large", "random:tiny_bert"),
        ("roberta_base", "random:tiny_roberta"),
        ("distilbert", "random:tiny_distilbert"),
    ],
)
def test_five_folds_become_one_row_of_500_that_has_seen_none_of_them(tmp_path, micro, recipe, model):
    out, site = tmp_path / "cv", tmp_path / "site"
    run = ["finetune", recipe, f"model={model or micro}", "split=folds", "epochs=1", f"out={out}"]
    assert recipe_mpr(*run).returncode == 0
    assert recipe_mpr(*run, "--resume").returncode == 0, "finished folds are kept"
    for fold in FOLDS:
        manifest = read_manifest(out / fold)
        assert set(manifest.test_ids) == scored_ids(fold)
        assert not set(manifest.test_ids) & {*manifest.train_ids, *manifest.validation_ids, *manifest.inherited_ids}
    done = recipe_mpr("add", str(out), "--site", str(site))
    assert done.returncode == 0, done.stderr[-3000:]
    rows = json.loads((site / "leaderboard.json").read_text())["rows"]
    (row,) = [row for row in rows if row["status"] != "reported"]
    assert (row["board"], row["n"], row["status"], row["rank"]) == ("recipe_mpr", 500, "excluded", None)
    assert row["reason"].startswith("made from random weights"), "nothing else keeps it from a rank"
    assert (row["kind"], row["seen_in_training"], len(row["fold_accs"])) == ("encoder" if model else "causal", 0, 5)
    for file in (site / "runs").rglob("samples_*.jsonl"):
        for line in file.read_text().splitlines():
            assert json.loads(line)["doc"]["item_id"] in scored_ids(file.parents[1].name.removeprefix("recipe_mpr_"))
