"""Training of encoders: losses against simple implementations, validation scores against the adapter's."""

from collections import Counter

import pytest
import torch
from torch.nn import functional

from finetune import run as training_run
from finetune.base import Base
from finetune.objective import objective_for
from finetune.recipe import RecipeError, load_recipe
from finetune.steps import shown_in_epoch
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.models.encoder import EncoderLM
from recipe_mpr_task.models.heads import HEADS
from recipe_mpr_task.orders import display
from recipe_mpr_task.scoring import fair_accuracy
from recipe_mpr_task.splits import parts_of
from recipe_mpr_task.task import record_of
from tests.support.requests import requests_of

CPU = torch.device("cpu")
SHOWN = [display(item, "shuffled") for item in load_sample()[:6]]
RECIPES = {
    "multiple_choice": ("bert_large", "random:tiny_bert"),
    "cross_encoder": ("distilbert", "random:tiny_distilbert"),
    "bi_encoder": ("minilm_bi_encoder", "random:tiny_roberta"),
}


@pytest.fixture(scope="session", params=RECIPES)
def run(request, tmp_path_factory):
    """A finished run of each head on the sample: its head, folder and manifest."""
    name, model = RECIPES[request.param]
    out = tmp_path_factory.mktemp("encoder") / "run"
    settings = [f"model={model}", f"head={request.param}", f"out={out}", "split=sample", "epochs=2", "select=last"]
    more = ["learning_rate=1e-3", "dtype=float32", "refit=false"]
    more += ["negation=0.5"] if request.param == "bi_encoder" else []
    recipe = load_recipe(name, settings + more)
    training_run.check(recipe)
    ((_, manifest),) = training_run.train_all(recipe)
    return request.param, out, manifest


def test_validation_scores_are_those_of_the_adapter(run):
    """The validation accuracy that selects a checkpoint equals the accuracy by lm-eval's adapter."""
    head, out, manifest = run
    by_id = {item.item_id: item for item in load_sample()}
    records = [record_of(display(by_id[i], "shuffled")) for i in manifest.validation_ids]
    lm = EncoderLM(pretrained=str(out), device="cpu")
    assert lm.head_name == head
    scores = [score for score, _ in lm.loglikelihood(requests_of(records))]
    accuracies = [fair_accuracy(scores[5 * k : 5 * k + 5], record["gold"]) for k, record in enumerate(records)]
    last = [entry for entry in manifest.history if entry.get("eval_accuracy") is not None][-1]
    assert last["eval_accuracy"] == pytest.approx(sum(accuracies) / len(accuracies))
    losses = [-scores[5 * k + record["gold"]] for k, record in enumerate(records)]
    if head != "bi_encoder":  # whose training divides similarities by a temperature
        assert last["eval_cross_entropy"] == pytest.approx(sum(losses) / len(losses), abs=1e-5)
    assert manifest.trainable_parameters == manifest.total_parameters


def objective(out, head, **changes):
    recipe = load_recipe(RECIPES[head][0]).model_copy(update={"head": head, "dtype": "float32", **changes})
    return objective_for(recipe, Base("trained", str(out), None, {}), [])


def load(out, head):
    return HEADS[head].transformers_class().from_pretrained(out).eval()


def test_losses_are_the_plain_ones_and_padding_changes_nothing(run):
    head, out, _ = run
    model = load(out, head)
    smoothing = 0.0 if head == "bi_encoder" else 0.1
    for pad_to in ("batch", "max_length"):
        training = objective(out, head, pad_to=pad_to, label_smoothing=smoothing, max_length=128)
        with torch.no_grad():
            loss = training.loss_sum(model, training.encode(SHOWN), CPU)
            expected = plain_loss(head, model, training.tokenizer, training.recipe)
        torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-4)


