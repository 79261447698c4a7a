"""Exports: each format is validated by its own library; credit, hostile names, omitted rows."""

import importlib
import json
import re
from dataclasses import replace
from importlib.util import find_spec

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

from leaderboard.exports import export
from leaderboard.exports.credit import hub_id
from leaderboard.exports.every_eval_ever import SCHEMA_VERSION
from leaderboard.rank.row_parts import LoadedNames
from leaderboard.verify.forensics import RESULTS
from recipe_mpr_task.data import COMMIT, load_items, load_sample
from tests.support.export_files import aggregates, boards_of, cards, from_hub
from tests.support.fake_runs import run_files
from tests.support.in_process import spoken
from tests.support.needs import skip
from tests.support.run_edits import both, of_file

HOSTILE = (
    "../../etc/passwd", "<script>alert(1)</script>", "a\n---\nb: !!python/object:os.system\n", "\x00\u2028\x85\ud800",
    "x" * 10_000_000, "con", "data/unknown", "local/mine", "org/--model", "名前/模型", "C:\\Users\\me\\model",
    "/home/me/model",
)  # fmt: skip


def ranked(boards):
    return [row for board in boards for row in board.rows if row.rank is not None]


@pytest.fixture(scope="module")
def committed():
    """Boards of the committed records: baselines, encoders, pooled folds, LoRA runs, and rows without rank."""
    return boards_of(RESULTS)


def eval_results(files):
    return {p: parse_eval_result_entries(yaml.safe_load(t)) for p, t in files.items() if "/.eval_results/" in p}


def judged(files, folder, capsys):
    """Reports of every_eval_ever's own validator, aggregate and samples held against each other; and its exit code."""
    if find_spec("every_eval_ever") is None:
        skip("no every_eval_ever: pip install --no-deps --ignore-requires-python every-eval-ever==0.3.0")
    validator = importlib.import_module("every_eval_ever.validator")
    assert validator.get_schema_version() == SCHEMA_VERSION
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    code = validator.main(["--format", "json", str(folder / "every_eval_ever/data/*/*/*/*.json*")])
    return code, json.loads(capsys.readouterr().out)


def test_every_eval_ever_accepts_every_ranked_row(committed, tmp_path, capsys):
    files = export(committed, None)
    code, reports = judged(files, tmp_path, capsys)
    faults = [fault for report in reports for fault in (*report["errors"], *report["warnings"])]
    assert (code, faults) == (0, [])
    assert len(reports) == 2 * len(ranked(committed)) > 20
    assert sum(report["line_count"] for report in reports) == sum(len(row.items) for row in ranked(committed))


def test_its_validator_holds_the_two_files_against_each_other(committed, tmp_path, capsys):
    files = export(committed[:1], None)
    path = next(path for path in files if path.endswith("_samples.jsonl"))
    files[path] = files[path].replace('"model_id": "', '"model_id": "another', 1)
    code, reports = judged(files, tmp_path, capsys)
    assert code == 1
    assert sum(not report["valid"] for report in reports) == 2


def test_the_numbers_are_the_rows(committed):
    rows = {(row.task, round(row.date, 3)): row for row in ranked(committed)}
    found = aggregates(export(committed, None))
    assert len(found) == len(rows)
    for aggregate, samples in found:
        row = rows[
            aggregate["evaluation_results"][0]["evaluation_name"], round(float(aggregate["evaluation_timestamp"]), 3)
        ]
        whole, *by_type = aggregate["evaluation_results"]
        details = whole["score_details"]
        assert details["score"] == row.score.acc
        assert sum(sample["evaluation"]["score"] for sample in samples) == pytest.approx(row.score.acc * row.score.n)
        uncertainty = details["uncertainty"]
        assert uncertainty["standard_error"]["value"] == pytest.approx(row.stderr, abs=1e-6)
        assert uncertainty["confidence_interval"]["lower"] == pytest.approx(row.score.low, abs=1e-6)
        assert uncertainty["num_samples"] == row.score.n == len(samples)
        assert [r["score_details"]["score"] for r in by_type] == [score.acc for score in row.types.values()]
        for result in aggregate["evaluation_results"]:
            imported = "imported, not run here; " if row.kind == "imported" else ""
            assert result["score_details"]["details"]["status"] == f"{imported}status {row.status}: {row.reason}"
        assert {sample["evaluation_result_id"] for sample in samples} == {whole["evaluation_result_id"]}


