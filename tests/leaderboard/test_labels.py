"""`recipe-mpr audit labels`: the used systems, the listed items, and the effect of a review file."""

import json
import re
from dataclasses import replace

import pytest

from leaderboard.collect import read_rows
from leaderboard.labels import LabelAudit, audit_labels, report
from leaderboard.load.review import VERDICTS, read_review, write_review
from leaderboard.rank.row_parts import Keys, LoadedNames
from leaderboard.related import find_related
from recipe_mpr_task.data import load_items, local_source
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.result_records import TrainingRecord
from tests.support.in_process import spoken

ITEMS = sorted(key for key in pinned_items() if key.startswith("mpr-"))
PUBLIC = ("gpt35_monolithic", "llm_tres_hybrid", "bart_large_mnli", "gpt3_ada_embeddings")
BOTH = {"strong": range(400), "other": range(100, 450)}
"""The items that two systems answer: 100 to 399 both, 450 to 499 none of them."""


def record(folder, name, right, wrong=1, order=None):
    """Import a system that answers the items of these numbers; otherwise it chooses option `wrong` of the file."""
    wrong_at = wrong if callable(wrong) else lambda _: wrong
    chosen = [(key, pinned_items()[key].option_ids[0 if k in right else wrong_at(k)]) for k, key in enumerate(ITEMS)]
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"item_id": key, "option_id": option}) + "\n" for key, option in chosen))
    said = spoken("import", [str(path), "--name", name, "--out", str(folder), *(["--order", order] if order else [])])
    assert "500 items" in said, said


def audit(folder, systems, **arguments):
    for wrong, (name, right) in enumerate(systems.items(), 1):
        record(folder, name, right, wrong % 4 + 1)
    return audit_labels(read_rows([folder])[0], arguments.pop("reviews", {}), **{"at_least": 0.4} | arguments)


def names(result: LabelAudit):
    return [row.system for row in result.rows]


def left_out(result: LabelAudit):
    return dict(result.left_out)


def test_items_that_few_systems_answer_come_first_and_ids_break_ties(tmp_path):
    result = audit(tmp_path, BOTH)
    assert names(result) == ["other", "strong"]
    assert result.hard(0) == ITEMS[450:]
    assert result.hard(1) == ITEMS[450:] + ITEMS[:100] + ITEMS[400:450]
    text = "\n".join(report(result, 0))
    assert "Answered correctly by k of 2 systems: 0: 50, 1: 150, 2: 300" in text
    assert "50 items that none of 2 systems answers correctly" in text
    assert "not leaderboard numbers" in text


def test_weak_systems_and_repeated_choices_are_left_out_by_name(tmp_path):
    result = audit(tmp_path, {**BOTH, "guess": range(100)})
    record(tmp_path, "twin", BOTH["strong"], 2)
    result = audit_labels(read_rows([tmp_path])[0], {}, at_least=0.4)
    assert len(names(result)) == 2
    assert "below 40.0" in left_out(result)["guess"]
    (name,) = left_out(result).keys() & {"strong", "twin"}
    assert "on every item" in left_out(result)[name]
    assert "guess" in names(audit_labels(read_rows([tmp_path])[0], {}, at_least=0.0))


def test_runs_without_trust_count_only_if_asked_for_and_repeats_never(tmp_path):
    record(tmp_path, "good", range(400))
    for folder in ("first", "again"):
        record(tmp_path / folder, "in order", range(300), 2, order="file")
    rows = read_rows([tmp_path])[0]
    result = audit_labels(rows, {}, at_least=0.4)
    assert names(result) == ["good"]
    assert "excluded" in left_out(result)["in order"]
    asked = audit_labels(rows, {}, at_least=0.4, include=["excluded"])
    assert names(asked) == ["good", "in order"]
    assert left_out(asked)["in order"] == "the same system as in order"


