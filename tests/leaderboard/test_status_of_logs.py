"""The status of faked runs, by their logs and results files."""

import pytest

from recipe_mpr_task.manifest import MODEL_KEY, TRAINING_KEY
from tests.support.checkpoints import clean_log
from tests.support.fake_runs import rows_of, run_files


def flagged(flags, log=None):
    """Return edits of a faked run: the logged seen items and model."""

    def edit_samples(samples):
        for sample, flag in zip(samples, flags, strict=False):
            sample["doc"]["seen_in_training"] = flag

    return {"edit_samples": edit_samples, "edit_results": lambda results: results.update(log or {})}


def status_of(folder, **run):
    run_files(folder, **run)
    (row,) = rows_of(folder)
    return row


def test_logged_flags_decide_and_partly_known_is_unknown(tmp_path):
    log = clean_log()
    assert status_of(tmp_path / "clean", **flagged([0] * 60, log)).status == "clean"
    assert status_of(tmp_path / "partly", **flagged([0] * 59, log)).status == "unknown"
    row = status_of(tmp_path / "one", **flagged([0] * 59 + [1], log))
    assert (row.status, row.clean_subset.n) == ("overlap", 59)
    row = status_of(tmp_path / "api", model="local-completions", **flagged([0] * 60, log))
    assert (row.status, "not traced" in row.reason) == ("unknown", True)


UNACCOUNTED = {
    "nothing is recorded": (lambda r: [r.pop(MODEL_KEY), r.pop(TRAINING_KEY)], "no record of the files"),
    "handed over": (lambda r: r[MODEL_KEY].update(handed_over=True), "passed as a Python object"),
    "not said how it was made": (lambda r: r[MODEL_KEY].pop("handed_over"), "passed as a Python object"),
    "other files": (lambda r: r[MODEL_KEY]["files"].update({"peft/x.json": "3" * 64}), "loaded files differ"),
    "a base of other files": (
        lambda r: r[MODEL_KEY]["files"].update({"pretrained/model.safetensors": "3" * 64}), "loaded files differ"),
    "no files": (lambda r: r[MODEL_KEY].update(files={}), "loaded files differ"),
    "a base that nobody knows": (lambda r: r[TRAINING_KEY].update(base_known=False), "mine"),
    "a base that is not spoken of": (lambda r: r[TRAINING_KEY].pop("base_known"), "mine"),
    "no split": (lambda r: r[TRAINING_KEY].pop("split"), "its log says"),
    "a cache": (lambda r: r["config"].update(use_cache="/tmp/cache"), "--use_cache"),
    "a cache by the model's record": (lambda r: r[MODEL_KEY].update(request_cache=True), "--use_cache"),
    "not said whether a cache was used": (lambda r: r[MODEL_KEY].pop("request_cache"), "--use_cache"),
    **{
        f"argument {name}={value!r}": (
            lambda r, n=name, v=value: r["config"]["model_args"].update({n: v}), f"{name}={value}")
        for name, value in (("tokenizer", "org/other"), ("use_safetensors", "False"), ("use_safetensors", False),
                            ("subfolder", "x"), ("gguf_file", "x.gguf"), ("trust_remote_code", True),
                            ("delta", "org/delta"), ("subfolder", "null"), ("delta", "None"), ("tokenizer", "none"),
                            ("trust_remote_code", "null"), ("trust_remote_code", "False"), ("use_safetensors", "True"),
                            ("chat_template_args", {"chat_template": "soup is B"}), ("autogptq", True),
                            ("attn_implementation", "org/kernel"), ("new_in_a_later_release", 1))
    },
}  # fmt: skip


@pytest.mark.exploit
@pytest.mark.parametrize("case", UNACCOUNTED, ids=str)
def test_what_is_not_accounted_for_is_never_clean(tmp_path, case):
    edit, words = UNACCOUNTED[case]
    run = flagged([0] * 60, clean_log())
    edits = lambda results: [run["edit_results"](results), edit(results)]  # noqa: E731
    row = status_of(tmp_path, **run | {"edit_results": edits})
    assert (row.status, words in row.reason) == ("unknown", True), row.reason


ACCOUNTED = (
    {"dtype": "bfloat16", "batch_size": 8}, {"use_safetensors": True}, {"load_in_4bit": True}, {"tokenizer": None},
    {"max_length": 1024, "enable_thinking": False}, {"device_map": "auto"}, {"chat_template_args": {"thinking": True}},
)  # fmt: skip


@pytest.mark.honest
@pytest.mark.parametrize("arguments", ACCOUNTED, ids=str)
def test_arguments_that_are_accounted_for_leave_a_run_clean(tmp_path, arguments):
    run = flagged([0] * 60, clean_log())
    edits = lambda results: [run["edit_results"](results), results["config"]["model_args"].update(arguments)]  # noqa: E731
    assert status_of(tmp_path, **run | {"edit_results": edits}).status == "clean"


@pytest.mark.real_data
def test_fold_runs_of_one_system_pool_though_each_has_weights_of_its_own(tmp_path):
    for k in range(5):
        log = clean_log(f"fold{k}", weights={"adapter_model.safetensors": f"{k}" * 64})
        edits = {"name": f"/x/fold{k}", "date": float(k + 1)} | flagged([0] * 100, log)
        run_files(tmp_path / f"fold{k}", f"recipe_mpr_fold{k}", **edits)
    (row,) = rows_of(tmp_path)
    assert (row.system, row.status, row.score.n, row.rank) == ("mine (org/base)", "clean", 500, 1)


@pytest.mark.real_data
def test_folds_from_random_weights_are_one_row_without_a_rank(tmp_path):
    for k in range(5):
        log = clean_log(f"fold{k}", random_weights=True, base_model="random:tiny")
        run_files(tmp_path / f"fold{k}", f"recipe_mpr_fold{k}", date=k + 1.0, **flagged([0] * 100, log))
    run_files(tmp_path / "again", "recipe_mpr_fold4", date=9.0, **flagged([0] * 100, log))
    row, again = sorted(rows_of(tmp_path), key=lambda row: row.task, reverse=True)
    assert (row.status, row.score.n, row.rank) == ("excluded", 500, None)
    assert row.reason.startswith("made from random weights")
    assert "only the earliest run of a system is ranked" in again.reason
