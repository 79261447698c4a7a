"""Splits and orders: the stored tables equal their procedures, and the balance holds."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipe_mpr_task.data import load_items
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.files import sha256_of
from recipe_mpr_task.item import LETTERS, QUERY_TYPES, UNTYPED, Item, Option
from recipe_mpr_task.orders import display, file_slots, pinned_items
from recipe_mpr_task.splits import N_FOLDS, SPLITS, fold_of, part_of, scored_ids
from tests.support.derive_tables import PACKAGE, cv_folds, derive, published_parts

PINNED = {item_id: pinned for item_id, pinned in pinned_items().items() if item_id.startswith("mpr-")}
ORDERS_SHA256 = "5c05758e10b087c664043a818014881d7de63219c6b5d0be27d23762f635292d"


def indices(ids):
    return sorted(int(item_id.removeprefix("mpr-")) for item_id in ids)


def test_published_split_is_the_published_procedure():
    parts = published_parts()
    stored = {part: indices(i for i in PINNED if part_of(i) == part) for part in parts}
    assert stored == parts
    assert {part: len(ids) for part, ids in parts.items()} == {"train": 400, "validation": 50, "test": 50}
    assert indices(scored_ids("published")) == parts["test"]
    assert parts["test"][:5] == [4, 20, 24, 25, 42]
    assert parts["test"][-4:] == [467, 469, 471, 493]
    counts = Counter(name for i in scored_ids("published") for name in PINNED[i].types)
    assert counts == {"Commonsense": 26, "Temporal": 4, "Specific": 11, "Negated": 9, "Analogical": 3}


def test_cv_folds_are_the_published_procedure_and_partition_all():
    assert [indices(scored_ids(f"fold{k}")) for k in range(N_FOLDS)] == cv_folds()
    assert indices(i for k in range(N_FOLDS) for i in scored_ids(f"fold{k}")) == list(range(500))


def test_unknown_split_and_order_name_what_is_allowed():
    with pytest.raises(RecipeMPRError, match=", ".join(SPLITS)):
        scored_ids("fold7")
    with pytest.raises(RecipeMPRError, match="shuffled, file"):
        file_slots(load_item("x"), "reversed")


def letter_counts(ids):
    return Counter(LETTERS[PINNED[i].order.index(0)] for i in ids)


@pytest.mark.parametrize("split", [s for s in SPLITS if s != "sample"])
def test_gold_letters_are_exactly_even_over_every_split(split):
    ids = scored_ids(split)
    assert letter_counts(ids) == dict.fromkeys(LETTERS, len(ids) // 5)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_gold_letters_are_exactly_even_over_published_parts(part):
    ids = [i for i in PINNED if part_of(i) == part]
    assert letter_counts(ids) == dict.fromkeys(LETTERS, len(ids) // 5)


@pytest.mark.parametrize("name", [*QUERY_TYPES, UNTYPED])
def test_gold_letters_are_as_even_as_integers_allow_over_types(name):
    ids = [i for i, pinned in PINNED.items() if name in (pinned.types or (UNTYPED,))]
    assert set(letter_counts(ids).values()) <= {len(ids) // 5, len(ids) // 5 + 1}
    assert letter_counts(ids).total() == len(ids)


def test_each_file_slot_stands_at_each_letter_about_equally_often():
    counts = Counter((slot, letter) for pinned in PINNED.values() for letter, slot in enumerate(pinned.order))
    assert len(counts) == 25
    assert 80 <= min(counts.values()) <= max(counts.values()) <= 120


def test_orders_are_pinned():
    lines = "\n".join(f"{i} {' '.join(pinned.shown_ids('shuffled'))}" for i, pinned in sorted(PINNED.items()))
    assert len(PINNED) == 500
    assert sha256_of(lines.encode()) == ORDERS_SHA256, "every score moves: raise the task version"


@pytest.mark.real_data
def test_tables_are_re_derived_from_the_data():
    splits, pinned = derive()
    assert splits == json.loads((PACKAGE / "splits.json").read_text())
    for item_id, row in pinned.items():
        stored = pinned_items()[item_id]
        assert ("".join(map(str, stored.order)), stored.digest) == (row["order"], row["digest"])
        assert (list(stored.option_ids), stored.gold, stored.types) == (row["option_ids"], row["gold"], row["types"])


@pytest.mark.real_data
def test_display_shows_the_stored_order():
    for item in load_items():
        shown = display(item, "shuffled")
        assert tuple(option.recipe_id for option in shown.options) == PINNED[item.item_id].shown_ids("shuffled")
        assert shown.options[shown.gold].recipe_id == item.gold
        assert display(item, "file").gold_letter == "A"


def load_item(item_id, texts=("v", "w", "x", "y", "z")):
    options = tuple(Option(f"id{k}", text) for k, text in enumerate(texts))
    return Item(item_id, "query", options, "id0", ())


@given(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=5, max_size=5, unique=True))
def test_other_data_gets_a_permutation_that_depends_on_content_alone(item_id, texts):
    item = load_item(item_id, texts)
    assert sorted(file_slots(item, "shuffled")) == [0, 1, 2, 3, 4]
    assert file_slots(item, "shuffled") == file_slots(load_item(item_id, texts), "shuffled")
    assert display(item, "shuffled").options[display(item, "shuffled").gold].recipe_id == "id0"


def test_a_pinned_id_with_other_content_does_not_get_the_pinned_order():
    orders = {file_slots(load_item("mpr-000", (f"{n}", "w", "x", "y", "z")), "shuffled") for n in range(50)}
    assert len(orders) > 10


def test_folds_of_the_sample_are_even():
    assert [fold_of(f"sample-{i:02d}") for i in range(6)] == [0, 1, 2, 3, 4, 0]
    assert Counter(fold_of(item_id) for item_id in scored_ids("sample")) == dict.fromkeys(range(5), 12)
