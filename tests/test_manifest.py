"""What a model has seen: the manifest as data from elsewhere, and every way in which it cannot be known."""

import json
from types import SimpleNamespace

import pytest

from recipe_mpr_task.data import SHA256
from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.manifest import (
    FILE_NAME,
    TrainingManifest,
    combined_sha256,
    read_manifest,
    setting_hashes,
    weight_hashes,
)
from recipe_mpr_task.provenance import seen_by, seen_by_model
from recipe_mpr_task.splits import parts_of

PARTS = parts_of("published")
TRAINED, VALIDATED, HELD_OUT, OTHER = PARTS.train[0], PARTS.validation[0], PARTS.test[0], PARTS.test[1]
FIELDS = {
    "dataset_sha256": SHA256, "split": "published", "train_ids": PARTS.train, "validation_ids": PARTS.validation,
    "test_ids": PARTS.test, "order": "drawn", "prompt": "default", "task_version": 1, "seed": 1, "head": "causal",
    "form": "adapter", "base_model": "org/base", "base_revision": "main", "base_known": True,
    "system": "0" * 64, "recipe_name": "r", "recipe": {}, "wall_time_s": 1.0, "peak_memory_bytes": 1,
    "samples_per_second": 1.0, "trainable_parameters": 1, "total_parameters": 2,
}  # fmt: skip


def checkpoint(folder, content=b"weights", **changes):
    """A folder with weights and a manifest of them; nothing in it is a real model."""
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(content)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    hashes = {"weights": weight_hashes(folder), "settings": setting_hashes(folder)}
    manifest = TrainingManifest(**FIELDS | hashes | changes)
    manifest.write(folder)
    return folder


def test_a_manifest_reads_as_it_was_written(tmp_path):
    folder = checkpoint(tmp_path / "a")
    manifest = read_manifest(folder)
    assert manifest.seen_ids == {*PARTS.train, *PARTS.validation}
    assert TrainingManifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_trained_and_validated_items_count_as_seen(tmp_path):
    folder = checkpoint(tmp_path / "a", inherited_ids=[OTHER])
    for arguments in (
        {"pretrained": "org/base", "peft": str(folder)},
        {"pretrained": "org/base", "lora_local_path": str(folder), "dtype": "auto", "max_lora_rank": 16},
        {"pretrained": str(folder)},  # transformers then loads the base that the adapter names
    ):
        seen = seen_by(arguments)
        assert [seen.flag(i) for i in (TRAINED, VALIDATED, HELD_OUT, OTHER)] == [1, 1, 0, 1], arguments


def test_a_base_folder_without_a_manifest_leaves_unseen_items_unknown(tmp_path):
    seen = seen_by({"pretrained": "org/base", "peft": str(checkpoint(tmp_path / "a", base_known=False))})
    assert [seen.flag(i) for i in (TRAINED, VALIDATED, HELD_OUT)] == [1, 1, None]
    assert "had no manifest" in seen.reason


def test_where_the_base_lies_may_change(tmp_path):
    folder = checkpoint(tmp_path / "a")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/elsewhere/base"}))
    assert seen_by({"pretrained": "org/base", "peft": str(folder)}).flag(HELD_OUT) == 0


def _edit(folder, **changes):
    path = folder / FILE_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return {"pretrained": "org/base", "peft": str(folder)}


UNKNOWN = {
    "hub model": lambda f: {"pretrained": "org/base"},
    "no arguments": lambda f: {},
    "an object": lambda f: {"pretrained": object()},
    "another base": lambda f: {"pretrained": "org/other", "peft": str(f)},
    "another revision": lambda f: {"pretrained": "org/base", "revision": "v2", "peft": str(f)},
    "delta": lambda f: {"pretrained": str(f), "delta": "org/delta"},
    "gguf": lambda f: {"pretrained": str(f), "gguf_file": "x.gguf"},
    "subfolder": lambda f: {"pretrained": str(f), "subfolder": "x"},
    "own code": lambda f: {"pretrained": str(f), "trust_remote_code": "True"},
    "manifest removed": lambda f: (f / FILE_NAME).unlink() or {"pretrained": "org/base", "peft": str(f)},
    "weights changed": lambda f: (
        (f / "adapter_model.safetensors").write_bytes(b"other") and {"pretrained": "org/base", "peft": str(f)}),
    "weights added": lambda f: (
        (f / "model.safetensors").write_bytes(b"other") and {"pretrained": "org/base", "peft": str(f)}),
    "config changed": lambda f: (
        (f / "config.json").write_text('{"hidden_act": "relu"}') and {"pretrained": "org/base", "peft": str(f)}),
    "ids emptied": lambda f: _edit(f, train_ids=[], validation_ids=[]),
    "ids swapped": lambda f: _edit(f, train_ids=list(PARTS.test)),
    "no split of ours": lambda f: _edit(f, split="mine"),
    "broken manifest": lambda f: (f / FILE_NAME).write_text("{") and {"pretrained": "org/base", "peft": str(f)},
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN, ids=str)
def test_what_cannot_be_traced_is_unknown_and_says_why(tmp_path, case):
    seen = seen_by(UNKNOWN[case](checkpoint(tmp_path / "a")))
    assert seen.ids is None
    assert seen.flag(HELD_OUT) is None
    assert seen.reason


def test_other_data_and_other_local_bases_are_unknown(tmp_path):
    other = checkpoint(tmp_path / "a", dataset_sha256="1" * 64)
    assert seen_by({"pretrained": "org/base", "peft": str(other)}).ids is None
    base = checkpoint(tmp_path / "base", b"base", form="merged", inherited_ids=[OTHER])
    on_base = checkpoint(tmp_path / "b", b"b", base_model="base", base_sha256=combined_sha256(weight_hashes(base)))
    seen = seen_by({"pretrained": str(base), "peft": str(on_base)})
    assert seen.flag(OTHER) == 1, "what the base model has seen is seen"
    (base / "adapter_model.safetensors").write_bytes(b"swapped")
    assert seen_by({"pretrained": str(base), "peft": str(on_base)}).ids is None


def test_a_model_of_an_unknown_class_is_unknown(tmp_path):
    class Mine:
        pretrained, peft, delta, revision = "org/base", str(checkpoint(tmp_path / "a")), None, "main"

    assert seen_by_model(Mine(), {}).ids is None


def test_vllm_is_traced_by_engine_and_adapter(tmp_path):
    folder = checkpoint(tmp_path / "a")

    # vllm needs a GPU; its adapter keeps these two.
    kind = type("VLLM", (), {"__module__": "lm_eval.models.vllm_causallms"})
    lm = kind()
    lm.model_args = {"model": "org/base", "revision": None}
    lm.lora_request = SimpleNamespace(lora_path=str(folder))
    assert seen_by_model(lm, {}).flag(TRAINED) == 1
    lm.lora_request = None
    assert seen_by_model(lm, {}).ids is None


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
    assert seen_by({"pretrained": "org/base", "peft": str(folder)}).ids is None


def test_deep_nesting_is_refused(tmp_path):
    folder = checkpoint(tmp_path / "a")
    (folder / FILE_NAME).write_text("[" * 100_000)
    with pytest.raises(CheckpointError, match="no training manifest"):
        read_manifest(folder)
