"""Each head on each kind of encoder, against independent computations; tasks of other benchmarks."""

import json
import shutil

import pytest
import torch
import transformers
from transformers import AutoModelForMaskedLM, AutoTokenizer

from finetune.base import architecture
from finetune.random_base import build_word_pieces
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.errors import CheckpointError, RecipeMPRError
from recipe_mpr_task.models.encoder import EncoderLM
from recipe_mpr_task.models.heads import HEADS, SCORED, TRAINED, resolve
from recipe_mpr_task.orders import display
from recipe_mpr_task.task import record_of
from tests.support.commands import run_python
from tests.support.requests import requests_of

ARCHITECTURES = ("tiny_bert", "tiny_roberta", "tiny_distilbert")
CLASSES = {
    "multiple_choice": "AutoModelForMultipleChoice",
    "nli": "AutoModelForSequenceClassification",
    "cross_encoder": "AutoModelForSequenceClassification",
    "masked_lm": "AutoModelForMaskedLM",
    "bi_encoder": "AutoModel",
}
RECORDS = [record_of(display(item, "shuffled")) for item in load_sample()[:10]]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Build a checkpoint of an architecture with one head."""

    def build(name, head):
        folder = tmp_path_factory.mktemp(f"{name}-{head}")
        shape = architecture(name)
        config = transformers.AutoConfig.for_model(**shape)
        if head == "cross_encoder":
            config.num_labels = 1
        tokenizer = build_word_pieces(config.vocab_size, config)
        config.pad_token_id = tokenizer.pad_token_id
        torch.manual_seed(0)
        getattr(transformers, CLASSES[head]).from_config(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return build


def test_the_registry_names_classes_that_exist_and_imports_none_of_them():
    for name, head in HEADS.items():
        assert isinstance(head.transformers_class(), type)
        assert all(isinstance(resolve(target), type) for target in (head.scorer, head.objective) if target)
        assert name in (*SCORED, *TRAINED)
    assert set(CLASSES) == set(SCORED)
    absent = "{'torch', 'finetune', 'transformers'}"
    done = run_python("-c", f"import sys, recipe_mpr_task.models.heads; assert not {absent} & set(sys.modules)")
    assert done.returncode == 0, done.stderr


def scores(folder, **arguments):
    answers = EncoderLM(pretrained=str(folder), device="cpu", **arguments).loglikelihood(requests_of(RECORDS))
    return [ll for ll, _ in answers]


def plainly(folder, head):
    """Log-softmax of the scores that plain transformers gives, one text or pair at a time."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, CLASSES[head]).from_pretrained(folder).eval()
    expected = []
    for record in RECORDS:
        with torch.no_grad():
            row = [one_score(head, model, tokenizer, record["query"], option) for option in record["options"]]
        expected += torch.tensor(row).log_softmax(0).tolist()
    return expected


def one_score(head, model, tokenizer, query, option):
    if head == "bi_encoder":
        a, b = (model(**tokenizer(t, return_tensors="pt")).last_hidden_state.mean(1)[0] for t in (query, option))
        return torch.nn.functional.cosine_similarity(a, b, dim=0)
    pair = tokenizer(query, option, return_tensors="pt")
    if head == "multiple_choice":
        return model(**{key: value.unsqueeze(0) for key, value in pair.items()}).logits[0, 0]
    return model(**pair).logits[0, 0]


