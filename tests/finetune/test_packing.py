"""Packed texts give the losses and gradients of padded ones, and no text reads another."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from finetune.causal import LetterTraining
from finetune.packing import check_isolation, packed_inputs
from finetune.recipe import RecipeError, load_recipe
from finetune.steps import shown_in_epoch
from recipe_mpr_task.data import load_sample

CPU = torch.device("cpu")
PADDED = load_recipe("tiny_lora")


@pytest.fixture(scope="module")
def tokenizer(tiny_qwen):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_qwen)


@pytest.fixture
def model(tiny_qwen):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_qwen, attn_implementation="sdpa").eval()


def objective(tokenizer, **settings):
    return LetterTraining(PADDED.model_copy(update=settings), tokenizer)


def examples(objective, n=9):
    return objective.encode(shown_in_epoch(load_sample()[:n], objective.recipe, 0))


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("loss", ["answer", "text"])
def test_packed_loss_scores_and_gradients_are_the_padded_ones(model, tokenizer, loss):
    padded, packed = objective(tokenizer, loss=loss), objective(tokenizer, loss=loss, packing=True)
    batch = examples(padded)
    assert len({example.n_tokens for example in batch}) > 1, "texts of one length need no padding"
    torch.testing.assert_close(
        packed.option_scores(model, batch, CPU), padded.option_scores(model, batch, CPU), rtol=1e-4, atol=1e-5
    )
    theirs, ours = (o.loss_sum(model, batch, CPU) for o in (padded, packed))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradients(model, ours), gradients(model, theirs), rtol=1e-3, atol=1e-6)


def test_a_packed_text_does_not_read_the_others(model, tokenizer):
    """Every logit of the second text is the same whatever stands before and after it."""
    packed = objective(tokenizer, packing=True)
    first, second, third, other = (list(e.input_ids) for e in examples(packed, 4))

    def logits(before, after):
        row = model(**packed_inputs([before, second, after], "sdpa", CPU)).logits[0]
        return row[len(before) : len(before) + len(second)]

    alone = model(input_ids=torch.tensor([second])).logits[0]
    torch.testing.assert_close(logits(first, third), alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits(other, first), alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits(first[::-1], third[::-1]), logits(first, third), rtol=0, atol=1e-6)


def test_flash_attention_gets_the_bounds_of_the_texts(model, tokenizer):
    """Its own kernels need a GPU: here, attention within the bounds that it gets gives the padded loss."""
    from transformers import AttentionInterface
    from transformers.modeling_flash_attention_utils import FlashAttentionKwargs

    def within_bounds(module, query, key, value, mask, *, scaling, **kwargs):
        assert mask is None
        assert max(kwargs["cu_seq_lens_q"].diff()) == kwargs["max_length_q"] == kwargs["max_length_k"]
        parts = [x.split(kwargs["cu_seq_lens_k"].diff().tolist(), dim=2) for x in (query, key, value)]
        outputs = [
            scaled_dot_product_attention(*text, is_causal=True, scale=scaling, enable_gqa=True)
            for text in zip(*parts, strict=True)
        ]
        return torch.cat(outputs, dim=2).transpose(1, 2), None

    AttentionInterface.register("within_bounds", within_bounds)
    padded = objective(tokenizer)
    batch = examples(padded)
    expected = padded.option_scores(model, batch, CPU)
    texts = [example.input_ids for example in batch]
    inputs = packed_inputs(texts, "flash_attention_2", CPU)
    assert inputs.keys() - {"input_ids", "position_ids"} == set(FlashAttentionKwargs.__annotations__)
    model.set_attn_implementation("within_bounds")
    ends = [sum(map(len, texts[: k + 1])) - 1 for k in range(len(texts))]
    logits = model(**inputs, use_cache=False).logits[0, ends]
    torch.testing.assert_close(logits[:, padded.letters], expected, rtol=1e-4, atol=1e-5)


def test_a_model_that_mixes_texts_is_refused(model, tokenizer):
    """Such as one with a recurrent layer, which no mask limits."""
    text = examples(objective(tokenizer), 1)[0].input_ids
    check_isolation(model, text, CPU)
    mixing = model.model.layers[0].register_forward_hook(lambda _module, _inputs, output: output.cumsum(1))
    with pytest.raises(RecipeError, match=r"changes the logits of the next text by .*; set packing=false"):
        check_isolation(model, text, CPU)
    mixing.remove()


@pytest.mark.parametrize("setting", ["pad_to=max_length", "attention=eager"])
def test_packing_is_refused_with_settings_that_contradict_it(setting):
    with pytest.raises(RecipeError, match="packing=true excludes pad_to=max_length and attention=eager"):
        load_recipe("tiny_lora", ["packing=true", setting])


def test_packing_is_refused_for_encoders_and_for_other_attention():
    with pytest.raises(RecipeError, match="packing: only for head causal"):
        load_recipe("bert_large", ["packing=true"])
    with pytest.raises(
        RecipeError, match="packing=true needs another attention than eager; allowed: sdpa, flash_attention_2"
    ):
        packed_inputs([[1, 2], [3]], "eager", CPU)


def test_packing_does_not_change_the_system():
    """It changes speed alone, so runs with and without it are one system."""
    packed = load_recipe("tiny_lora", ["packing=true"])
    assert (packed.packing, PADDED.packing) == (True, False)
    assert packed.system("base") == PADDED.system("base")
