"""The sweep file: all faults at once, names of models, and the meaning of each key."""

from importlib.resources import files

import pytest
import yaml

from leaderboard.sweep.cells import cells_of, refusal
from leaderboard.sweep.models import models_of
from leaderboard.sweep.sweep_file import Entry, SweepFile, read_sweep, shipped_sweeps
from recipe_mpr_task.errors import RecipeMPRError

BAD = """
tsks: [recipe_mpr]
tasks: [recipe_mpr_tets, recipe_mpr]
shots: [-1, yes]
models:
  - baseline: bm52
  - encoder: ./nowhere
    heads: bi
  - baseline: first
    config: bm25
  - {}
  - model: hff
    batch_size: many
    memory: lots
exclude:
  - models: frst
    task: recipe_mpr
"""


def test_all_faults_are_reported_at_once_with_the_allowed_keys(tmp_path):
    (tmp_path / "bad.yaml").write_text(BAD)
    with pytest.raises(RecipeMPRError) as error:
        read_sweep(str(tmp_path / "bad.yaml"))
    message = str(error.value)
    for part in (
        "14 faults",
        "tsks: unknown key (did you mean tasks?)",
        "tasks.0: unknown; did you mean recipe_mpr_test?",
        "shots.0:",
        "shots.1: true and false are not allowed here",
        "models.0.baseline: unknown; did you mean bm25?; allowed: bm25, first, longest, random, tfidf",
        "models.1.heads: unknown key",
        "models.1.encoder: no such folder: ./nowhere",
        "models.2: exactly one of config, baseline, encoder, checkpoint, model is needed; config and baseline are",
        "models.3: exactly one of config, baseline, encoder, checkpoint, model is needed; none is given",
        "models.4.model: unknown; did you mean hf?",
        "models.4.batch_size: allowed: a positive number, auto or auto:N",
        "models.4.memory: allowed: a size such as 24GB",
        "exclude.0.task: unknown key (did you mean tasks?); allowed: tasks, shots, chat_template, seeds, models",
        "exclude.0.models: no model is called 'frst'; allowed: bm52, nowhere, bm25, hff",
    ):
        assert part in message, part


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "has no settings"),
        ("models: []", "models: List should have at least 1 item"),
        ("a: [", "cannot be read"),
        ("models: 3\ninclude: 4", "models: Input should be a valid list"),
        ("models: [3, {baseline: [x]}]", "models.1.baseline"),
        ("models: [{baseline: bm25}, {baseline: bm25}]", "models.0, models.1: 2 models are called 'bm25'"),
    ],
)
def test_malformed_files_are_refused_in_one_line(tmp_path, text, message):
    (tmp_path / "sweep.yaml").write_text(text)
    with pytest.raises(RecipeMPRError, match="sweep") as error:
        read_sweep(str(tmp_path / "sweep.yaml"))
    assert message in str(error.value)


def test_unknown_names_list_the_shipped_sweeps():
    with pytest.raises(RecipeMPRError, match="did you mean small"):
        read_sweep("smal")


def test_names_follow_from_the_models():
    entries = [
        {"config": "bm25"},
        {"baseline": "random", "model_args": {"seed": 3}},
        {"encoder": "org/mini", "model_args": {"head": "bi_encoder"}},
        {"encoder": "org/mini", "model_args": {"head": "masked_lm"}},
        {"model": "hf", "model_args": {"pretrained": "org/causal"}},
        {"model": "hf", "model_args": {"pretrained": "org/causal"}, "name": "Mine"},
    ]
    models = models_of(SweepFile.model_validate({"models": entries}))
    assert [model.name for model in models] == [
        "bm25", "random seed 3", "mini (bi_encoder)", "mini (masked_lm)", "causal", "Mine"]  # fmt: skip
    assert models[-1].metadata == {"recipe_mpr_system": "Mine"}, "only a name that was given is shown on the board"
    assert not models[-2].metadata


def test_a_config_keeps_its_settings_unless_the_entry_says_otherwise():
    entry = {"config": "qwen3_8b_chat", "batch_size": 4, "gpus": 2}
    (model,) = models_of(SweepFile.model_validate({"models": [entry], "chat_template": False, "shots": [0, 5]}))
    assert (model.backend, model.batch_size, model.chat_template, model.shots) == ("hf", "4", (True,), (0, 5))
    assert model.args["enable_thinking"] is False
    assert model.args["parallelize"] is True, "a model on two GPUs is spread over them"
    (model,) = models_of(SweepFile.model_validate({"models": [entry | {"chat_template": [False, True]}]}))
    assert model.chat_template == (False, True)


def test_a_config_that_scores_only_some_items_is_refused(tmp_path):
    (tmp_path / "part.yaml").write_text("model: hf\nmodel_args: {pretrained: a/b}\nlimit: 10\n")
    sweep = SweepFile.model_validate({"models": [{"config": str(tmp_path / "part.yaml")}]})
    with pytest.raises(RecipeMPRError, match=r"models.0: .* sets limit"):
        models_of(sweep)


def test_memory_is_read_in_any_unit():
    entries = [{"model": "hf", "name": text, "memory": text} for text in ("24GB", "1.5 TiB", "512mb")]
    models = models_of(SweepFile(models=[Entry.model_validate(entry) for entry in entries]))
    assert [model.memory for model in models] == [24 * 2**30, 3 * 2**39, 2**29]


@pytest.mark.parametrize("name", shipped_sweeps())
def test_shipped_sweeps_are_valid(name):
    """Folders that the header's commands make are replaced: they are not there in tests."""
    raw = yaml.safe_load((files("harness_configs") / "sweeps" / f"{name}.yaml").read_text())
    for entry in raw["models"]:
        if "encoder" in entry:
            entry["encoder"] = "org/" + entry["encoder"].rpartition("/")[2]
        if "checkpoint" in entry:
            entry |= {"model": "hf", "model_args": {"pretrained": entry.pop("checkpoint").rpartition("/")[2]}}
    sweep = SweepFile.model_validate(raw)
    cells = cells_of(sweep, models_of(sweep))
    if name == "small":
        assert (len(cells), sum(refusal(cell) is not None for cell in cells)) == (48, 9)
