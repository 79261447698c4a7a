"""Names: displayed without invisible characters, compared without look-alikes; a folder is never a hub model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.exports import export
from leaderboard.load.record import record_of, write_record
from recipe_mpr_task.names import folded, folder_name, shown_text, without_folders
from tests.support.export_files import aggregates, boards_of, cards, from_hub
from tests.support.fake_runs import rows_of, run_files, run_in
from tests.support.run_edits import both, config, of_file

HUB_LIKE = "Qwen/Qwen3-Embedding-8B"


@given(st.text(max_size=60))
def test_a_shown_name_is_stable_and_visible(text):
    shown = shown_text(text)
    assert shown_text(shown) == shown
    assert shown.isprintable()
    assert folded(shown) == folded(text)
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize(
    "other",
    ["org/m\u043edel-l0", "ORG/Model-10", "org/\u200bmodel-10", "org/model-\uff11\uff10", "org/rnodel-1O",
     "org/m\u00f6del-10", "org/model\u2010lo", "org /model-10", "org/mode\u0406-10"],
)  # fmt: skip
def test_what_looks_alike_is_compared_as_one(other):
    assert folded(other) == folded("org/model-10")


@pytest.mark.parametrize("other", ["org/model-11", "org2/model-10", "org/modell-10", "org/model-10b", ""])
def test_what_looks_different_stays_different(other):
    assert folded(other) != folded("org/model-10")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/exp/run7/checkpoint-100", "run7/checkpoint-100"),
        ("/data/bert-large", "bert-large"),
        ("/data/mine/final", "mine/final"),
        ("/data/mine/out/best/model", "mine/out/best/model"),
        ("/home/me/model", "model"),
        ("/cache/models--org--m/snapshots/0123456789abcdef0123456789abcdef01234567",
         "models--org--m/snapshots/0123456789abcdef0123456789abcdef01234567"),
        ("~/models/mine/", "mine"),
        ("../runs/a/base", "a/base"),
        ("C:\\Users\\me\\mine\\final", "mine/final"),
        ("/", "/"),
    ],
)  # fmt: skip
def test_a_folder_is_named_by_its_last_name_that_is_its_own(path, name):
    assert folder_name(path) == name
    assert folder_name(without_folders(path)) == name


@given(st.lists(st.sampled_from(["model", "run7", "checkpoint-100", "bert", "final", "a b"]), min_size=1, max_size=7))
def test_what_a_record_keeps_of_a_path_gives_the_same_name(parts):
    path = "/" + "/".join(parts)
    assert folder_name(without_folders(path)) == folder_name(path)
    assert without_folders(path).count("/") <= 4


@pytest.mark.parametrize("path", ["/data/run7/checkpoint-100", "/data/mine", "/data/out/exp3/final", HUB_LIKE])
def test_a_run_and_its_record_have_one_name_and_one_origin(tmp_path, path):
    source = of_file(recipe_mpr_model={"sources": {"pretrained": "folder"}})
    run_files(tmp_path / "run", name=path, edit_results=source)
    run = run_in(tmp_path / "run")
    write_record(record_of(run), tmp_path / "record" / "a.record.json")
    (of_run,), (of_record,) = rows_of(tmp_path / "run"), rows_of(tmp_path / "record")
    assert of_run.system == of_record.system == ("./" + HUB_LIKE if path == HUB_LIKE else folder_name(path))
    assert of_record.loaded.base == of_run.loaded.base
    assert "/work" not in (tmp_path / "record" / "a.record.json").read_text()


CREDITED = {
    "recorded as a hub's": (from_hub("pretrained"), True),
    "with the hub's commit": (config(model_sha="ab" * 20), True),
    "an encoder's hash of weights": (config(model="recipe-mpr-encoder", model_sha="ab" * 32), False),
    "recorded as a folder's": (of_file(recipe_mpr_model={"sources": {"pretrained": "folder"}}), False),
    "a folder with a commit": (
        both(config(model_sha="ab" * 20), of_file(recipe_mpr_model={"sources": {"pretrained": "folder"}})), False),
    "an API's": (config(model="local-completions", model_args={"model": HUB_LIKE}), False),
    "not told": (lambda _: None, False),
    "told in another form": (of_file(recipe_mpr_model={"sources": ["hub"]}), False),
}  # fmt: skip


@pytest.mark.exploit
@pytest.mark.parametrize("case", CREDITED)
def test_a_hubs_owner_is_credited_only_where_a_hub_is_known_to_be_meant(tmp_path, case):
    edit, is_credited = CREDITED[case]
    run_files(tmp_path, name=HUB_LIKE, edit_results=edit)
    files = export(boards_of(tmp_path), None)
    ids = {aggregate["model_info"]["id"] for aggregate, _ in aggregates(files)}
    assert any(path.startswith("hub/Qwen--") for path in files) == is_credited
    assert (ids == {HUB_LIKE}) == is_credited
    assert not any(i.startswith("Qwen/") for i in ids) or is_credited


@pytest.mark.exploit
def test_an_adapters_base_in_a_folder_is_no_hubs_model(tmp_path):
    loaded = config(model_args={"pretrained": HUB_LIKE, "peft": "me/adapter"})
    for k, source in enumerate(("folder", "hub")):
        sources = {"sources": {"pretrained": source, "peft": "hub"}}
        run_files(tmp_path / source, seed=k, edit_results=both(loaded, of_file(recipe_mpr_model=sources)))
        files = export(boards_of(tmp_path / source), None)
        (card,) = cards(files).values()
        assert card.data.base_model == (HUB_LIKE if source == "hub" else None)
        assert ("Qwen/" in "".join(files.values())) == (source == "hub")
