"""A thousand mutated files: none stops a build, brings up a fault of ours, or gets a number that it did not earn."""

import json
import random
import shutil

import pytest
from click.testing import CliRunner

from leaderboard.command import leaderboard
from leaderboard.load.predictions import record_of_choices
from leaderboard.load.records import record_of, write_record
from recipe_mpr_task.errors import EXIT_BAD_INPUT, CheckpointError
from recipe_mpr_task.manifest import FILE_NAME, TrainingManifest, read_manifest, sample_sha256, split_hashes
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.provenance import seen_by
from recipe_mpr_task.splits import parts_of, scored_ids
from tests.checkpoints import clean_log
from tests.exploit_edits import each, of_file
from tests.fake_runs import run_files, run_in
from tests.mutations import mutate_file

pytestmark = pytest.mark.exploit

BATCHES, IN_A_BATCH = 56, 20
MANIFESTS = 200


def manifest():
    """A manifest of the sample's split, as `finetune` writes it."""
    parts = parts_of("sample")
    return TrainingManifest(
        dataset_sha256=sample_sha256(), split="sample", train_ids=parts.train, validation_ids=parts.validation,
        test_ids=parts.test, order="shuffled", prompt="default", task_version=1, seed=0, head="causal", form="full",
        base_model="random:tiny", base_known=True, random_weights=True, weights={"model.safetensors": "0" * 64},
        settings={}, system="1" * 64, family="2" * 64,
        recipe_name="tiny", recipe={"epochs": 1, "lora": {"r": 8}}, versions={"torch": "2"},
        wall_time_s=1.5, peak_memory_bytes=10, samples_per_second=3.0, trainable_parameters=5, total_parameters=7,
        history=({"step": 1, "loss": 0.5, "learning_rate": 1e-4}, {"step": 2, "loss": 0.25, "eval_accuracy": 0.5}),
    )  # fmt: skip


def trained(folder, seed):
    """A clean run: everything that decides its scores is on record."""
    weights = {"adapter_model.safetensors": f"{seed:064d}"}
    log = clean_log("fold0", system=f"{seed:064d}", recipe_name=f"tiny-{seed}", weights=weights)
    seen = each(lambda s: s["doc"].update(seen_in_training=0))
    run_files(folder, name=f"/models/t{seed}", seed=seed, edit_samples=seen, edit_results=of_file(**log))


def imported(folder, seed):
    rng, pinned = random.Random(seed), pinned_items()
    ids = sorted(scored_ids("sample"))
    choices = {i: rng.choice([*pinned[i].option_ids, pinned[i].gold, pinned[i].gold, None]) for i in ids}
    write_record(record_of_choices(choices, f"import-{seed}", "shuffled"), folder / "a.record.json")


def recorded(folder, seed):
    run_files(folder / "kept", name=f"org/r{seed}", seed=seed, date=float(seed + 1))
    run = run_in(folder / "kept")
    write_record(record_of(run.task, run.results, run.samples), folder / "a.record.json")
    shutil.rmtree(folder / "kept")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory, lm_eval):
    """Twenty runs of different systems, and the accuracy of each by the name of its folder."""
    folder = tmp_path_factory.mktemp("untouched")
    shutil.copytree(lm_eval("recipe-mpr-baseline", "kind=tfidf", "recipe_mpr_sample").folder, folder / "m00")
    for k in range(1, IN_A_BATCH):
        make = (trained, imported, recorded)[k % 6] if k % 6 < 3 else None
        if make:
            make(folder / f"m{k:02d}", k)
        else:
            run_files(folder / f"m{k:02d}", name=f"org/m{k}", skill=0.3 + k / 40, seed=k, date=float(k + 1))
    rows = built(folder, tmp_path_factory.mktemp("site"))
    assert all(len(found) == 1 for found in rows.values()), "one run each"
    unranked = [(name, row["reason"]) for name, (row,) in rows.items() if row["rank"] is None]
    assert unranked == []
    return folder, {name: found[0]["acc"] for name, found in rows.items()}


def built(folder, out, codes=(0,)):
    """The rows that `recipe-mpr leaderboard` makes of a folder, by the name of the run's folder."""
    done = CliRunner().invoke(leaderboard, [str(folder), "--out", str(out), "--records", str(out / "records")])
    assert done.exit_code in codes, (done.output[-3000:], done.exception)
    assert "Traceback" not in done.output
    rows = {path.name: [] for path in folder.iterdir()}
    for row in json.loads((out / "leaderboard.json").read_text())["rows"]:
        if row["kind"] != "reported":
            rows[row["source"].split("/")[1]].append(row)
    return rows


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".jsonl"))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_mutated_run_gets_no_number_that_the_untouched_one_has_not(batch, untouched, tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))
    source, accuracies = untouched
    folder = tmp_path / "runs"
    shutil.copytree(source, folder)
    for name in accuracies:
        rng = random.Random(f"{batch} {name}")
        mutate_file(rng.choice(files_in(folder / name)), rng)
    for name, rows in built(folder, tmp_path / "site", codes=(0, EXIT_BAD_INPUT)).items():
        for row in rows:
            earned = row["acc"] == pytest.approx(accuracies[name], abs=1e-9)
            assert row["rank"] is None or row["flags"] or earned, (batch, name, row)


def test_a_mutated_manifest_hides_nothing_that_was_trained_on(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    written = manifest().model_copy(update=split_hashes(tmp_path))
    written.write(tmp_path)
    seen = seen_by({"pretrained": str(tmp_path)}).ids or frozenset(written.seen_ids)
    for k in range(MANIFESTS):
        written.write(tmp_path)
        mutate_file(tmp_path / FILE_NAME, random.Random(f"manifest {k}"))
        try:
            read_manifest(tmp_path)
        except CheckpointError as error:
            assert len(str(error)) < 2000
        found = seen_by({"pretrained": str(tmp_path)})
        assert found.ids is None or found.ids >= seen, (k, found.reason)