def plain_loss(head, model, tokenizer, recipe):
    """One item, one text at a time, by the definitions."""
    total = torch.tensor(0.0)
    if head != "bi_encoder":
        for item in SHOWN:
            pairs = [tokenizer(item.item.query, option.text, return_tensors="pt") for option in item.options]
            if head == "multiple_choice":
                pairs = [{key: value.unsqueeze(0) for key, value in pair.items()} for pair in pairs]
            scores = torch.stack([model(**pair).logits.flatten()[0] for pair in pairs])
            logs = scores.log_softmax(0)
            total -= (1 - recipe.label_smoothing) * logs[item.gold] + recipe.label_smoothing * logs.mean()
        return total

    def embed(text):
        hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state
        return functional.normalize(hidden.mean(1), dim=1)[0]

    options = [(o.recipe_id, embed(o.text)) for item in SHOWN for o in item.options]
    for k, item in enumerate(SHOWN):
        query = embed(item.item.query)
        gold = 5 * k + item.gold
        kept = [j for j, (recipe_id, _) in enumerate(options) if j == gold or recipe_id != item.item.gold]
        scores = torch.stack([query @ options[j][1] for j in kept]) / recipe.temperature
        total -= scores.log_softmax(0)[kept.index(gold)]
    return total


@pytest.mark.parametrize("run", ["bi_encoder"], indirect=True)
def test_an_aspect_is_asked_without_the_items_own_distractors(run):
    head, out, _ = run
    model = load(out, head)
    aspects = {item.item.item_id: (item.item.query.split()[-1],) for item in SHOWN[:2]}
    training = objective(out, head, aspects=0.5)
    training.aspects = aspects
    with torch.no_grad():
        both = training.loss_sum(model, training.encode(SHOWN), CPU)
        training.aspects = {}
        alone = training.loss_sum(model, training.encode(SHOWN), CPU)
        unit = training.embed(model, [t for e in training.encode(SHOWN) for t in e.texts], CPU).view(6, 6, -1)
        losses = []
        for k in range(2):
            (text,) = aspects[SHOWN[k].item.item_id]
            asked = training.embed(model, training.encode_queries([text]), CPU)[0]
            others = [unit[i, 1 + j] for i in range(6) for j in range(5) if i != k]
            scores = torch.stack([unit[k, 1 + SHOWN[k].gold], *others]) @ asked / training.recipe.temperature
            losses.append(-scores.log_softmax(0)[0])
    torch.testing.assert_close(both - alone, 0.5 * torch.stack(losses).mean() * len(SHOWN), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["bert_large", "roberta_base", "distilbert"])
def test_negated_items_are_repeated_in_training_only(name):
    recipe = load_recipe(name)
    assert (recipe.label_smoothing, recipe.repeat_negated, recipe.select, recipe.split) == (0.1, 3, "best", "folds")
    counts = Counter(shown.item.item_id for shown in shown_in_epoch(load_sample(), recipe, 0))
    for item in load_sample():
        assert counts[item.item_id] == (3 if "Negated" in item.query_types else 1)
    parts = parts_of("fold0")
    assert (len(parts.train), len(parts.validation)) == (360, 40), "a tenth of the training part validates"


def test_a_causal_base_trains_no_encoder_and_the_reverse(tiny_qwen, tiny_bert):
    from recipe_mpr_task.errors import CheckpointError

    with pytest.raises(CheckpointError, match="Qwen3ForCausalLM, not an encoder"):
        training_run.check(load_recipe("minilm_bi_encoder", [f"model={tiny_qwen}", "split=sample"]))
    with pytest.raises(CheckpointError, match="BertForMultipleChoice, not a causal model"):
        training_run.check(load_recipe("tiny_lora", [f"model={tiny_bert}", "split=sample"]))


def test_a_refit_trains_on_the_validation_part_too_and_says_so(tmp_path):
    from recipe_mpr_task.manifest import TrainingManifest
    from recipe_mpr_task.provenance import seen_by

    settings = ["model=random:tiny_bert", f"out={tmp_path / 'run'}", "split=sample", "epochs=1", "refit=true"]
    recipe = load_recipe("minilm_bi_encoder", [*settings, "dtype=float32"])
    ((folder, manifest),) = training_run.train_all(recipe)
    parts = parts_of("sample")
    assert set(manifest.train_ids) == {*parts.train, *parts.validation}
    assert manifest.validation_ids == ()
    assert isinstance(manifest, TrainingManifest)
    seen = seen_by({"pretrained": str(folder)})
    assert seen.ids == set(manifest.train_ids)
    with pytest.raises(RecipeError, match="refit=true leaves no validation items"):
        load_recipe("bert_large", ["refit=true"])
