"""Files of a hub model are compared with the hub's hashes; the hub is a fake one on this machine."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recipe_mpr_task import public_models
from recipe_mpr_task.errors import CheckpointError, RecipeMPRError
from recipe_mpr_task.public_models import resolved_commit, snapshot_files, verify
from tests.support.commands import run_python
from tests.support.fake_hub import FakeHub, hashes_of, public_model

TINY = "example/tiny"
COMMIT, NEXT = "a1" * 20, "b2" * 20


@pytest.fixture
def base(tmp_path: Path, tiny_bert: Path) -> Path:
    return shutil.copytree(tiny_bert, tmp_path / "base")


@pytest.fixture
def hub(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with one model, which is listed; huggingface_hub in this process uses it."""
    listed = public_model(TINY, COMMIT, base)
    monkeypatch.setattr(public_models, "entries", lambda: (listed,))
    with FakeHub() as hub:
        hub.add(TINY, base, COMMIT)
        hub.use_in_process(monkeypatch, tmp_path / "home")
        yield hub


@pytest.fixture
def cached(hub: FakeHub) -> dict[str, Path]:
    """The model's files as loading downloaded them."""
    from huggingface_hub import snapshot_download

    snapshot_download(TINY, revision="main")
    return snapshot_files(TINY)


# --- files compared with the hub ---


@pytest.mark.honest
def test_downloaded_files_are_verified(hub: FakeHub, cached: dict[str, Path], base: Path) -> None:
    assert verify(TINY, COMMIT, cached) == hashes_of(base)
    assert verify(TINY, COMMIT, cached, endpoint=hub.endpoint) == hashes_of(base)


@pytest.mark.integration
@pytest.mark.honest
def test_what_transformers_downloads_is_verified(hub: FakeHub, base: Path, tmp_path: Path) -> None:
    code = (
        "from transformers import AutoModel, AutoTokenizer\n"
        f"AutoTokenizer.from_pretrained({TINY!r}); AutoModel.from_pretrained({TINY!r})\n"
        "from recipe_mpr_task.public_models import find, resolved_commit\n"
        f"print('found', find({TINY!r}, resolved_commit({TINY!r})))"
    )
    done = run_python("-c", code, **hub.environment(tmp_path / "other", public_model(TINY, COMMIT, base)))
    assert f"found id='{TINY}' revision='{COMMIT}'" in done.stdout, done.stderr[-3000:]
    files = snapshot_files(TINY, cache_dir=tmp_path / "other" / "hub")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= files.keys()
    assert verify(TINY, COMMIT, files).items() <= hashes_of(base).items()


@pytest.mark.exploit
def test_one_changed_byte_of_the_weights_is_found(hub: FakeHub, cached: dict[str, Path]) -> None:
    weights = cached["model.safetensors"].resolve()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(
        CheckpointError, match=rf"at {COMMIT}: model.safetensors has SHA-256 \w{{64}}, but \w{{64}} in the repository"
    ):
        verify(TINY, COMMIT, cached)


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "tokenizer_config.json"])
@pytest.mark.exploit
def test_an_edited_setting_is_found(hub: FakeHub, cached: dict[str, Path], name: str) -> None:
    file, text = cached[name].resolve(), cached[name].read_text()
    file.write_text(text + "\n")
    with pytest.raises(CheckpointError, match=rf"{name} has \d+ bytes, but \d+ in the repository"):
        verify(TINY, COMMIT, cached)
    file.write_text(text.replace(" ", "\t", 1))
    with pytest.raises(CheckpointError, match=rf"{name} has git blob id \w{{40}}, but \w{{40}} in the repository"):
        verify(TINY, COMMIT, cached)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling_own.py", "1_Pooling/config.json"])
@pytest.mark.exploit
def test_a_file_that_the_repository_lacks_is_found(hub: FakeHub, cached: dict[str, Path], name: str) -> None:
    added = cached["config.json"].parent / name
    added.parent.mkdir(exist_ok=True)
    added.write_text("{}")
    with pytest.raises(CheckpointError, match=f"{name} is not in the repository at this commit"):
        verify(TINY, COMMIT, snapshot_files(TINY))


@pytest.mark.exploit
def test_a_commit_that_is_not_listed_is_not_verified(hub: FakeHub, cached: dict[str, Path], base: Path) -> None:
    hub.add(TINY, base, NEXT)
    for revision in (NEXT, "main", COMMIT[:12]):
        with pytest.raises(RecipeMPRError, match=f"not a listed public model; listed: {COMMIT}"):
            verify(TINY, revision, cached)
    with pytest.raises(RecipeMPRError, match=f"not a listed public model; listed: {TINY}"):
        verify("somebody/else", COMMIT, cached)


