"""Seen items: an untrusted manifest, and every reason why the training data are unknown."""

import json
from types import SimpleNamespace

import pytest

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.loaded_model import arguments_of
from recipe_mpr_task.manifest import FILE_NAME, TrainingManifest, read_manifest
from recipe_mpr_task.provenance import seen_by
from tests.support.checkpoints import PARTS, arguments_for, base_of, checkpoint, save_base

TRAINED, VALIDATED, HELD_OUT, OTHER = PARTS.train[0], PARTS.validation[0], PARTS.test[0], PARTS.test[1]


def test_a_manifest_reads_as_it_was_written(tmp_path):
    folder = checkpoint(tmp_path / "a")
    manifest = read_manifest(folder)
    assert manifest.seen_ids == {*PARTS.train, *PARTS.validation}
    assert TrainingManifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_trained_and_validated_items_count_as_seen(tmp_path):
    folder = checkpoint(tmp_path / "a", inherited_ids=[OTHER])
    for arguments in (
        arguments_for(folder),
        {"pretrained": str(base_of(folder)), "lora_local_path": str(folder), "dtype": "auto", "max_lora_rank": 16},
        {"pretrained": str(folder)},  # transformers then loads the base that the adapter names
    ):
        seen = seen_by(arguments)
        assert [seen.flag(i) for i in (TRAINED, VALIDATED, HELD_OUT, OTHER)] == [1, 1, 0, 1], arguments


def test_a_base_folder_without_a_manifest_leaves_unseen_items_unknown(tmp_path):
    doubted = checkpoint(tmp_path / "a", base_known=False, base_reason="which had no manifest")
    seen = seen_by(arguments_for(doubted))
    assert [seen.flag(i) for i in (TRAINED, VALIDATED, HELD_OUT)] == [1, 1, None]
    assert "had no manifest" in seen.reason


def test_a_base_whose_files_cannot_be_compared_leaves_unseen_items_unknown(tmp_path):
    """A hub id that is not in the cache, or a manifest that lists no files of its base: what is seen stays seen."""
    for name, arguments, changes in (
        ("hub", {"pretrained": "org/base"}, {}),
        ("unlisted", {}, {"base_files": {}}),
        ("unsaid", {}, {"base_known": False}),
    ):
        folder = checkpoint(tmp_path / name, **changes)
        seen = seen_by(arguments_for(folder) | arguments)
        assert [seen.flag(i) for i in (TRAINED, HELD_OUT)] == [1, None], name


@pytest.mark.exploit
def test_a_tilde_is_no_home_folder_to_lm_eval(tmp_path, monkeypatch):
    """An honest checkpoint at home, another model in a folder called "~": the second is loaded."""
    monkeypatch.setenv("HOME", str(tmp_path))
    checkpoint(tmp_path / "m")
    assert seen_by({"pretrained": "~/m-base", "peft": "~/m"}).ids is None


@pytest.mark.exploit
def test_the_tokenizer_of_an_adapters_base_counts(tmp_path):
    """lm-eval takes the tokenizer from the base's folder: one that was edited makes another model."""
    folder = checkpoint(tmp_path / "a")
    (base_of(folder) / "tokenizer.json").write_text(json.dumps({"normalizer": "says the answer"}))
    assert seen_by(arguments_for(folder)).ids is None


def test_where_the_base_lies_may_change(tmp_path):
    folder = checkpoint(tmp_path / "a")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/elsewhere/base"}))
    moved = base_of(folder).rename(tmp_path / "moved")
    assert seen_by({"pretrained": str(moved), "peft": str(folder)}).flag(HELD_OUT) == 0


def _edit(folder, **changes):
    path = folder / FILE_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return arguments_for(folder)


def _added(folder, name, text):
    (folder / name).write_text(text)
    return arguments_for(folder)


