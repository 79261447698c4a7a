"""Training steps: even gold letters, whole epochs, the same tokens as lm-eval, one loss."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from finetune.causal import LetterTraining
from finetune.random_base import build_tokenizer
from finetune.recipe import RecipeError, load_recipe
from finetune.steps import EpochSteps, shown_in_epoch
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.models.batching import batches_by_length
from recipe_mpr_task.orders import display, drawn
from recipe_mpr_task.splits import N_FOLDS, TRAINING_SPLITS, fold_of, parts_of, scored_ids

RECIPE = load_recipe("tiny_lora")


@given(seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 100), n=st.integers(1, 60))
def test_drawn_orders_are_even_permutations_that_seed_and_epoch_decide(seed, epoch, n):
    items = load_sample()[:n]
    shown = drawn(items, seed, epoch)
    assert [s.item for s in shown] == list(items)
    for s in shown:
        assert sorted(s.options, key=str) == sorted(s.item.options, key=str)
        assert s.options[s.gold].recipe_id == s.item.gold
    counts = Counter(s.gold for s in shown)
    assert max(counts.values()) - min(counts[k] for k in range(5)) <= 1
    assert shown == drawn(items, seed, epoch)


def test_every_epoch_draws_anew():
    orders = {tuple(s.options for s in drawn(load_sample(), 42, epoch)) for epoch in range(5)}
    assert len(orders) == 5


@pytest.mark.parametrize("split", TRAINING_SPLITS)
def test_parts_are_disjoint_and_the_held_out_part_is_what_is_scored(split):
    parts = parts_of(split)
    sets = [set(parts.train), set(parts.validation), set(parts.test)]
    assert sum(map(len, sets)) == len(set.union(*sets)) == (60 if split == "sample" else 500)
    assert all(sets)
    if split != "sample":
        assert sets[2] == scored_ids(split)
    if split.startswith("fold"):
        assert {fold_of(i) for i in parts.validation} <= set(range(N_FOLDS)) - {int(split[-1])}


def test_an_epoch_deals_every_item_once_and_is_a_function_of_seed_and_epoch():
    def deal(epoch, seed):
        steps = EpochSteps(load_sample(), RECIPE.model_copy(update={"seed": seed}), list)
        steps.set_epoch(epoch)
        return [[(s.item.item_id, s.options) for s in step] for step in steps]

    assert [len(step) for step in deal(0, 1)] == [16, 16, 16, 12]
    assert sorted(i for step in deal(3, 1) for i, _ in step) == sorted(item.item_id for item in load_sample())
    assert deal(3, 1) == deal(3, 1)
    assert deal(3, 1) != deal(2, 1)
    assert deal(3, 1) != deal(3, 2)


@pytest.fixture(scope="module")
def model_and_tokenizer(tiny_qwen):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(tiny_qwen).eval(), AutoTokenizer.from_pretrained(tiny_qwen)


def examples_for(recipe, tokenizer, epoch=0):
    objective = LetterTraining(recipe, tokenizer)
    return objective, objective.encode(shown_in_epoch(load_sample(), recipe, epoch))


@pytest.mark.parametrize("prompt", ["default", "mmlu", "options_first"])
def test_trained_tokens_are_those_that_lm_eval_scores(tiny_qwen, prompt):
    """What the hf backend feeds the model and what it scores, against the training example."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from recipe_mpr_task.prompts import render
    from recipe_mpr_task.task import record_of

    lm = HFLM(pretrained=str(tiny_qwen), device="cpu")
    objective = LetterTraining(RECIPE.model_copy(update={"prompt": prompt}), lm.tokenizer)
    shown = [display(item, "shuffled") for item in load_sample()[:10]]
    passes = []
    lm.model.register_forward_hook(lambda _, inputs, output: passes.append((inputs[0], output.logits)))
    for example, item in zip(objective.encode(shown), shown, strict=True):
        request = Instance("loglikelihood", {}, (render(prompt, record_of(item)), f" {item.gold_letter}"), 0)
        ((score, _),) = lm.loglikelihood([request], disable_tqdm=True)
        ids, logits = passes[-1]
        assert ids.tolist() == [list(example.input_ids)]
        assert score == pytest.approx(logits[0, -1].float().log_softmax(0)[example.answer].item(), abs=1e-5)


def test_answer_loss_is_the_plain_one_whatever_the_batch(model_and_tokenizer):
    """Gathered before the output head, left-padded and batched: as one item at a time through all logits."""
    model, tokenizer = model_and_tokenizer
    objective, examples = examples_for(RECIPE, tokenizer)
    plain = []
    for example in examples:
        logits = model(torch.tensor([example.input_ids])).logits[0, -1]
        plain.append(-logits.log_softmax(0)[example.answer])
    for size in (1, 7, 60):
        parts = [examples[i : i + size] for i in range(0, len(examples), size)]
        total = sum(objective.loss_sum(model, part, torch.device("cpu")) for part in parts)
        torch.testing.assert_close(total, torch.stack(plain).sum(), rtol=1e-5, atol=1e-5)


