"""Raw record to Item: accepted records, rejected records, and all faults in one error."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipe_mpr_task.errors import DataError
from recipe_mpr_task.item import QUERY_TYPES, item_from_record, items_from_json

RECORD = {
    "query": " A soup  without cream ",
    "query_type": {"Specific": 0, "Commonsense": 0, "Negated": 1, "Analogical": 0, "Temporal": 0},
    "options": {"a1": "Clear leek soup", "b2": "Cream of leek", "c3": "Leek gratin", "d4": "Bisque", "e5": "Chowder"},
    "answer": "a1",
    "correctness_explanation": {"without cream": "Clear"},
}


def broken(**changes):
    record = copy.deepcopy(RECORD)
    record.update(changes)
    return record


def test_record_becomes_an_item_without_its_annotations():
    item = item_from_record("mpr-007", RECORD)
    assert (item.item_id, item.query, item.gold) == ("mpr-007", "A soup without cream", "a1")
    assert item.query_types == ("Negated",)
    assert [option.recipe_id for option in item.options] == ["a1", "b2", "c3", "d4", "e5"]
    assert "correctness" not in repr(item)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (broken(query="   "), "query"),
        (broken(query=7), "query"),
        (broken(options={k: v for k, v in RECORD["options"].items() if k != "e5"}), "options"),
        (broken(options={**RECORD["options"], "e5": "Bisque"}), "two options have the same text"),
        (broken(answer="zz"), "answer"),
        (broken(query_type={**RECORD["query_type"], "Negated": 2}), "query_type"),
        (broken(query_type={"Indirect": 1}), "query_type"),
        ({k: v for k, v in RECORD.items() if k != "query"}, "query"),
        ([], "record"),
    ],
)
def test_bad_record_is_rejected_by_name(record, field):
    with pytest.raises(DataError, match=field) as error:
        item_from_record("mpr-003", record)
    assert "mpr-003" in str(error.value)
    assert "\n" not in str(error.value)


def test_all_bad_records_are_reported_at_once():
    records = [RECORD, broken(answer="zz"), RECORD, broken(query=""), broken(options={})]
    with pytest.raises(DataError) as error:
        items_from_json(json.dumps(records).encode(), source="x.json", prefix="mpr")
    assert [problem[:7] for problem in error.value.problems] == ["mpr-001", "mpr-003", "mpr-004"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"query": "x"', "not valid JSON"),
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"{}", "array"),
        (b"[]", "array"),
        (b'[{"options": {"a": "1", "a": "2"}}]', "duplicate id a"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_bad_file_is_one_clear_error(content, message):
    with pytest.raises(DataError, match=message):
        items_from_json(content, source="x.json", prefix="mpr")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_no_json_value_breaks_the_parser(value):
    with pytest.raises(DataError):
        item_from_record("x-00", value)


@given(st.permutations(list(RECORD["options"])))
def test_digest_ignores_the_order_of_options_and_nothing_else(order):
    item = item_from_record("x-00", RECORD)
    shuffled = item_from_record("x-00", broken(options={k: RECORD["options"][k] for k in order}))
    assert shuffled.digest == item.digest
    for change in (
        broken(query="Another"),
        broken(answer="b2"),
        broken(options={**RECORD["options"], "e5": "Stew"}),
        broken(query_type=dict.fromkeys(QUERY_TYPES, 0)),
    ):
        assert item_from_record("x-00", change).digest != item.digest
