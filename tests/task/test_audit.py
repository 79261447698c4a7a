"""The audit finds the known artifacts of the real data, and lists a planted artifact first."""

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from recipe_mpr_task import audit as module
from recipe_mpr_task.audit import audit_items
from recipe_mpr_task.commands.audit import audit
from recipe_mpr_task.data import load_items, load_sample

SAMPLE = Path(module.__file__).with_name("sample.json")


@pytest.mark.real_data
def test_real_artifacts_and_committed_audit():
    found = audit_items(load_items(), splits=True, progress=False)
    acc = {artifact.name: artifact.acc for artifact in found.artifacts}
    assert acc["position: always option 1 of the file"] == 1.0
    assert acc["query-option similarity (TF-IDF), ties to the first option"] == pytest.approx(0.316, abs=0.01)
    assert acc["query-option similarity (TF-IDF)"] == pytest.approx(0.193, abs=0.01)
    assert acc["longest option (characters)"] == pytest.approx(0.237, abs=0.01)
    assert 0.24 <= acc["options only, learned (TF-IDF + logistic regression)"] <= 0.29
    assert found.artifacts[0].name.startswith("position")
    assert found.shared["published"] == 0.8
    committed = json.loads(SAMPLE.with_name("audit.json").read_text())
    for mine, theirs in zip(found.as_dict()["artifacts"], committed["artifacts"], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-6)


def plant(tmp_path, change):
    """The sample with its options shuffled anew and one artifact planted."""
    records = json.loads(SAMPLE.read_text())
    rng = random.Random(0)
    for record in records:
        options = list(record["options"].items())
        rng.shuffle(options)
        record["options"] = dict(options)
        change(record)
    file = tmp_path / "planted.json"
    file.write_text(json.dumps(records))
    return file


def longest(record):
    record["options"][record["answer"]] += " with plenty of something else on top, " * 4


def third(record):
    gold = record["answer"]
    options = [item for item in record["options"].items() if item[0] != gold]
    options.insert(2, (gold, record["options"][gold]))
    record["options"] = dict(options)


def marked(record):
    record["options"] = {
        k: f"{v} zesty" if k == record["answer"] else f"{v} plain" for k, v in record["options"].items()
    }


def echoed(record):
    record["options"][record["answer"]] = record["query"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (longest, "longest option"),
        (third, "position: always option 3"),
        (marked, "options only, learned"),
        (echoed, "query-option"),
    ],
)
def test_a_planted_artifact_is_named_first(tmp_path, change, name):
    file, out = plant(tmp_path, change), tmp_path / "audit.json"
    done = CliRunner().invoke(audit, [str(file), "--json", str(out)])
    assert done.exit_code == 0, done.output
    first = json.loads(out.read_text())["artifacts"][0]
    assert first["name"].startswith(name)
    assert first["acc"] >= 0.9
    assert done.stdout.split("|\n")[2].split("|")[1].strip() == first["name"]


def test_the_sample_is_audited_without_known_splits():
    found = audit_items(load_sample(), splits=False, progress=False)
    assert found.shared.keys() == {f"fold{k}" for k in range(5)}