def test_a_sample_says_what_was_chosen(committed):
    row = next(row for row in ranked(committed) if row.kind == "encoder")
    ((_, samples),) = aggregates(export([replace(committed[0], rows=(row,))], None))
    for sample, item in zip(samples, sorted(row.items, key=lambda i: i.item_id), strict=True):
        said = sample["metadata"]
        assert sample["output"]["raw"] == said["chosen_recipe_ids"].split(", ") == list(item.chosen)
        letters = [sample["input"]["choices"]["ABCDE".index(c)] for c in said["chosen_letters"].split(", ")]
        assert letters == list(item.chosen)
        assert sample["evaluation"]["is_correct"] == (item.chosen == (item.gold,))


def test_hugging_face_reads_its_two_formats(committed):
    files = export(committed, None)
    rows = [row for row in ranked(committed) if row.kind != "baseline"]
    entries = [entry for (entry,) in eval_results(files).values()]
    results = [result for card in cards(files).values() for result in card.data.eval_results]
    key = lambda row: (row.task, row.score.acc)  # noqa: E731
    assert sorted((e.task_id, e.value) for e in entries) == sorted(map(key, rows))
    assert sorted((r.dataset_config, r.metric_value) for r in results) == sorted(map(key, rows))
    assert {e.dataset_id for e in entries} == {r.dataset_type for r in results} == {"D3Mlab/Recipe-MPR"}
    assert {e.dataset_revision for e in entries} == {r.dataset_revision for r in results} == {COMMIT}
    for row in rows:
        (entry,) = [e for e in entries if (e.task_id, e.value) == key(row) and row.reason in e.notes]
        assert f"95% Wilson interval [{row.score.low:.4f}, {row.score.high:.4f}], n {row.score.n};" in entry.notes
        assert f"; status {row.status}: {row.reason};" in entry.notes
        assert entry.date.endswith("Z")
    for result in results:
        (status,) = re.findall(r"status \w+(?=:)", result.metric_args["status"])
        assert f"{status})" in result.metric_name


def test_exports_name_the_dataset_of_the_hub(committed):
    files = export(committed, None, "me/recipe-mpr")
    entries = [entry for (entry,) in eval_results(files).values()]
    results = [result for card in cards(files).values() for result in card.data.eval_results]
    assert {(e.dataset_id, e.dataset_revision, e.task_id) for e in entries} == {("me/recipe-mpr", None, "recipe_mpr")}
    assert {(r.dataset_type, r.dataset_revision) for r in results} == {("me/recipe-mpr", None)}
    # A task that the Hub's eval.yaml lacks stays in the model-index, which has no list of tasks.
    assert {r.dataset_config for r in results} > {"recipe_mpr"}


@pytest.mark.parametrize(("arguments", "message"), [
    (["--hub-dataset", "me/recipe-mpr"], "--hub-dataset needs --exports"),
    (["--exports", "--hub-dataset", "recipe-mpr"], "allowed: OWNER/NAME"),
])  # fmt: skip
def test_a_wrong_dataset_id_is_refused_first(arguments, message, tmp_path):
    assert message in spoken("leaderboard", [str(RESULTS), "--out", str(tmp_path / "out"), *arguments])
    assert not (tmp_path / "out").exists()


def test_a_lora_run_is_credited_to_its_adapter(tmp_path, committed):
    def with_adapter(name):
        return both(
            from_hub("pretrained", "peft"),
            lambda results: results["config"]["model_args"].update(peft=name, revision="abc"),
        )

    run_files(tmp_path / "hub", name="big/base", edit_results=with_adapter("me/adapter"), seed=1, date=2.0)
    run_files(tmp_path / "folder", name="big/base", edit_results=with_adapter("/home/me/out/lora"), seed=2)
    run_files(tmp_path / "base", name="big/base", seed=3, date=3.0, edit_results=from_hub("pretrained"))
    files = export(boards_of(tmp_path), None)
    infos = [aggregate["model_info"] for aggregate, _ in aggregates(files)]
    base, in_folder, on_hub = sorted(infos, key=lambda info: info["id"])
    assert (base["id"], on_hub["id"]) == ("big/base", "me/adapter")
    assert in_folder["id"].startswith("local/lora-")
    assert "base_model" not in base["additional_details"]
    for info in (in_folder, on_hub):
        assert info["additional_details"]["base_model"] == "big/base"
        assert info["additional_details"]["base_revision"] == "abc"
    assert sum(path.startswith("hub/big--base/") for path in files) == 1
    assert cards(files)["model_index/me--adapter.md"].data.base_model == "big/base"
    assert "/home" not in "".join(files.values())
    # Trained by our recipes: the folds' folders are of one system, which is not MiniLM.
    (trained,) = [c for c in cards(export(committed, None)).values() if c.data.model_name.startswith("minilm_bi")]
    assert trained.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert not any(path.startswith("hub/sentence-transformers") for path in export(committed, None))


