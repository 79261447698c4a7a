"""The head for entailment: agreement with plain transformers, the labels that it reads, padding of encoder-decoders."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finetune.recipe import load_recipe
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.errors import CheckpointError, RecipeMPRError
from recipe_mpr_task.models.encoder import EncoderLM
from recipe_mpr_task.orders import display
from recipe_mpr_task.task import record_of
from tests.support.requests import requests_of
from tests.support.tiny_models import NLI_MODELS, save_tiny_nli

LABELS = ("contradiction", "neutral", "entailment")
ENCODER_DECODERS = ("bart", "t5")
QUESTIONS = [
    (record["query"], tuple(record["options"]))
    for record in (record_of(display(item, "shuffled")) for item in load_sample()[:6])
]


@pytest.fixture(scope="session")
def nli(tmp_path_factory):
    """Build a tiny checkpoint for entailment, once for each model type and tuple of labels."""
    built = {}

    def build(model_type="bert", labels=LABELS):
        if (model_type, labels) not in built:
            folder = tmp_path_factory.mktemp(f"nli-{model_type}")
            built[model_type, labels] = save_tiny_nli(folder, model_type, labels)
        return built[model_type, labels]

    return build


def copy_with(folder, target, **config):
    """Copy a checkpoint, and change its config. The value None removes a key."""
    target.mkdir(exist_ok=True)
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    changed = json.loads((folder / "config.json").read_text()) | config
    (target / "config.json").write_text(json.dumps({k: v for k, v in changed.items() if v is not None}))
    return target


def scores(folder, questions=QUESTIONS, **arguments):
    arguments = {"head": "nli", "device": "cpu"} | arguments
    return EncoderLM(pretrained=str(folder), **arguments).head.score(questions)


def plainly(folder, label, questions=QUESTIONS):
    """The log-probability of a label by plain transformers, one pair at a time: premise option, hypothesis query."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        return [
            [
                model(**tokenizer(option, query, return_tensors="pt")).logits[0].log_softmax(0)[label].item()
                for option in options
            ]
            for query, options in questions
        ]


def flat(rows):
    return [score for row in rows for score in row]


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        (LABELS, 2),
        (("ENTAILMENT", "NEUTRAL", "CONTRADICTION"), 0),
        (("not_entailment", "entailment"), 1),
        (("Non-Entailment", "neutral", " entails", "other"), 2),
    ],
)
@pytest.mark.parametrize("model_type", NLI_MODELS)
def test_scores_are_the_log_probability_that_plain_transformers_gives(nli, model_type, labels, label):
    folder = nli(model_type, labels)
    expected = flat(plainly(folder, label))
    assert max(expected) - min(expected) > 0.01, "the tiny model tells options apart"
    assert flat(scores(folder)) == pytest.approx(expected, abs=1e-5)


def test_the_option_is_the_premise(nli):
    query, options = QUESTIONS[0]
    swapped = [(option, (query,)) for option in options]
    assert flat(scores(nli())) != pytest.approx(flat(scores(nli(), swapped)), abs=1e-3)


@pytest.mark.parametrize("model_type", NLI_MODELS)
@pytest.mark.parametrize("arguments", [{"batch_size": 2}, {"max_batch_tokens": 4000}])
def test_batches_and_padding_change_no_score(nli, model_type, arguments):
    lengths = [("soup " * n, options) for n, (_, options) in enumerate(QUESTIONS, start=1)]
    folder = nli(model_type)
    assert flat(scores(folder, lengths, **arguments)) == pytest.approx(flat(plainly(folder, 2, lengths)), abs=1e-5)