@pytest.mark.exploit
def test_an_answer_for_another_commit_is_refused(
    hub: FakeHub, cached: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(TINY, cached["config.json"].parent, NEXT)
    monkeypatch.setattr(hub, "commit_of", lambda repo, revision: NEXT)
    with pytest.raises(RecipeMPRError, match=f"answered for another commit, {NEXT}"):
        verify(TINY, COMMIT, cached)


@pytest.mark.exploit
def test_an_address_that_claims_to_be_the_hub_cannot_vouch_for_other_files(
    hub: FakeHub, cached: dict[str, Path], base: Path
) -> None:
    for folder in (base, cached["config.json"].parent):
        (folder / "config.json").resolve().write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match=r"config.json has SHA-256 \w{64}, expected \w{64} .*unset HF_ENDPOINT"):
        verify(TINY, COMMIT, cached)


@pytest.mark.exploit
def test_a_linked_folder_is_not_passed_over(hub: FakeHub, cached: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "pooling").mkdir()
    (tmp_path / "pooling" / "config.json").write_text("{}")
    (cached["config.json"].parent / "1_Pooling").symlink_to(tmp_path / "pooling")
    with pytest.raises(CheckpointError, match="1_Pooling is not in the repository"):
        verify(TINY, COMMIT, snapshot_files(TINY))


def test_a_file_that_is_gone_is_told(hub: FakeHub, cached: dict[str, Path]) -> None:
    cached["config.json"].resolve().unlink()
    with pytest.raises(CheckpointError, match=r"config.json cannot be read \(No such file"):
        verify(TINY, COMMIT, snapshot_files(TINY))


@pytest.mark.parametrize("name", ["tokenizer_config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.exploit
def test_a_file_that_was_taken_away_is_found(hub: FakeHub, cached: dict[str, Path], name: str) -> None:
    cached[name].unlink()
    with pytest.raises(CheckpointError, match=f"the needed file {name} is missing"):
        verify(TINY, COMMIT, snapshot_files(TINY))
    with pytest.raises(CheckpointError, match="is missing"):
        verify(TINY, COMMIT, {})


@pytest.mark.exploit
def test_a_hub_that_is_down_verifies_nothing(hub: FakeHub, cached: dict[str, Path]) -> None:
    hub.stop()
    with pytest.raises(RecipeMPRError, match=r"hashes of its files from the hub .*go online and run again") as caught:
        verify(TINY, COMMIT, cached)
    assert "\n" not in str(caught.value)


def test_offline_and_a_missing_repository_are_told(
    hub: FakeHub, cached: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    del hub.commits[TINY]
    with pytest.raises(RecipeMPRError, match=r"from the hub .*RepositoryNotFoundError"):
        verify(TINY, COMMIT, cached)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RecipeMPRError, match=r"from the hub .*OfflineModeIsEnabled"):
        verify(TINY, COMMIT, cached)


# --- which commit was loaded ---


@pytest.mark.honest
@pytest.mark.parametrize("revision", [None, "main", "v1", COMMIT[:10], COMMIT])
def test_a_loaded_revision_is_resolved_without_the_hub(hub: FakeHub, base: Path, revision: str | None) -> None:
    from transformers import AutoConfig

    hub.add(TINY, base, COMMIT, "main", "v1")
    AutoConfig.from_pretrained(TINY, revision=revision or "main")
    hub.stop()
    assert resolved_commit(TINY, revision) == COMMIT
    assert snapshot_files(TINY, revision).keys() == {"config.json"}


@pytest.mark.exploit
def test_a_branch_that_moved_is_resolved_to_what_was_loaded(hub: FakeHub, cached: dict[str, Path], base: Path) -> None:
    from huggingface_hub import snapshot_download

    assert resolved_commit(TINY) == COMMIT
    hub.add(TINY, base, NEXT)
    assert resolved_commit(TINY) == COMMIT  # not loaded again yet
    snapshot_download(TINY)
    assert resolved_commit(TINY) == NEXT
    with pytest.raises(RecipeMPRError, match="not a listed public model"):
        verify(TINY, NEXT, snapshot_files(TINY))
    assert resolved_commit(TINY, COMMIT) == COMMIT


@pytest.mark.exploit
def test_a_folder_with_the_name_of_a_hub_model_is_no_hub_model(
    hub: FakeHub, cached: dict[str, Path], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolved_commit(TINY) == COMMIT
    shutil.copytree(base, tmp_path / TINY)
    assert resolved_commit(TINY) is None
    assert snapshot_files(TINY) == {}


@pytest.mark.parametrize("name", ["", "a/b/c", "random:tiny", "/no/such/folder", "not-cached/at-all", "x" * 200])
def test_what_is_no_cached_hub_model_has_no_commit(hub: FakeHub, name: str) -> None:
    assert resolved_commit(name) is None


@pytest.mark.exploit
def test_a_forged_cache_reference_is_no_commit(hub: FakeHub, cached: dict[str, Path], tmp_path: Path) -> None:
    storage = tmp_path / "home" / "hub" / "models--example--tiny"
    (storage / "snapshots" / "best").mkdir()
    (storage / "snapshots" / "best" / "config.json").write_text(json.dumps({}))
    (storage / "refs" / "main").write_text("best")
    assert resolved_commit(TINY) is None
    (storage / "refs" / "main").write_text("../..")
    assert resolved_commit(TINY) is None