def test_variants_of_one_model_stay_apart(tmp_path):
    for shots in (0, 5):
        asked = {"n-shot": {"recipe_mpr_sample": shots}}
        run_files(
            tmp_path / str(shots),
            seed=shots,
            edit_results=both(from_hub("pretrained"), of_file(**asked)),
            edit_samples=lambda samples: [sample.pop("arguments") for sample in samples],
        )
    files = export(boards_of(tmp_path), None)
    assert len(eval_results(files)) == 2
    (card,) = cards(files).values()
    assert {result.metric_args["num_fewshot"] for result in card.data.eval_results} == {"0", "5"}
    assert len({aggregate["evaluation_id"] for aggregate, _ in aggregates(files)}) == 2
    assert "not how good a model is" in files[next(iter(cards(files)))]


@pytest.mark.parametrize("kind", ["causal", "imported", "baseline"])
def test_hostile_names_stay_inside(kind, tmp_path, capsys):
    run_files(tmp_path / "run")
    (board,) = [board for board in boards_of(tmp_path) if board.key == "recipe_mpr_sample"]
    (row,) = board.rows
    rows = [
        replace(row, kind=kind, system=name, reason=name, flags=(name,),
                keys=replace(row.keys, identity=str(k)), lm_eval_version=name, date=float(k),
                asked=replace(row.asked, prompt=name),
                loaded=LoadedNames(base=name, adapter=name if k % 2 else None, revision=name))
        for k, name in enumerate(HOSTILE)
    ]  # fmt: skip
    files = export([replace(board, rows=tuple(rows))], None)
    assert all(len(text) < 10_000_000 // 50 for text in files.values())
    for path in files:
        parts = path.split("/")
        assert all(part.strip(". ") == part or part == ".eval_results" for part in parts), path
        assert path.isascii() and len(path) < 300 and not set(path) & set('<>:"\\|?*\n\x00')
    found = aggregates(files)
    assert len(found) == len(HOSTILE)
    assert {info["model_info"]["developer"] for info, _ in found} == ({"imported"} if kind == "imported" else {"local"})
    assert len(eval_results(files)) == len(cards(files)) == (0 if kind == "baseline" else len(HOSTILE))
    assert all(len(a["model_info"]["name"]) <= 200 and a["model_info"]["name"].isprintable() for a, _ in found)
    code, reports = judged(files, tmp_path, capsys)
    assert (code, len(reports)) == (0, 2 * len(HOSTILE))
    if kind == "imported":
        assert all("imported, not run here; status" in e.notes for (e,) in eval_results(files).values())
        assert all("imported, not run here" in a["source_metadata"]["additional_details"]["status"] for a, _ in found)


def test_hub_ids():
    assert hub_id("Qwen/Qwen3-8B") == "Qwen/Qwen3-8B"
    assert [name for name in HOSTILE if hub_id(name)] == []
    assert [name for name in ("gpt2", "a/b/c", "", None, 7, "recipe-mpr/baseline-tfidf") if hub_id(name)] == []


def test_baselines_are_no_models_of_a_hub(committed):
    files = export(committed, None)
    assert "recipe-mpr/baseline-tfidf" in {aggregate["model_info"]["id"] for aggregate, _ in aggregates(files)}
    assert not any("baseline" in path for path in files if not path.startswith("every_eval_ever/"))


def test_nothing_without_rank_is_exported(committed):
    unranked = [replace(board, rows=tuple(row for row in board.rows if row.rank is None)) for board in committed]
    assert {row.status for board in unranked for row in board.rows} >= {"reported", "excluded"}
    assert export(unranked, None) == {}


def test_same_boards_same_bytes(committed):
    texts = {item.item_id: item for item in load_sample()}
    assert export(boards_of(RESULTS), texts) == export(committed, texts)
    # A run keeps its files' names when others come, the dataset is at hand, or the result file lies elsewhere.
    elsewhere = [replace(b, rows=tuple(replace(row, source="moved") for row in b.rows)) for b in committed]
    assert export(elsewhere, None) == export(committed, None)
    assert export(committed[-1:], None).keys() <= export(committed, texts).keys()


@pytest.mark.real_data
def test_texts_are_in_only_when_handed_in(committed):
    texts = {item.item_id: item for item in (*load_items(), *load_sample())}
    without = "".join(export(committed, None).values())
    spoken = [text for item in texts.values() for text in (item.query, *(o.text for o in item.options))]
    assert [text for text in spoken if any(form in without for form in {text, json.dumps(text)[1:-1]})] == []
    for _, samples in aggregates(export(committed, texts)):
        for sample in samples:
            item = texts[sample["sample_id"]]
            words = {option.recipe_id: option.text for option in item.options}
            assert sample["input"]["raw"] == item.query
            assert sample["input"]["reference"] == [words[item.gold]]
            assert sorted(sample["input"]["choices"]) == sorted(words.values())
