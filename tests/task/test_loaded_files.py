"""The files that make up a model are hashed once, and hashing never stops a run."""

import json
import os
import time

import pytest
from huggingface_hub.utils.sha import git_hash

from recipe_mpr_task.file_hashes import git_blob_id, remembered_sha256
from recipe_mpr_task.files import sha256_of, sha256_of_file
from recipe_mpr_task.loaded_files import content_hashes, file_hashes, sha256_of_loaded
from recipe_mpr_task.loaded_model import model_record
from tests.support.checkpoints import arguments_for, base_of, checkpoint

READ = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "vocab.txt", "merges.txt", "spiece.model", "chat_template.jinja", "chat_template.json",
        "model.safetensors", "model-00001-of-00002.safetensors", "model.safetensors.index.json",
        "adapter_model.safetensors", "adapter_config.json", "recipe_mpr_query.json", "bpe.codes",
        "prophetnet.tokenizer", "new_embeddings.bin", "adapter_model.pt", "tokenizer.model.v3",
        "notice.safetensors")  # fmt: skip
NOT_READ = ("README.md", "LICENSE.txt", "curves.json", "curves.png", "trainer_state.json", "training_args.bin",
            "optimizer.pt", "recipe_mpr_training.json", "recipe.yaml", "tf_model.h5", "pytorch_model.bin")  # fmt: skip


def test_everything_that_loading_reads_is_hashed_and_nothing_else(tmp_path):
    for name in (*READ, *NOT_READ):
        (tmp_path / name).write_text("{}")
    (tmp_path / "modules.json").write_text(json.dumps([{"path": ""}, {"path": "1_Pooling"}, {"path": "../outside"}]))
    for folder in ("1_Pooling", "additional_chat_templates", "checkpoints"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ("a.jinja" if "chat" in folder else "config.json")).write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "shards/b.md", "c": "x.py"}})
    )
    (tmp_path / "shards").mkdir()
    for name in ("shards/b.md", "x.py"):
        (tmp_path / name).write_text("weights, whatever they are called")
    expected = {
        *READ,
        "shards/b.md",
        "x.py",
        "modules.json",
        "1_Pooling/config.json",
        "additional_chat_templates/a.jinja",
    }
    assert set(content_hashes(tmp_path)) == set(file_hashes(tmp_path)) == expected


@pytest.mark.exploit
def test_pickled_weights_count_where_no_safetensors_come_first(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    (tmp_path / "adapter_model.bin").write_bytes(b"x")
    (tmp_path / "unrelated.safetensors").write_bytes(b"x")
    assert set(content_hashes(tmp_path)) == {"pytorch_model.bin", "adapter_model.bin", "unrelated.safetensors"}


@pytest.mark.honest
def test_the_layout_of_a_config_and_where_its_base_lies_change_nothing(tmp_path):
    for name, config in (
        ("a", '{"r": 1, "base_model_name_or_path": "/x"}'),
        ("b", '{"base_model_name_or_path":"/y","r":1}'),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text(config)
    assert content_hashes(tmp_path / "a") == content_hashes(tmp_path / "b")
    (tmp_path / "b" / "adapter_config.json").write_text('{"r": 2}')
    assert content_hashes(tmp_path / "a") != content_hashes(tmp_path / "b")


@pytest.mark.honest
def test_a_large_file_is_read_once_and_again_when_it_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("recipe_mpr_task.file_hashes.time", Later)
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"a" * 300_000)
    reads = []
    monkeypatch.setattr("recipe_mpr_task.file_hashes.sha256_of_file", lambda p: reads.append(p) or sha256_of_file(p))
    first = sha256_of_loaded(path)
    assert sha256_of_loaded(path) == first
    assert len(reads) == 1
    kept = [note.read_text() for note in (tmp_path / "cache").rglob("hashes/*")]
    assert kept == [first], "for the next process"
    before = path.stat()
    path.write_bytes(b"b" * 300_000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sha256_of_loaded(path) != first, "size and mtime as before: ctime tells"


def test_a_file_in_motion_is_hashed_again(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b"a" * 300_000)
    first = remembered_sha256(path)
    path.write_bytes(b"b" * 300_000)
    assert (first, remembered_sha256(path)) == (sha256_of(b"a" * 300_000), sha256_of(b"b" * 300_000))


@pytest.mark.parametrize("content", [b"", b"x" * 3_000_000])
def test_git_blob_ids_are_gits_own(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert git_blob_id(tmp_path / "x") == git_hash(content)


class Later:
    """A clock by which every file has settled."""

    @staticmethod
    def time():
        return time.time() + 60


@pytest.mark.honest
def test_files_of_the_hubs_cache_are_known_by_their_blobs_names(tmp_path):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / ("a" * 40)
    for folder in (blobs, snapshot):
        folder.mkdir(parents=True)
    (blobs / ("b" * 64)).write_bytes(b"weights")
    (snapshot / "model.safetensors").symlink_to(blobs / ("b" * 64))
    assert content_hashes(snapshot, trust_blob_names=True) == {"model.safetensors": "b" * 64}
    assert content_hashes(snapshot) != {"model.safetensors": "b" * 64}


def test_files_that_cannot_be_read_stop_no_run(tmp_path, monkeypatch):
    folder = checkpoint(tmp_path / "a")
    assert model_record(arguments_for(folder))["sha256"]

    def unreadable(*_, **__):
        raise PermissionError(13, "no")

    monkeypatch.setattr("recipe_mpr_task.loaded_model.content_hashes", unreadable)
    record = model_record(arguments_for(folder))
    assert (record["sha256"], record["files"], record["random_weights"]) == (None, {}, False)
    assert base_of(folder).is_dir()