def test_gradients_of_the_fast_path_are_the_plain_ones(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    objective, examples = examples_for(RECIPE, tokenizer)

    def gradients(loss):
        model.zero_grad()
        loss.backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    fast = gradients(objective.loss_sum(model, examples[:8], torch.device("cpu")))
    plain = gradients(
        sum(-model(torch.tensor([e.input_ids])).logits[0, -1].log_softmax(0)[e.answer] for e in examples[:8])
    )
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-6)


def test_whole_text_loss_is_transformers_own(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    for pad_to in ("batch", "max_length"):
        recipe = RECIPE.model_copy(update={"loss": "text", "pad_to": pad_to})
        objective, examples = examples_for(recipe, tokenizer)
        loss = objective.loss_sum(model, examples[:5], torch.device("cpu"))
        plain = 0
        for example in examples[:5]:
            ids = torch.tensor([[*example.input_ids, example.answer]])
            plain += model(ids, labels=ids).loss * objective.n_targets(example)
        torch.testing.assert_close(loss, plain, rtol=1e-5, atol=1e-4)


def test_letter_scores_are_what_lm_eval_returns(tiny_qwen):
    """Validation scores: the five letters' logits differ from lm-eval's log-likelihoods by one constant an item."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from recipe_mpr_task.prompts import render
    from recipe_mpr_task.task import record_of

    lm = HFLM(pretrained=str(tiny_qwen), device="cpu")
    objective = LetterTraining(RECIPE, lm.tokenizer)
    shown = [display(item, "shuffled") for item in load_sample()[:6]]
    with torch.no_grad():
        scores = objective.option_scores(lm.model, objective.encode(shown), torch.device("cpu")).log_softmax(1)
    for item, row in zip(shown, scores, strict=True):
        prompt = render("default", record_of(item))
        requests = [Instance("loglikelihood", {}, (prompt, f" {letter}"), k) for k, letter in enumerate("ABCDE")]
        theirs = torch.tensor([score for score, _ in lm.loglikelihood(requests, disable_tqdm=True)]).log_softmax(0)
        torch.testing.assert_close(row, theirs, rtol=1e-4, atol=1e-5)


def test_an_item_that_is_too_long_is_named_not_cut():
    with pytest.raises(RecipeError, match=r"sample-00 has \d+ tokens, but max_length is 20; raise max_length"):
        examples_for(RECIPE.model_copy(update={"max_length": 20}), build_tokenizer(900))


def test_a_tokenizer_that_splits_the_letters_is_refused():
    class Splitting:
        pad_token_id = 0

        def __call__(self, text):
            return {"input_ids": [ord(c) for c in text]}

    with pytest.raises(RecipeError, match="as one token each"):
        LetterTraining(RECIPE, Splitting())


@given(st.lists(st.integers(1, 300), min_size=1, max_size=40), st.integers(1, 2000), st.integers(1, 8))
def test_passes_stay_within_the_token_budget(widths, budget, most):
    batches = list(batches_by_length(widths, budget, most))
    assert sorted(i for batch in batches for i in batch) == list(range(len(widths)))
    for batch in batches:
        assert len(batch) <= most
        assert len(batch) == 1 or len(batch) * max(widths[i] for i in batch) <= budget


@pytest.mark.real_data
def test_aspects_are_read_for_training_items_only(minilm):
    """The annotations identify the gold option: validation and test items are never looked up."""
    from finetune.aspects import load_aspects
    from finetune.base import prepare_base
    from finetune.data import training_data
    from finetune.objective import objective_for

    recipe = load_recipe("minilm_bi_encoder", [f"model={minilm}", "split=fold0", "aspects=0.5"])
    data = training_data("fold0")
    objective = objective_for(recipe, prepare_base(recipe, minilm), data.train)
    assert objective.aspects.keys() == {item.item_id for item in data.train}
    assert load_aspects(data.train[:1]) == {data.train[0].item_id: objective.aspects[data.train[0].item_id]}
    (held_out,) = objective.encode([display(data.validation[0], "shuffled")])
    (trained,) = objective.encode([display(data.train[0], "shuffled")])
    assert (held_out.aspects, len(trained.aspects) >= 2) == ((), True)


def test_aspects_of_the_sample_and_of_no_dataset():
    from dataclasses import replace

    from finetune.aspects import load_aspects
    from recipe_mpr_task.errors import DataError

    items = load_sample()[:3]
    assert all(aspect in item.query for item, aspects in zip(items, load_aspects(items).values(), strict=True)
               for aspect in aspects)  # fmt: skip
    with pytest.raises(DataError, match=r"the gold option is .*, but .* in the dataset"):
        load_aspects([replace(items[0], gold="another")])
