"""The encoder adapter: agreement with plain transformers, checkpoints it must refuse, batching."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMultipleChoice, AutoTokenizer

from recipe_mpr_task.data import load_sample
from recipe_mpr_task.errors import CheckpointError, ModelArgsError, RecipeMPRError
from recipe_mpr_task.models.batching import batches_by_length
from recipe_mpr_task.models.encoder import EncoderLM
from recipe_mpr_task.orders import display
from recipe_mpr_task.task import record_of
from tests.support.requests import requests_of

RECORDS = [record_of(display(item, "shuffled")) for item in load_sample()[:12]]


def scores(folder, records=RECORDS, **arguments):
    answers = EncoderLM(pretrained=str(folder), device="cpu", **arguments).loglikelihood(requests_of(records))
    return [ll for ll, _ in answers]


def copy_of(folder, tmp_path, **config):
    target = tmp_path / "copy"
    shutil.copytree(folder, target)
    changed = json.loads((target / "config.json").read_text()) | config
    (target / "config.json").write_text(json.dumps(changed))
    return target


def test_bi_encoder_agrees_with_plain_transformers(minilm):
    tokenizer, model = AutoTokenizer.from_pretrained(minilm), AutoModel.from_pretrained(minilm)

    def embed(text):
        batch = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            return torch.nn.functional.normalize(model(**batch).last_hidden_state.mean(1), dim=-1)[0]

    expected = []
    for record in RECORDS:
        cosines = torch.stack([embed(text) for text in record["options"]]) @ embed(record["query"])
        expected += torch.log_softmax(cosines, 0).tolist()
    assert scores(minilm) == pytest.approx(expected, abs=1e-5)


def test_multiple_choice_agrees_with_plain_transformers(tiny_bert):
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    model = AutoModelForMultipleChoice.from_pretrained(tiny_bert).eval()
    expected = []
    for record in RECORDS:
        batch = tokenizer([record["query"]] * 5, record["options"], padding=True, return_tensors="pt")
        with torch.no_grad():
            logits = model(**{key: value.unsqueeze(0) for key, value in batch.items()}).logits[0]
        expected += torch.log_softmax(logits, 0).tolist()
    assert scores(tiny_bert) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("arguments", [{}, {"batch_size": 3}, {"max_batch_tokens": 40}, {"batch_size": "auto"}])
def test_batching_changes_nothing(tiny_bert, arguments):
    assert scores(tiny_bert, **arguments) == pytest.approx(scores(tiny_bert, batch_size=2), abs=1e-5)


@pytest.mark.parametrize("model", ["minilm", "tiny_bert"])
def test_order_of_options_changes_no_bit(model, request):
    folder = request.getfixturevalue(model)
    shuffled = scores(folder)
    in_file_order = [record_of(display(item, "file")) for item in load_sample()[: len(RECORDS)]]
    by_id = dict(
        zip(
            ((r["item_id"], o) for r in in_file_order for o in r["option_ids"]),
            scores(folder, in_file_order),
            strict=True,
        )
    )
    for n, record in enumerate(RECORDS):
        row = shuffled[5 * n : 5 * n + 5]
        again = [by_id[record["item_id"], option_id] for option_id in record["option_ids"]]
        assert row == again


def test_head_is_read_from_the_checkpoint(minilm, tiny_bert):
    assert EncoderLM(pretrained=str(minilm)).head_name == "bi_encoder"
    assert EncoderLM(pretrained=str(tiny_bert)).head_name == "multiple_choice"
    info = EncoderLM(pretrained=str(minilm)).get_model_info()
    assert info["model_num_parameters"] == 22_713_216
    assert len(info["model_sha"]) == 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pretrained": ""}, "pretrained is missing"),
        ({"pretrained": "x", "head": "bi-encoder"}, "head='bi-encoder'; allowed: auto, .*did you mean bi_encoder"),
        ({"pretrained": "x", "dtype": "float8"}, "dtype='float8'; allowed: float32"),
        ({"pretrained": "x", "haed": "auto"}, "unknown model argument 'haed'.*did you mean head"),
    ],
)
def test_bad_arguments_say_what_is_allowed(arguments, message):
    with pytest.raises(ModelArgsError, match=message):
        EncoderLM(**arguments)


def test_missing_folder_and_missing_weights(tmp_path, tiny_bert):
    with pytest.raises(CheckpointError, match="no such folder"):
        EncoderLM(pretrained=str(tmp_path / "none"))
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        EncoderLM(pretrained=str(tmp_path))
    folder = copy_of(tiny_bert, tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"no \*.safetensors weights \(other weights: pytorch_model.bin\)"):
        EncoderLM(pretrained=str(folder))


def test_untrained_head_is_refused(tmp_path, tiny_bert, minilm):
    with pytest.raises(CheckpointError, match=r"no trained BertForMultipleChoice.*classifier"):
        EncoderLM(pretrained=str(minilm), head="multiple_choice")
    folder = copy_of(tiny_bert, tmp_path)
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="would be random"):
        EncoderLM(pretrained=str(folder))


def test_causal_model_and_bare_encoder_are_no_auto_head(tmp_path, tiny_qwen, minilm):
    with pytest.raises(CheckpointError, match="--model hf"):
        EncoderLM(pretrained=str(tiny_qwen))
    folder = copy_of(minilm, tmp_path)
    (folder / "modules.json").unlink()
    with pytest.raises(CheckpointError, match="head=bi_encoder"):
        EncoderLM(pretrained=str(folder))
    assert scores(folder, head="bi_encoder") == scores(minilm)


def test_unsupported_pooling_is_refused(tmp_path, minilm):
    folder = copy_of(minilm, tmp_path)
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(CheckpointError, match="Dense"):
        EncoderLM(pretrained=str(folder))


def test_pooling_of_the_checkpoint_is_used(tmp_path, minilm):
    folder = copy_of(minilm, tmp_path)
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls"}')
    assert scores(folder) != scores(minilm)


def test_scores_that_are_not_finite_are_refused(tmp_path, tiny_bert):
    folder = copy_of(tiny_bert, tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RecipeMPRError, match="not finite"):
        scores(folder)


def test_long_query_is_cut_and_counted_long_option_is_refused(tiny_bert):
    model = EncoderLM(pretrained=str(tiny_bert))
    model.loglikelihood(requests_of([{**RECORDS[0], "query": "soup " * 300}]))
    assert model.get_model_info()["recipe_mpr_truncated"] == 5
    with pytest.raises(CheckpointError, match="the model allows"):
        model.loglikelihood(requests_of([{**RECORDS[0], "options": ["soup " * 300, *RECORDS[0]["options"][1:]]}]))


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 200), st.none() | st.integers(1, 8))
def test_batches_hold_every_text_once_within_budget(lengths, max_tokens, max_rows):
    batches = list(batches_by_length(lengths, max_tokens, max_rows))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) * max(lengths[i] for i in batch) <= max_tokens or len(batch) == 1
        assert max_rows is None or len(batch) <= max_rows


@pytest.mark.honest
@pytest.mark.parametrize("model", ["minilm", "tiny_bert"])
def test_other_tasks_of_a_run_change_no_bit_and_leave_no_flag(model, request):
    """Batches of one task's texts alone; of each task it is recorded how many of its own were cut."""
    folder = request.getfixturevalue(model)
    ours = requests_of(RECORDS)
    foreign = [
        SimpleNamespace(task_name="other", doc_id=0, doc={"q": 1}, idx=k, args=("soup " * 300, text))
        for k, text in enumerate([" a stew", " bread and a long list of other things", " cake"])
    ]
    together = EncoderLM(pretrained=str(folder))
    assert together.loglikelihood([*ours, *foreign])[: len(ours)] == EncoderLM(pretrained=str(folder)).loglikelihood(
        ours
    )
    cut = together.get_model_info()["recipe_mpr_truncated_in"]
    assert (cut[ours[0].task_name], cut["other"] > 0) == (0, True)


def test_tasks_that_ask_the_same_are_scored_once(tiny_bert, monkeypatch):
    model, calls = EncoderLM(pretrained=str(tiny_bert)), []
    score = model.head.score
    monkeypatch.setattr(model.head, "score", lambda questions: calls.append(len(questions)) or score(questions))
    twice = model.loglikelihood([*requests_of(RECORDS, "a"), *requests_of(RECORDS, "b")])
    assert (calls, twice[: len(twice) // 2]) == ([len(RECORDS)], twice[len(twice) // 2 :])
