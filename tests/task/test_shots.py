"""Few-shot examples are the same in every run, give no hint, and have even letters."""

from collections import Counter

import pytest

from recipe_mpr_task.data import load_items, load_sample
from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.orders import display
from recipe_mpr_task.shots import OtherFoldShots, TrainPartShots
from recipe_mpr_task.task import record_of


@pytest.fixture(scope="module")
def sample():
    return [record_of(display(item, "shuffled")) for item in load_sample()]


def draw(sampler, records, item, n, seed=1234):
    return sampler(records).set_rnd(seed).sample(n, eval_doc=item)


def test_shots_depend_on_seed_and_item_alone(sample):
    first = draw(OtherFoldShots, sample, sample[3], 4)
    assert first == draw(OtherFoldShots, sample, sample[3], 4)
    sampler = OtherFoldShots(sample).set_rnd(1234)
    for item in reversed(sample):
        sampler.sample(4, eval_doc=item)
    assert sampler.sample(4, eval_doc=sample[3]) == first
    assert draw(OtherFoldShots, sample, sample[3], 4, seed=1) != first
    assert draw(OtherFoldShots, sample, sample[4], 4) != first


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 10])
def test_letters_of_shots_are_even(sample, n):
    for item in sample:
        counts = Counter(shot["gold_letter"] for shot in draw(OtherFoldShots, sample, item, n))
        assert counts.total() == n
        assert max(counts.values()) - (min(counts.values()) if len(counts) == 5 else 0) <= 1


def assert_tells_nothing(item, shots):
    gold = item["option_ids"][item["gold"]]
    assert len({shot["item_id"] for shot in shots}) == len(shots)
    for shot in shots:
        assert shot["item_id"] != item["item_id"]
        assert gold not in shot["option_ids"]
        assert shot["option_ids"][shot["gold"]] not in item["option_ids"]


@pytest.mark.real_data
def test_real_shots_come_from_other_folds_or_the_training_part():
    records = [record_of(display(item, "shuffled")) for item in load_items()]
    for item in records[::7]:
        shots = draw(OtherFoldShots, records, item, 10)
        assert_tells_nothing(item, shots)
        assert all(shot["fold"] != item["fold"] for shot in shots)
    held_out = [record for record in records if record["part"] == "test"]
    assert len(held_out) == 50
    for item in held_out:
        shots = draw(TrainPartShots, records, item, 10)
        assert_tells_nothing(item, shots)
        assert {shot["part"] for shot in shots} == {"train"}


def test_too_many_shots_name_the_limit(sample):
    with pytest.raises(RecipeMPRError, match=r"num_fewshot 60 .* sample-00; allowed: 0 to 4\d"):
        draw(OtherFoldShots, sample, sample[0], 60)


def test_sampling_without_the_scored_item_is_refused(sample):
    with pytest.raises(RecipeMPRError, match="scored item"):
        OtherFoldShots(sample).set_rnd(1).sample(1)