def test_a_review_changes_the_second_column_and_nothing_else(tmp_path):
    path = tmp_path / "review.yaml"
    path.write_text("".join(f"{key}: {verdict}\n" for key, verdict in zip(ITEMS[450:], VERDICTS, strict=False)))
    result = audit(tmp_path / "runs", BOTH, reviews=read_review(path))
    assert result.marked == set(ITEMS[450:453])
    table = next(text for text in report(result, 0) if text.startswith("System"))
    assert "Without marked items (n 497)" in table
    assert re.search(r"strong .* 80.0 \[76.3, 83.3\] +80.5 \[76.8, 83.7\]", table)
    assert "1 gold_wrong, 1 two_right, 1 unclear, 1 fine, 0 not reviewed; 3 items are marked" in "".join(
        report(result, 0)
    )


def test_a_template_is_read_back_with_what_was_known_and_never_overwritten(tmp_path):
    (tmp_path / "known.json").write_text(json.dumps({"mpr-007": {"verdict": "fine", "note": "checked"}}))
    known = read_review(tmp_path / "known.json")
    write_review(tmp_path / "out.yaml", ["mpr-007", "mpr-003"], known)
    again = read_review(tmp_path / "out.yaml")
    assert list(again) == ["mpr-003", "mpr-007"]
    assert (again["mpr-003"].verdict, again["mpr-007"]) == (None, known["mpr-007"])
    with pytest.raises(RecipeMPRError, match="exists already"):
        write_review(tmp_path / "out.yaml", [], {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mpr-500: fine", "'mpr-500': no such item; allowed: mpr-000 to mpr-499"),
        ("mpr-001: wrong", "got 'wrong'.*allowed verdicts: gold_wrong, two_right, unclear, fine, null"),
        ("mpr-001: yes", "got True.*allowed verdicts"),
        ("mpr-001: {verdict: fine, notes: x}", "mpr-001.notes"),
        ("mpr-001: fine\nmpr-001: unclear", "mpr-001 appears twice"),
        ("- mpr-001", "valid dictionary"),
        ("a: [", "not YAML or JSON"),
    ],
)
def test_faults_of_a_review_file_are_one_clear_error(tmp_path, text, message):
    (tmp_path / "review.yaml").write_text(text)
    with pytest.raises(RecipeMPRError, match=message):
        read_review(tmp_path / "review.yaml")


def test_the_command_shows_ids_without_the_dataset_and_says_what_it_skipped(tmp_path):
    for name, right in BOTH.items():
        record(tmp_path, name, right)
    missing, template = tmp_path / "missing", tmp_path / "review.yaml"
    said = spoken("audit", ["labels", str(tmp_path), str(missing), "--write-review", str(template)])
    assert f"skipped {missing}" in said
    assert "mpr-499  answered correctly by 0 of 2" in said
    assert "Texts are not shown" in said
    assert list(read_review(template)) == ITEMS[450:]
    assert "exists already" in spoken("audit", ["labels", str(tmp_path), "--write-review", str(template)])


def test_a_path_without_a_run_is_named_with_the_reason(tmp_path):
    missing, empty = tmp_path / "missing", tmp_path / "empty"
    empty.mkdir()
    said = spoken("audit", ["labels", str(missing), str(empty)])
    assert re.search(rf"no run was read: {empty}: contains no results_.*; {missing}: no such file or folder\n$", said)
    assert said.count("\n") == 1


def votes(result):
    return [
        text for text in report(result, 0) if re.match("Related|No two|Base model|Most similar|.*independent", text)
    ]


def test_near_copies_are_told_from_independent_systems(tmp_path):
    record(tmp_path, "strong", range(300), 1)
    record(tmp_path, "copy", [*range(300), *range(470, 500)], 1)
    record(tmp_path, "third", range(100, 450), 3)
    result = audit_labels(read_rows([tmp_path])[0], {}, at_least=0.4)
    text = "\n".join(report(result, 0))
    assert "2 of the 3 systems share a base model or may be copies: count at most 2 independent systems" in text
    assert (
        "Related: copy; strong: one may be a copy: copy and strong, the same wrong choice on 170 of 170 items" in text
    )
    assert "Base model unknown, so these systems may also be related: third" in text
    assert "items that none of 3 systems (at most 2 independent) answers" in text


