"""The command line loads fast. A user's mistake gives one line on stderr and exit code 2."""

import json
import os
from pathlib import Path

import pytest

from tests.support.commands import run_python

pytestmark = pytest.mark.integration

CLI = ("-m", "recipe_mpr_task.cli")
SAMPLE = Path(__file__).parents[2] / "recipe_mpr_task" / "sample.json"


def test_help_loads_neither_torch_nor_lm_eval():
    code = (
        "import sys; from recipe_mpr_task.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('torch', 'lm_eval', 'transformers', 'datasets', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = run_python("-c", code)
    assert done.stdout.splitlines()[-1] == "[]"
    for command in ("add", "data", "demo", "doctor", "finetune", "leaderboard", "tasks-path"):
        assert f"  {command} " in done.stdout


def record(**changes):
    return json.loads(SAMPLE.read_text())[0] | changes


def text(value):
    return json.dumps(value)


FIVE = record()["options"]
BAD_FILES = {
    "truncated": (SAMPLE.read_text()[:5000], "not valid JSON"),
    "not JSON": ("query,answer", "not valid JSON"),
    "missing key": (text([{k: v for k, v in record().items() if k != "answer"}]), "mpr-000, answer: Field required"),
    "four options": (text([record(options=dict(list(FIVE.items())[:4]))]), "mpr-000, options: "),
    "gold is no option": (text([record(answer="feedbeef00")]), "answer 'feedbeef00' is not an option"),
    "duplicate id": (
        text([record()]).replace(list(FIVE)[1], list(FIVE)[2], 1), f"duplicate id {list(FIVE)[2]}"),
    "wrong hash": (SAMPLE.read_text(), "wrong hash"),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(BAD_FILES))
def test_bad_data_file(tmp_path, fault):
    content, message = BAD_FILES[fault]
    file = tmp_path / "500QA.json"
    file.write_text(content)
    done = run_python(*CLI, "data", "check", RECIPE_MPR_DATA=str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "chek"], "Did you mean 'check'?"),
        (["leaderbord"], "No such command 'leaderbord'; did you mean leaderboard?"),
        (["leaderboard", "x"], "Missing option '--out'"),
        (["leaderboard", "--out", "out"], "Missing argument 'RUNS"),
    ],
)
def test_bad_usage(arguments, message):
    done = run_python(*CLI, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("recipe-mpr-baseline", "kind=tfdif", "did you mean tfidf?"),
        ("recipe-mpr-encoder", "pretrained=/none,head=multi", "head='multi'; allowed: auto, bi_encoder"),
        ("recipe-mpr-encoder", "pretrained={weightless}", "no *.safetensors weights"),
    ],
)
def test_bad_model_arguments_through_lm_eval(tmp_path, tiny_bert, model, arguments, message):
    (tmp_path / "weightless").mkdir()
    (tmp_path / "weightless" / "config.json").write_bytes((tiny_bert / "config.json").read_bytes())
    done = run_python(
        "-m",
        "lm_eval",
        "run",
        "--model",
        model,
        "--model_args",
        arguments.format(weightless=tmp_path / "weightless"),
        "--tasks",
        "recipe_mpr_sample",
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("recipe-mpr: ") and message in line]


def test_missing_data_through_lm_eval_names_the_remedies(tmp_path):
    done = run_python(
        "-m", "lm_eval", "run", "--model", "recipe-mpr-baseline", "--model_args", "kind=first", "--tasks", "recipe_mpr",
        RECIPE_MPR_DATA=str(tmp_path / "none.json"),
    )  # fmt: skip
    assert done.returncode == 2
    assert "recipe_mpr_sample" in done.stderr.splitlines()[-1]


def test_doctor_says_what_is_active(tmp_path):
    done = run_python(*CLI, "doctor", RECIPE_MPR_DATA=str(tmp_path / "none.json"))
    assert done.returncode == 1, "no data is a fault"
    assert "autoload: on" in done.stdout
    assert "tasks: found by the autoload" in done.stdout
    assert done.stdout.count("FAULT") == 1
    off = run_python(*CLI, "doctor", RECIPE_MPR_AUTOLOAD="0", RECIPE_MPR_DATA=str(tmp_path / "none.json")).stdout
    assert "autoload: off: RECIPE_MPR_AUTOLOAD=0" in off
    assert off.count("FAULT") == 1


def test_doctor_sees_a_package_that_shadows_ours(tmp_path):
    (tmp_path / "leaderboard").mkdir()
    (tmp_path / "leaderboard" / "__init__.py").write_text("")
    metadata = tmp_path / "other_boards-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: other-boards\nVersion: 1.0\n")
    (metadata / "RECORD").write_text("leaderboard/__init__.py,,\nfinetune/__init__.py,,\n")
    done = run_python("-P", *CLI, "doctor", PYTHONPATH=os.pathsep.join([str(tmp_path), str(SAMPLE.parents[1])]))
    assert done.returncode == 1
    assert f"package leaderboard is shadowed by {tmp_path}/leaderboard/__init__.py (other-boards)" in done.stdout
    assert "package finetune is also installed by another distribution (other-boards)" in done.stdout