@pytest.mark.parametrize("model_type", NLI_MODELS)
def test_a_tokenizer_that_pads_on_the_left_changes_no_score(nli, tmp_path, model_type):
    folder = copy_with(nli(model_type), tmp_path)
    settings = json.loads((folder / "tokenizer_config.json").read_text()) | {"padding_side": "left"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert AutoTokenizer.from_pretrained(folder).padding_side == "left"
    assert flat(scores(folder)) == pytest.approx(flat(scores(nli(model_type))), abs=1e-5)


@pytest.mark.parametrize("model_type", ENCODER_DECODERS)
def test_an_end_token_in_a_text_is_read_as_text(nli, model_type):
    ours, folder = QUESTIONS[:2], nli(model_type)
    together = scores(folder, [*ours, ("soup </s> bread", ("a </s> stew", "cake"))])
    assert flat(together[:2]) == pytest.approx(flat(scores(folder, ours)), abs=1e-5)


@pytest.mark.parametrize("model_type", ["bert", "bart"])
def test_order_of_options_changes_no_bit(nli, model_type):
    reversed_ = scores(nli(model_type), [(query, options[::-1]) for query, options in QUESTIONS])
    assert [row[::-1] for row in reversed_] == scores(nli(model_type))


@pytest.mark.parametrize("model_type", ["bert", "bart"])
def test_a_long_query_is_cut_a_long_option_is_refused(nli, model_type):
    model = EncoderLM(pretrained=str(nli(model_type)), head="nli", device="cpu")
    record = record_of(display(load_sample()[0], "shuffled"))
    model.loglikelihood(requests_of([{**record, "query": "soup " * 300}]))
    assert model.get_model_info()["recipe_mpr_truncated"] == 5
    with pytest.raises(CheckpointError, match="the model allows"):
        model.loglikelihood(requests_of([{**record, "options": ["soup " * 300, *record["options"][1:]]}]))


def test_auto_takes_nli_only_where_one_of_several_labels_names_entailment(nli):
    def auto(labels):
        return EncoderLM(pretrained=str(nli("bert", labels)), device="cpu").head_name

    assert (auto(LABELS), auto(("entailment",))) == ("nli", "cross_encoder")
    assert EncoderLM(pretrained=str(nli("bart")), device="cpu").head_name == "nli"
    with pytest.raises(CheckpointError, match="2 labels; a cross-encoder needs one label"):
        auto(("negative", "positive"))


@pytest.mark.parametrize(
    "labels", [("negative", "positive"), ("not_entailment", "other"), ("entailment", "entails_not"), ("entailment",)]
)
def test_labels_that_do_not_name_entailment_once_are_listed(nli, labels):
    listed = ", ".join(f"{k} {name}" for k, name in enumerate(labels))
    with pytest.raises(CheckpointError, match=f"labels {listed}; head=nli needs .* exactly one begins with 'entail'"):
        scores(nli("bert", labels))


def test_labels_are_read_from_either_key_of_the_config_and_must_agree(nli, tmp_path):
    expected = scores(nli())
    assert scores(copy_with(nli(), tmp_path / "by_number", label2id=None)) == expected
    assert scores(copy_with(nli(), tmp_path / "by_name", id2label=None)) == expected
    unnamed = {str(k): f"LABEL_{k}" for k in range(3)}
    assert scores(copy_with(nli(), tmp_path / "unnamed", id2label=unnamed)) == expected
    other = {"entailment": 0, "neutral": 1, "contradiction": 2}
    with pytest.raises(CheckpointError, match=r"labels 0 contradiction, 0 entailment, .*exactly one"):
        scores(copy_with(nli(), tmp_path / "contradicting", label2id=other))


def test_an_encoder_decoder_without_its_end_token_is_refused(nli, tmp_path):
    with pytest.raises(CheckpointError, match=r"does not end texts with the model's end token \(eos_token_id=77\)"):
        scores(copy_with(nli("bart"), tmp_path, eos_token_id=77))


@pytest.mark.parametrize("name", ["model.shared.weight", "model.decoder.embed_tokens.weight"])
def test_bart_files_hold_the_shared_embedding_under_any_of_its_names(nli, tmp_path, name):
    folder = copy_with(nli("bart"), tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights[name] = weights.pop("model.shared.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert scores(folder) == scores(nli("bart"))


def test_a_bart_without_its_trained_classifier_is_refused(nli, tmp_path):
    folder = copy_with(nli("bart"), tmp_path)
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("classification_head")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"no trained BartForSequenceClassification.*classification_head"):
        scores(folder)


def test_bfloat16_takes_the_softmax_in_float32(nli):
    rounded = flat(scores(nli(), dtype="bfloat16"))
    assert rounded == pytest.approx(flat(scores(nli())), abs=0.2)
    assert rounded != torch.tensor(rounded).bfloat16().tolist()


def test_finetune_does_not_train_the_head():
    with pytest.raises(RecipeMPRError, match=r"head: Input should be 'causal', .* \(got 'nli'\)"):
        load_recipe("minilm_multiple_choice", ["head=nli"])
