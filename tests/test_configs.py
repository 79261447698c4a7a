"""Every harness config loads in lm-eval's own config class and names arguments its model takes."""

import inspect
from importlib.resources import files

import pytest
from lm_eval.api.registry import get_model
from lm_eval.config.evaluate_config import EvaluatorConfig

from leaderboard.demo import BASELINES
from leaderboard.load import task_names

CONFIGS = sorted(file for file in files("harness_configs").iterdir() if file.name.endswith(".yaml"))


def test_there_is_a_config_for_each_system():
    assert {c.name for c in CONFIGS} >= {f"{name}.yaml" for name in (*BASELINES, "minilm", "qwen3_8b", "qwen3_8b_chat")}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
def test_config_is_lm_evals(config):
    loaded = EvaluatorConfig.from_config(config)
    assert set(loaded.tasks) <= task_names()
    assert loaded.log_samples, "the leaderboard takes its numbers from the items"
    # lm-eval merges model_args into the tasks' metadata, so a wrong name would pass it silently.
    import lm_eval.models  # noqa: F401

    accepted = inspect.signature(get_model(loaded.model).__init__).parameters
    assert set(loaded.model_args) <= set(accepted)
    assert config.read_text().startswith("# "), "the header says what it is and how to launch it"


def test_chat_config_turns_thinking_off():
    chat = EvaluatorConfig.from_config(files("harness_configs") / "qwen3_8b_chat.yaml")
    assert chat.apply_chat_template
    assert chat.model_args["enable_thinking"] is False