def test_systems_that_are_wrong_alike_by_chance_are_no_copies(tmp_path):
    record(tmp_path, "one", range(300), 1)
    chosen = [1 if k % 5 < 3 else 2 for k in range(500)]
    record(tmp_path, "other", range(300), lambda k: chosen[k])
    result = audit_labels(read_rows([tmp_path])[0], {}, at_least=0.4)
    assert not result.related.groups
    assert votes(result) == [
        "No two of the 2 systems are known to share a base model, and none look like copies.",
        "Base model unknown, so these systems may also be related: one; other",
        "Most similar pair that is not related: one and other, the same wrong choice on 120 of 200 items",
    ]


TRAINED = TrainingRecord(base_model="org/Base-7B", base_known=True, system="x")
HUB = LoadedNames(base="org/base-7b", base_from="hub")
FOLDER = LoadedNames(base="model", base_from="folder")


@pytest.fixture(scope="module")
def unrelated(tmp_path_factory):
    """Return the rows of two systems with different answers."""
    folder = tmp_path_factory.mktemp("unrelated")
    record(folder, "strong", range(300), 1)
    record(folder, "other", range(100, 450), 3)
    return read_rows([folder])[0]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"training": TRAINED}, {"loaded": HUB}, "base model org/Base-7B"),
        ({"training": TRAINED}, {"training": TRAINED.model_copy(update={"system": "y"})}, "base model org/Base-7B"),
        ({"training": TRAINED}, {"system": "Base-7B, zero-shot"}, 'names that contain "base 7b"'),
        ({"system": "Phi 4"}, {"system": "Phi-4 with LoRA"}, 'names that contain "phi 4"'),
        ({"keys": Keys(recipe="r", seed=1)}, {"keys": Keys(recipe="r", seed=2)}, "the same training recipe"),
        ({"keys": Keys(content="c")}, {"keys": Keys(content="c")}, "the same files"),
        ({"training": TRAINED}, {"loaded": LoadedNames(base="other/base-8b", base_from="hub")}, None),
        ({"loaded": FOLDER}, {"loaded": FOLDER}, None),
        ({"training": TrainingRecord(base_model="model", base_known=False, system="x")},
         {"training": TrainingRecord(base_model="model", base_known=False, system="y")}, None),
        ({}, {}, None),
    ],
)  # fmt: skip
def test_systems_of_one_model_are_related(unrelated, first, second, reason):
    found = find_related([replace(row, **changes) for row, changes in zip(unrelated, (first, second), strict=True)])
    assert [group.reasons for group in found.groups] == ([(reason,)] if reason else [])
    assert found.n_independent == (1 if reason else 2)


@pytest.mark.integration
def test_without_paths_the_committed_results_are_read():
    said = spoken("audit", ["labels", "--at-most", "0"])
    assert "encoder_best" in said
    assert "Left out: random" in said


@pytest.mark.real_data
def test_public_runs_of_500_have_16_items_right_for_none_and_168_for_all(tmp_path):
    public = local_source().path.parent / "public_runs"
    if not public.is_dir():
        pytest.skip(f"no folder {public.name} beside the dataset")
    for name in PUBLIC:
        spoken("import", [str(public / f"{name}.jsonl"), "--name", name, "--out", str(tmp_path / "runs")])
    both = [word for status in ("overlap", "excluded") for word in ("--include", status)]
    template = tmp_path / "review.yaml"
    said = spoken("audit", ["labels", str(tmp_path / "runs"), "--write-review", str(template), *both])
    assert re.search(r"of 4 systems: 0: 16, 1: \d+, 2: \d+, 3: \d+, 4: 168\n", said)
    hard = list(read_review(template))
    assert len(hard) == 16
    shown = [item for item in load_items() if item.query in said]
    assert {item.item_id for item in shown} == set(hard)
    assert all(option.text in said for item in shown for option in item.options)
    assert said.count("\n    annotated: ") >= 16
    committed = template.read_text()
    assert not any(item.query in committed for item in shown)
