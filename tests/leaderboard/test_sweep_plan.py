"""The plan of a sweep: its cells, the impossible cells, and the cells with results."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaderboard.load.results import runs_of
from leaderboard.sweep import finished
from leaderboard.sweep.cells import Cell, cells_of, groups_of, refusal
from leaderboard.sweep.finished import is_complete
from leaderboard.sweep.models import Model, models_of
from leaderboard.sweep.plan import estimated_tokens, make_plan, plan_text
from leaderboard.sweep.recognition import Recognition, matches
from leaderboard.sweep.sweep_file import SweepFile
from leaderboard.verify.identity import identity
from tests.support.fake_runs import run_files

SAMPLE = "recipe_mpr_sample"
HF = {"model": "hf", "model_args": {"pretrained": "org/model"}}


def cells(*models, **keys):
    sweep = SweepFile.model_validate({"models": list(models), "tasks": SAMPLE, **keys})
    return cells_of(sweep, models_of(sweep))


def model(**changes) -> Model:
    (made,) = models_of(SweepFile.model_validate({"models": [HF]}))
    return Model(**{**vars(made), **changes})


def logged(folder, cell, **edits):
    """Write the run that lm-eval logs for a cell of a model without local files; return it as it is read."""

    def edit(results):
        results["config"] |= {"model": cell.model.backend, "model_args": dict(cell.model.args)}
        results["config"] |= {"fewshot_seed": cell.seeds[3], "model_dtype": "torch.float32"}
        results["n-shot"] = {cell.task: cell.shots}
        results |= {"fewshot_as_multiturn": True if cell.chat else None}
        results |= {"chat_template_sha": "ab" * 32 if cell.chat else None} | edits

    run_files(folder, cell.task, edit_results=edit)
    (file,) = folder.glob("results_*.json")
    (run,) = runs_of(file, file.name)
    return run


AXES = {
    "tasks": st.lists(st.sampled_from(["recipe_mpr", "recipe_mpr_folds", "recipe_mpr_generate", SAMPLE]), min_size=1),
    "shots": st.lists(st.integers(0, 3), min_size=1, max_size=3),
    "chat_template": st.lists(st.booleans(), min_size=1, max_size=2),
    "seeds": st.lists(st.integers(1, 3), min_size=1, max_size=3),
}


@given(keys=st.fixed_dictionaries(AXES), rule=st.fixed_dictionaries({}, optional=AXES))
def test_exclude_removes_what_include_adds(keys, rule):
    """No cell appears twice; a rule excludes exactly the cells that it matches; included cells are added again."""
    entries = ({"baseline": "bm25"}, {"model": "hf", "model_args": {"pretrained": "org/model"}})
    whole = cells(*entries, **keys)
    names = [(c.model.name, c.task, c.shots, c.chat, c.seed) for c in whole]
    assert len(names) == len(set(names))
    assert [c for group in groups_of(whole) for c in group if c.task in group[0].model.tasks]
    kept = cells(*entries, **keys, exclude=[rule])
    gone = {c.name for c in whole} - {c.name for c in kept}
    assert {c.name for c in kept} <= {c.name for c in whole}
    if not rule:
        assert not kept
    again = cells(*entries, **keys, exclude=[rule], include=[{}])
    assert {c.name for c in again} == {c.name for c in whole} and gone <= {c.name for c in again}


def test_cells_that_differ_only_in_the_task_are_one_group():
    made = cells(HF, {"baseline": "bm25"}, tasks=["recipe_mpr", SAMPLE], shots=[0, 2], seeds=[1, 2])
    shapes = [(g[0].model.name, g[0].shots, g[0].seed, [c.task for c in g]) for g in groups_of(made)]
    both = ["recipe_mpr", SAMPLE]
    assert shapes == [
        ("org/model", 0, 1, both), ("org/model", 2, 1, both), ("org/model", 2, 2, both), ("bm25", 0, None, both),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "task", "reason"),
    [
        ({"baseline": "bm25"}, "recipe_mpr_generate", "a baseline only scores options"),
        ({"encoder": "org/mini"}, "recipe_mpr_generate", "an encoder only scores options"),
        ({"baseline": "bm25"}, "recipe_mpr_options_only", "withholds the query"),
        ({"baseline": "first"}, "recipe_mpr_options_only", None),
        ({"model": "local-chat-completions", "name": "api"}, "recipe_mpr", "does not give; use recipe_mpr_generate"),
        ({"model": "local-chat-completions", "name": "api"}, "recipe_mpr_generate", None),
        (HF, "recipe_mpr_generate", None),
    ],
)
def test_cells_that_cannot_exist_are_refused(entry, task, reason):
    (cell,) = cells(entry, tasks=task)
    assert (refusal(cell) is None) if reason is None else reason in str(refusal(cell))


def test_a_causal_checkpoint_as_an_encoder_is_refused(tiny_qwen):
    (cell,) = cells({"encoder": str(tiny_qwen)})
    assert "not an encoder; score it with --model hf" in str(refusal(cell))


GRID = [Cell(model(), SAMPLE, shots, chat, seed) for shots in (0, 1) for chat in (False, True) for seed in (None, 7)]


@pytest.mark.parametrize("cell", GRID, ids=lambda cell: cell.folder)
def test_a_run_is_recognised_as_the_cell_that_made_it_and_no_other(tmp_path, cell):
    run = logged(tmp_path, cell)
    found = [other for other in GRID if matches(other, run)]
    # Zero-shot runs with different seeds are repeats on the leaderboard.
    same = [o for o in GRID if (o.shots, o.chat) == (cell.shots, cell.chat) and (o.seed == cell.seed or not o.shots)]
    assert found == same


RUNTIME = ("device", "batch_size", "parallelize", "max_memory_per_gpu", "gpu_memory_utilization")
OTHERS = ("revision", "peft", "load_in_4bit", "max_length", "enable_thinking", "trust_remote_code")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    runtime=st.dictionaries(st.sampled_from(RUNTIME), st.integers(1, 9)),
    others=st.dictionaries(st.sampled_from(OTHERS), st.sampled_from(["x", "y"]), max_size=2),
    asked=st.dictionaries(st.sampled_from(OTHERS), st.sampled_from(["x", "y"]), max_size=2),
)
def test_only_what_names_or_asks_the_model_decides(tmp_path_factory, runtime, others, asked):
    """How a model is run may differ; each argument that names the model or how it is asked must be the same."""
    base = {"pretrained": "org/model"}
    run = logged(tmp_path_factory.mktemp("run"), Cell(model(args=base | others | runtime), SAMPLE))
    assert matches(Cell(model(args=base | asked, batch_size="3"), SAMPLE), run) == (others == asked)


@pytest.mark.parametrize(
    ("asked", "logged_type", "same"),
    [("float32", "torch.float32", True), ("bfloat16", "torch.float32", False), (None, "torch.float32", False)],
)
def test_the_number_type_is_compared(tmp_path, asked, logged_type, same):
    run = logged(tmp_path, Cell(model(args={"pretrained": "org/model", "dtype": "float32"}), SAMPLE))
    assert run.config.model_dtype == logged_type
    args = {"pretrained": "org/model"} | ({"dtype": asked} if asked else {})
    assert matches(Cell(model(args=args), SAMPLE), run) is same


def test_a_half_written_run_is_run_again(tmp_path):
    cell = GRID[0]
    for name in ("whole", "no-samples", "cut-line", "cut-items", "limit"):
        logged(tmp_path / name, cell, **({} if name != "limit" else {"config": {"limit": 3}}))
    (samples,) = (tmp_path / "no-samples").glob("samples_*")
    samples.unlink()
    (samples,) = (tmp_path / "cut-line").glob("samples_*")
    samples.write_bytes(samples.read_bytes()[:-50])
    (samples,) = (tmp_path / "cut-items").glob("samples_*")
    samples.write_text("".join(samples.read_text().splitlines(keepends=True)[:-1]))
    for name in ("no-samples", "cut-line", "cut-items", "limit"):
        there = Recognition(tmp_path / name)
        assert there.find(cell) is None, name
        assert len(there.incomplete) == 1, name
    there = Recognition(tmp_path)
    assert there.find(cell) is not None, "the whole one counts, whatever its folder's name"
    assert [state.status for state in make_plan(GRID[:1], there)] == ["there"]


def test_unchanged_results_are_recognised_without_parsing_them_again(tmp_path, monkeypatch):
    cell = GRID[0]
    logged(tmp_path / "run", cell)
    assert Recognition(tmp_path).find(cell) is not None
    with monkeypatch.context() as patched:
        patched.setattr(finished, "runs_of", None)
        assert Recognition(tmp_path).find(cell) is not None
    (samples,) = (tmp_path / "run").glob("samples_*")
    samples.write_text("".join(samples.read_text().splitlines(keepends=True)[:-1]))
    assert Recognition(tmp_path).find(cell) is None, "a samples file that was cut later"


def test_a_run_of_another_task_version_does_not_count(tmp_path):
    run_files(tmp_path, version=0)
    (file,) = tmp_path.glob("results_*.json")
    assert not is_complete(*runs_of(file, ""))


def test_weights_are_compared_by_content_not_by_path(tiny_qwen, tmp_path):
    import shutil

    moved = tmp_path / "moved"
    shutil.copytree(tiny_qwen, moved)
    plan = make_plan(cells({**HF, "model_args": {"pretrained": str(tiny_qwen)}},
                           {**HF, "model_args": {"pretrained": str(moved)}}), Recognition(None))  # fmt: skip
    assert [state.status for state in plan] == ["waiting", "repeat"]
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 0.1}))
    again = make_plan(cells({**HF, "model_args": {"pretrained": str(tiny_qwen)}},
                            {**HF, "model_args": {"pretrained": str(moved)}}), Recognition(None))  # fmt: skip
    assert [state.status for state in again] == ["waiting", "waiting"]


def test_the_plan_names_states_tokens_and_reasons():
    made = cells(HF, {"baseline": "bm25"}, tasks=[SAMPLE, "recipe_mpr_generate"], shots=[0, 2])
    plan = make_plan(made, Recognition(None), lambda cell: "gpus: 1, but this machine has 0" if cell.shots else None)
    text = plan_text(plan, whole=True)
    assert "6 cells: 3 waiting, 2 failed, 1 refused. To run: 2 model loads" in text
    assert "gpus: 1, but this machine has 0" in text
    zero, two = Cell(model(), SAMPLE), Cell(model(), SAMPLE, shots=2)
    assert estimated_tokens(two) == pytest.approx(3 * estimated_tokens(zero), rel=0.01)
    assert 60 * 60 < estimated_tokens(zero) < 60 * 200


def test_identity_is_the_leaderboards(tmp_path):
    """The run that a cell expects has the identity of the run that was logged."""
    run = logged(tmp_path, GRID[-1])
    from leaderboard.sweep.recognition import expected

    assert identity(expected(GRID[-1], run)) == identity(run)
