"""The kits in separate environments, offline: unmodified lm-eval, and Inspect with a hub on this machine."""

import json

import pytest

from recipe_mpr_task.data import load_items
from recipe_mpr_task.kits.folder import write_kit
from recipe_mpr_task.kits.hub import hub_files
from recipe_mpr_task.kits.upstream import TASKS, upstream_files
from recipe_mpr_task.orders import display
from recipe_mpr_task.prompts import render
from recipe_mpr_task.task import record_of
from tests.support.commands import LmEvalRun
from tests.support.fake_hub import FakeHub
from tests.support.venvs import CONSTRAINED, environment_with, run

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.real_data]

# torch first: pip then takes the CPU build, where the index has one.
LM_EVAL = ((*CONSTRAINED, "torch"), (*CONSTRAINED, "lm-eval[hf]"))
INSPECT = (("inspect-ai==0.3.285", "datasets==5.2.0", "huggingface_hub==2.4.0"),)  # it rejects other versions
SCRIPTED = """\
import json, os
from inspect_ai.model import ModelAPI, ModelOutput, modelapi

ANSWERS = json.load(open(os.environ["SCRIPTED_ANSWERS"]))

@modelapi(name="scripted")
class Scripted(ModelAPI):
    async def generate(self, input, tools, tool_choice, config):
        letter = ANSWERS[input[-1].text] if self.model_name == "gold" else "A"
        return ModelOutput.from_content(self.model_name, f"Answer: {letter}")
"""


# The shared fixtures ask for the dataset, or they would have neither the dataset nor a network for pip.
@pytest.fixture(scope="module")
def stock_lm_eval(tmp_path_factory, dataset):
    return environment_with(tmp_path_factory.mktemp("lm-eval") / "venv", *LM_EVAL)


@pytest.fixture(scope="module")
def stock(stock_lm_eval, tmp_path_factory, dataset):
    """Run lm_eval in an environment that holds nothing of ours, with the kit's folder; one subcommand a call."""
    folder = tmp_path_factory.mktemp("upstream")
    write_kit(upstream_files(), folder)
    program = str(stock_lm_eval / "lm_eval")
    return lambda command, *arguments: run(
        program, command, "--include_path", str(folder), *arguments, HF_HUB_OFFLINE="1"
    )


def test_lm_eval_alone_validates_the_kit(stock_lm_eval, stock):
    assert "lm-eval-recipe-mpr" not in run(str(stock_lm_eval / "pip"), "list")
    said = stock("validate", "--tasks", ",".join(TASKS))
    assert "All tasks found and valid" in said


@pytest.mark.parametrize(("tasks", "flags"), [
    ("recipe_mpr,recipe_mpr_cloze", ()),
    ("recipe_mpr,recipe_mpr_generate", ("--num_fewshot", "3", "--gen_kwargs", "max_gen_toks=8")),
])  # fmt: skip
def test_runs_of_lm_eval_alone_equal_ours(stock, lm_eval, tiny_qwen, tmp_path, tasks, flags):  # noqa: PLR0917
    flags = (*flags, "--batch_size", "16", "--device", "cpu")
    ours = lm_eval("hf", f"pretrained={tiny_qwen}", tasks, *flags)
    stock("run", "--model", "hf", "--model_args", f"pretrained={tiny_qwen}", "--tasks", tasks,
          "--output_path", str(tmp_path), "--log_samples", *flags)  # fmt: skip
    theirs = LmEvalRun(tmp_path)
    assert theirs.results["task_hashes"] == ours.results["task_hashes"]  # hashes of documents, prompts and targets
    assert theirs.results["versions"] == ours.results["versions"]
    for task in tasks.split(","):
        for same in ("doc_hash", "prompt_hash", "target_hash", "arguments", "acc"):
            assert [s[same] for s in theirs.samples(task)] == [s[same] for s in ours.samples(task)]
        found, expected = theirs.results["results"][task], ours.results["results"][task]
        assert {k: v for k, v in found.items() if k != "alias"} == {k: expected[k] for k in found if k != "alias"}
        assert "acc_negated,none" in found


@pytest.fixture(scope="module")
def inspect(tmp_path_factory, dataset):
    return environment_with(tmp_path_factory.mktemp("inspect") / "venv", *INSPECT)


@pytest.fixture
def scripted(tmp_path):
    """Environment variables with which Inspect finds the model `scripted`, which knows the answer to each prompt."""
    site = tmp_path / "site"
    info = site / "scripted-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scripted\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[inspect_ai]\nscripted = scripted\n")
    (site / "scripted.py").write_text(SCRIPTED)
    shown = [display(item, "shuffled") for item in load_items()]
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({render("generate", record_of(item)): item.gold_letter for item in shown}))
    return {"PYTHONPATH": str(site), "SCRIPTED_ANSWERS": str(answers), "XDG_DATA_HOME": str(tmp_path / "data"),
            "XDG_CACHE_HOME": str(tmp_path / "cache")}  # fmt: skip


def test_inspect_runs_the_benchmark_from_the_hub(inspect, scripted, tmp_path):
    write_kit(hub_files(load_items(), "me/recipe-mpr"), tmp_path / "kit")
    with FakeHub() as hub:
        hub.add("datasets/me/recipe-mpr", tmp_path / "kit", "ab" * 20)
        for model, accuracy in (("gold", 1.0), ("constant", 0.2)):
            logs = tmp_path / model
            run(str(inspect / "inspect"), "eval", "hf/me/recipe-mpr", "--model", f"scripted/{model}", "--log-dir",
                str(logs), "--log-format", "json", "--display", "none",
                **scripted, **hub.environment(tmp_path / "home"), https_proxy="http://127.0.0.1:9")  # fmt: skip
            (log,) = [json.loads(file.read_text()) for file in logs.glob("*.json")]
            assert log["status"] == "success"
            assert log["results"]["completed_samples"] == 500
            assert log["results"]["scores"][0]["metrics"]["accuracy"]["value"] == pytest.approx(accuracy)
            assert {sample["metadata"]["item_id"] for sample in log["samples"]} == {i.item_id for i in load_items()}
    assert any("eval.yaml" in request for request in hub.requests)