@pytest.mark.parametrize("head", ["multiple_choice", "cross_encoder", "bi_encoder"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_scores_agree_with_plain_transformers(checkpoint, name, head):
    folder = checkpoint(name, head)
    asked = {} if head != "bi_encoder" else {"head": head}
    assert scores(folder, **asked) == pytest.approx(plainly(folder, head), abs=1e-5)


def pll_word_l2r(model, tokenizer, query, option):
    """Kauf and Ivanova (2023), word by word: sum over an option's tokens, later tokens of the same word masked."""
    words = [w for w, _ in tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(option)]
    pieces = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
    prefix = [tokenizer.cls_token_id, *tokenizer(query, add_special_tokens=False)["input_ids"], tokenizer.sep_token_id]
    total = 0.0
    for w, word in enumerate(pieces):
        before = [token for earlier in pieces[:w] for token in earlier]
        after = [token for later in pieces[w + 1 :] for token in later]
        for k, token in enumerate(word):
            masked = word[:k] + [tokenizer.mask_token_id] * (len(word) - k)
            ids = torch.tensor([[*prefix, *before, *masked, *after, tokenizer.sep_token_id]])
            segments = torch.tensor([[0] * len(prefix) + [1] * (ids.shape[1] - len(prefix))])
            told = {"token_type_ids": segments} if "token_type_ids" in tokenizer.model_input_names else {}
            logits = model(input_ids=ids, **told).logits[0, len(prefix) + len(before) + k]
            total += logits.double().log_softmax(0)[token].item()
    return total


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_masked_lm_agrees_with_an_independent_computation_on_ten_items(checkpoint, name):
    folder = checkpoint(name, "masked_lm")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForMaskedLM.from_pretrained(folder).eval()
    several = [word for r in RECORDS for o in r["options"] for word in o.split() if len(tokenizer.tokenize(word)) > 1]
    assert several, "some words are several tokens"
    expected = []
    with torch.no_grad():
        for record in RECORDS:
            row = [pll_word_l2r(model, tokenizer, record["query"], option) for option in record["options"]]
            expected += torch.tensor(row, dtype=torch.double).log_softmax(0).tolist()
    assert scores(folder) == pytest.approx(expected, abs=1e-4)


def test_heads_that_a_checkpoint_has_not_are_refused(checkpoint):
    folder = checkpoint("tiny_bert", "bi_encoder")
    for head in ("multiple_choice", "masked_lm"):
        with pytest.raises(CheckpointError, match="would be random"):
            EncoderLM(pretrained=str(folder), head=head)
    with pytest.raises(CheckpointError, match="2 labels; a cross-encoder needs one label"):
        EncoderLM(pretrained=str(folder), head="cross_encoder")


@pytest.mark.parametrize("head", ["multiple_choice", "cross_encoder", "bi_encoder", "masked_lm"])
def test_a_causal_model_is_refused_whatever_head_is_asked_for(tiny_qwen, head):
    with pytest.raises(RecipeMPRError, match=r"Qwen3ForCausalLM, not an encoder; score it with --model hf"):
        EncoderLM(pretrained=str(tiny_qwen), head=head)


def test_sentence_transformers_cross_encoder_folder_scores_as_its_own_predict(checkpoint, tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    theirs = sentence_transformers.CrossEncoder(str(checkpoint("tiny_bert", "cross_encoder")), num_labels=1)
    theirs.save_pretrained(str(tmp_path / "saved"))
    expected = []
    for record in RECORDS:
        pairs = [(record["query"], option) for option in record["options"]]
        logits = theirs.predict(pairs, activation_fn=torch.nn.Identity(), convert_to_tensor=True).cpu()
        expected += logits.log_softmax(0).tolist()
    assert scores(tmp_path / "saved") == pytest.approx(expected, abs=1e-5)


@pytest.mark.integration
def test_a_task_of_lm_evals_own_and_one_built_on_the_spot(minilm, tmp_path):
    """ARC's own task file on local data, and a plain YAML: scored from (context, continuation)."""
    import lm_eval.tasks

    shutil.copy(lm_eval.tasks.__path__[0] + "/arc/arc_easy.yaml", tmp_path / "arc.yaml")
    arc = [
        {"id": "1", "question": "Which is a fruit?", "choices": {"text": ["hammer", "apple"], "label": ["A", "B"]},
         "answerKey": "B"},
        {"id": "2", "question": "Which is a metal?", "choices": {"text": ["iron", "bread"], "label": ["A", "B"]},
         "answerKey": "A"},
    ]  # fmt: skip
    (tmp_path / "arc.jsonl").write_text("".join(json.dumps(row) + "\n" for row in arc))
    local = f"dataset_path: json\ndataset_name: null\ndataset_kwargs: {{data_files: {{test: {tmp_path}/arc.jsonl}}}}\n"
    splits = "training_split: null\nvalidation_split: null\n"
    (tmp_path / "arc_local.yaml").write_text(f"include: arc.yaml\ntask: arc_local\n{local}{splits}")
    (tmp_path / "arc.yaml").write_text((tmp_path / "arc.yaml").read_text().replace("task: arc_easy", "task: arc_copy"))
    own = 'output_type: multiple_choice\ntest_split: test\ndoc_to_text: "{{question}}"\n'
    own += 'doc_to_choice: "{{choices.text}}"\ndoc_to_target: "{{choices.label.index(answerKey)}}"\n'
    (tmp_path / "own.yaml").write_text(f"task: own_task\n{local}{own}")
    out = tmp_path / "out"
    flags = ["--tasks", "arc_local,own_task", "--include_path", str(tmp_path), "--output_path", str(out)]
    done = run_python(
        "-m", "lm_eval", "run", "--model", "recipe-mpr-encoder", "--model_args", f"pretrained={minilm}", *flags
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("length-normalised metrics") == 1
    (file,) = out.rglob("results_*.json")
    results = json.loads(file.read_text())["results"]
    assert [results[task]["acc,none"] for task in ("arc_local", "own_task")] == [1.0, 1.0]