UNKNOWN = {
    "hub model": lambda f: {"pretrained": "org/base"},
    "no arguments": lambda f: {},
    "an object": lambda f: {"pretrained": object()},
    "another base": lambda f: {"pretrained": str(save_base(f.with_name("other"), b"other")), "peft": str(f)},
    "another tokenizer": lambda f: arguments_for(f) | {"tokenizer": "org/other"},
    "other weights in the same folder": lambda f: arguments_for(f) | {"use_safetensors": "False"},
    "delta": lambda f: {"pretrained": str(f), "delta": "org/delta"},
    "gguf": lambda f: {"pretrained": str(f), "gguf_file": "x.gguf"},
    "subfolder": lambda f: {"pretrained": str(f), "subfolder": "x"},
    "own code": lambda f: {"pretrained": str(f), "trust_remote_code": "True"},
    "manifest removed": lambda f: (f / FILE_NAME).unlink() or arguments_for(f),
    "weights changed": lambda f: (
        (f / "adapter_model.safetensors").write_bytes(b"other") and arguments_for(f)),
    "weights added": lambda f: (
        (f / "model.safetensors").write_bytes(b"other") and arguments_for(f)),
    "config changed": lambda f: (
        (f / "config.json").write_text('{"hidden_act": "relu"}') and arguments_for(f)),
    "tokenizer config added": lambda f: _added(f, "tokenizer_config.json", "{}"),
    "chat template added": lambda f: _added(f, "chat_template.jinja", "{{ messages }}"),
    "pickled adapter added": lambda f: (f / "adapter_model.safetensors").rename(f / "adapter_model.bin") and
        arguments_for(f),
    "ids emptied": lambda f: _edit(f, train_ids=[], validation_ids=[]),
    "ids swapped": lambda f: _edit(f, train_ids=list(PARTS.test)),
    "no split of ours": lambda f: _edit(f, split="mine"),
    "broken manifest": lambda f: (f / FILE_NAME).write_text("{") and arguments_for(f),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN, ids=str)
def test_what_cannot_be_traced_is_unknown_and_says_why(tmp_path, case):
    seen = seen_by(UNKNOWN[case](checkpoint(tmp_path / "a")))
    assert seen.ids is None
    assert seen.flag(HELD_OUT) is None
    assert seen.reason


def test_other_data_and_other_local_bases_are_unknown(tmp_path):
    other = checkpoint(tmp_path / "a", dataset_sha256="1" * 64)
    assert seen_by(arguments_for(other)).ids is None
    base = checkpoint(tmp_path / "b-base", b"base", inherited_ids=[OTHER])
    TrainingManifest(**json.loads((base / FILE_NAME).read_text()) | {"form": "merged"}).write(base)
    on_base = checkpoint(tmp_path / "b", b"b", base_model="base")
    seen = seen_by(arguments_for(on_base))
    assert seen.flag(OTHER) == 1, "what the base model has seen is seen"
    (base / "adapter_model.safetensors").write_bytes(b"swapped")
    assert seen_by(arguments_for(on_base)).ids is None


def test_a_model_of_an_unknown_class_is_not_traced(tmp_path):
    class Mine:
        pretrained, peft, delta, revision = "org/base", str(checkpoint(tmp_path / "a")), None, "main"

    assert arguments_of(Mine()) is None


def test_vllm_is_traced_by_engine_and_adapter(tmp_path):
    folder = checkpoint(tmp_path / "a")

    # vllm needs a GPU; its adapter keeps these two.
    kind = type("VLLM", (), {"__module__": "lm_eval.models.vllm_causallms"})
    lm = kind()
    lm.model_args = {"model": str(base_of(folder)), "revision": None}
    lm.lora_request = SimpleNamespace(lora_path=str(folder))
    assert seen_by(arguments_of(lm)).flag(TRAINED) == 1
    lm.lora_request = None
    assert seen_by(arguments_of(lm)).ids is None


HOSTILE = {
    "a path for an id": {"train_ids": ["../../etc/passwd"]},
    "markup for an id": {"test_ids": ["<script>alert(1)</script>"]},
    "a million ids": {"train_ids": ["mpr-000"] * 1_000_000},
    "a long name": {"recipe_name": "x" * 10_000},
    "infinite time": {"wall_time_s": float("inf")},
    "no weights": {"weights": {}},
    "a hash that is none": {"system": "zz"},
    "nested history": {"history": [{"loss": {"a": [1]}}]},
    "another format": {"format": 99},
}


@pytest.mark.parametrize("case", HOSTILE, ids=str)
def test_a_hostile_manifest_is_refused_in_one_line(tmp_path, case):
    folder = checkpoint(tmp_path / "a")
    path = folder / FILE_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | HOSTILE[case]))
    with pytest.raises(CheckpointError) as error:
        read_manifest(folder)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    assert seen_by(arguments_for(folder)).ids is None


def test_deep_nesting_is_refused(tmp_path):
    folder = checkpoint(tmp_path / "a")
    (folder / FILE_NAME).write_text("[" * 100_000)
    with pytest.raises(CheckpointError, match="not a valid training manifest"):
        read_manifest(folder)
