"""Real weights from packages, scored by the real command on the 50 held-out items."""

import pytest

from recipe_mpr_task import weights

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.real_data]


@pytest.mark.parametrize(
    ("name", "model", "acc"),
    [("all-mpnet-base-v2", "recipe-mpr-encoder", 0.44), ("smollm2-135m-instruct", "hf", 0.1)],
)
def test_fetched_weights_score_as_measured(lm_eval, tmp_path, name, model, acc):
    weights.fetch(name, tmp_path / "weights")
    arguments = f"pretrained={tmp_path / 'weights'},dtype=float32"
    run = lm_eval(model, arguments, "recipe_mpr_test", "--batch_size", "8")
    assert run.acc("recipe_mpr_test") == pytest.approx(acc, abs=5e-5)
