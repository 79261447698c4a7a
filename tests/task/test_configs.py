"""Every harness config loads in lm-eval's own config class and names arguments its model takes."""

import ast
import importlib.util
import inspect
from importlib.resources import files
from pathlib import Path

import pytest
from lm_eval.config.evaluate_config import EvaluatorConfig
from lm_eval.models import MODEL_MAPPING
from lm_eval.models.api_models import TemplateAPI

from recipe_mpr_task.baselines import BASELINES
from recipe_mpr_task.models import MODELS
from recipe_mpr_task.task_specs import task_names

CONFIGS = sorted(file for file in files("harness_configs").iterdir() if file.name.endswith(".yaml"))


def test_there_is_a_config_for_each_system():
    assert {c.name for c in CONFIGS} >= {f"{name}.yaml" for name in (*BASELINES, "minilm", "qwen3_8b", "qwen3_8b_chat")}


def accepted_arguments(model):
    """The names that the class for `model` takes; read as text, for vllm is not installed."""
    module, _, name = MODEL_MAPPING.get(model, MODELS.get(model)).partition(":")
    tree = ast.parse(Path(importlib.util.find_spec(module).origin).read_text())
    (found,) = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name]
    (init,) = [node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    names = {argument.arg for argument in (*init.args.args, *init.args.kwonlyargs)}
    if [ast.unparse(base) for base in found.bases] == ["LocalCompletionsAPI"]:
        names |= set(inspect.signature(TemplateAPI.__init__).parameters)
    return names


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
def test_config_is_lm_evals(config):
    loaded = EvaluatorConfig.from_config(config)
    assert set(loaded.tasks) <= task_names()
    assert loaded.log_samples, "the leaderboard takes its numbers from the items"
    # lm-eval merges model_args into the tasks' metadata, so a wrong name would pass it silently.
    assert set(loaded.model_args) <= accepted_arguments(loaded.model)
    assert config.read_text().startswith("# "), "the header says what it is and how to launch it"


def test_chat_config_turns_thinking_off():
    chat = EvaluatorConfig.from_config(files("harness_configs") / "qwen3_8b_chat.yaml")
    assert chat.apply_chat_template
    assert chat.model_args["enable_thinking"] is False
