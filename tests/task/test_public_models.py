"""The list of known public base models, and copies of them in folders."""

import re
import shutil
from pathlib import Path

import pytest

from recipe_mpr_task.public_models import by_files, entries, find
from tests.support.fake_hub import hashes_of

REPO = "sentence-transformers/all-MiniLM-L6-v2"
PINNED = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"


# --- the list ---


def test_each_entry_is_a_full_commit_with_a_source() -> None:
    seen = [(entry.id, entry.revision) for entry in entries()]
    assert len(seen) == len(set(seen))
    for entry in entries():
        assert entry.conversion or re.fullmatch("[0-9a-f]{40}", entry.revision)
        assert entry.source.startswith("https://")
        assert not entry.files.keys() & entry.optional.keys()
        assert {"config.json", "tokenizer.json", "tokenizer_config.json"} <= entry.files.keys()
        assert any(name.endswith(".safetensors") for name in entry.files)


@pytest.mark.parametrize("revision", [None, "main", PINNED[:10], PINNED.upper(), f"{PINNED}\n", "a1" * 20])
@pytest.mark.exploit
def test_only_the_full_commit_is_found(revision: str | None) -> None:
    assert find(REPO, PINNED)
    assert find(REPO, revision) is None
    assert find(REPO.lower(), PINNED) is None


# --- copies in folders ---


@pytest.mark.honest
def test_the_packaged_minilm_is_known_by_its_files(minilm: Path) -> None:
    found = by_files(hashes_of(minilm, "README.md"))
    assert found
    assert (found.id, found.revision) == (REPO, PINNED)
    without_vocabulary = {name: value for name, value in hashes_of(minilm, "README.md").items() if name != "vocab.txt"}
    assert by_files(without_vocabulary) == found


def known_hashes() -> dict[str, str]:
    entry = find(REPO, PINNED)
    assert entry
    return entry.known


@pytest.mark.parametrize("name", [*known_hashes()])
@pytest.mark.exploit
def test_a_folder_with_one_changed_file_is_not_known(name: str) -> None:
    assert by_files(known_hashes())
    assert by_files({**known_hashes(), name: "0" * 64}) is None


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling.py", "chat_template.jinja", "added_tokens.json"])
@pytest.mark.exploit
def test_a_folder_with_one_file_more_is_not_known(name: str) -> None:
    assert by_files({**known_hashes(), name: "0" * 64}) is None


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer_config.json", "1_Pooling/config.json"])
@pytest.mark.exploit
def test_a_folder_that_lacks_a_file_is_not_known(name: str) -> None:
    assert by_files({key: value for key, value in known_hashes().items() if key != name}) is None


@pytest.mark.exploit
def test_no_files_are_no_known_model() -> None:
    assert by_files({}) is None


@pytest.mark.honest
def test_a_vocabulary_file_that_may_be_absent_changes_no_token(minilm: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    copy = shutil.copytree(minilm, tmp_path / "copy", ignore=shutil.ignore_patterns("vocab.txt", "*.safetensors"))
    text = "Crème brûlée with 2 egg-yolks, NO sugar [SEP]"
    encoded = [AutoTokenizer.from_pretrained(folder)(text)["input_ids"] for folder in (minilm, copy)]
    assert encoded[0] == encoded[1]
