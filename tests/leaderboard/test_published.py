"""Published results: every fact that a table of claims needs is a field, and no row looks like a run."""

import pytest
from pydantic import ValidationError

from leaderboard.rank.published import Claim, Source, published_claims, published_rows
from recipe_mpr_task.orders import pinned_items

CLAIMS = {claim.system: claim for claim in published_claims()}
SOURCE = Source(title="a report")


def test_every_row_is_reported_with_its_words_and_no_system_is_there_twice():
    rows = {row.system: row for row in published_rows()}
    assert rows.keys() == CLAIMS.keys()
    assert len(published_claims()) == len(CLAIMS)
    assert {row.status for row in rows.values()} == {"reported"}
    for name, claim in CLAIMS.items():
        assert all(text in rows[name].reason for text in (claim.note, claim.overlap or ""))


@pytest.mark.parametrize(
    ("system", "correct", "order", "data"),
    [
        ("GPT-3 (text-davinci-003) zero-shot", 365, "file", "pinned"),
        ("GPT-3 (text-davinci-003) few-shot", 415, "file", "pinned"),
        ("GPT-3 (text-davinci-003) aspect-based zero-shot", 340, "file", "pinned"),
        ("Word overlap (2022)", 85, "not_shown", "earlier"),
        ("TF-IDF (2022)", 103, "not_shown", "earlier"),
        ("TAS-B (2022)", 84, "not_shown", "earlier"),
        ("OPT-1.3b zero-shot (2022)", 153, "not_shown", "earlier"),
    ],
)
def test_order_and_data_are_fields_with_a_link(system, correct, order, data):
    claim = CLAIMS[system]
    assert (claim.correct, claim.n, claim.order, claim.data) == (correct, 500, order, data)
    assert claim.url
    assert claim.order_source
    assert ("earlier data" in claim.note) == (data == "earlier")


@pytest.mark.parametrize(("system", "acc"), [("BERT-large", 0.914), ("RoBERTa-base", 0.924), ("DistilBERT", 0.888)])
def test_scores_on_training_items_say_overlap_beside_the_cross_validated_ones(system, acc):
    trained_on = CLAIMS[f"{system} Ultra"]
    assert trained_on.score.acc == acc
    assert "overlap: scored on all 500 items, training items included" in trained_on.reason
    assert trained_on.url
    assert trained_on.url.endswith("/bert_experiments/updated_bert_res.md")
    assert (CLAIMS[system].overlap, "overlap" in CLAIMS[system].reason) == (None, False)


def test_an_order_is_known_from_a_link_and_types_have_the_dataset_s_numbers():
    types = [name for key, item in pinned_items().items() if key.startswith("mpr-") for name in item.types]
    for claim in CLAIMS.values():
        assert claim.order_source is None or claim.order != "not_stated"
        assert claim.order != "file" or claim.order_source
        if claim.n == 500:
            assert all(n == types.count(name) for name, (_, n) in claim.types.items())


@pytest.mark.parametrize("score", [{}, {"correct": 1}, {"n": 5}, {"correct": 1, "n": 5, "accuracy": 0.2}])
def test_a_claim_needs_one_score(score):
    with pytest.raises(ValidationError, match="give correct and n, or only accuracy"):
        Claim(system="x", board="recipe_mpr", source=SOURCE, order="not_stated", **score)
