"""Wheels: a regular and an editable install find everything from outside the checkout; uninstall leaves nothing."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support.commands import run_python

pytestmark = pytest.mark.integration

CHECKOUT = Path(__file__).parents[2]
NAMES = ("recipe_mpr_test", "recipe_mpr_fold0", "recipe_mpr_folds", "recipe_mpr_sample", "recipe_mpr_file_order")


@pytest.fixture
def bare_venv(tmp_path):
    """Make a venv with this one's dependencies, but without its start-up files and this project's package."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    borrowed = sysconfig.get_paths()["purelib"]
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    return python, site


def pip(python, *arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def files_of(site):
    return {str(p.relative_to(site)) for p in site.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


@pytest.mark.parametrize("editable", [False, True])
def test_install_is_found_by_lm_eval_and_uninstall_leaves_nothing(bare_venv, tmp_path, editable, monkeypatch):
    python, site = bare_venv
    before = files_of(site)
    pip(python, "install", "--no-deps", "--no-build-isolation", *(["-e"] if editable else []), str(CHECKOUT))
    assert {"_recipe_mpr_autoload.py", "recipe_mpr_autoload.pth", "recipe_mpr_autoload.start"} <= files_of(site)
    monkeypatch.chdir(tmp_path)
    listed = run_python("-I", "-m", "lm_eval", "ls", "tasks", python=str(python)).stdout
    names = {line.split("|")[1].strip() for line in listed.splitlines() if line.startswith("|")}
    assert set(NAMES) <= names
    code = (
        "import recipe_mpr_task, leaderboard.rank.published as p, importlib.resources as r;"
        "from recipe_mpr_task import data;"
        "print(recipe_mpr_task.__file__, len(data.load_sample()),"
        "sum(row.board == 'recipe_mpr' for row in p.published_rows()),"
        "(r.files('harness_configs') / 'minilm.yaml').is_file())"
    )
    location, sample, published, config = run_python("-I", "-c", code, python=str(python)).stdout.split()
    assert (Path(location).parent.parent == CHECKOUT) == editable
    assert (sample, published, config) == ("60", "15", "True")
    dry = run_python("-m", "recipe_mpr_task.cli", "finetune", "tiny_lora", "--dry-run", python=str(python))
    assert "trainable parameters: 131072\n" in dry.stdout, dry.stderr
    out = tmp_path / "out"
    done = run_python(
        "-I", "-m", "lm_eval", "run", "--model", "recipe-mpr-baseline", "--model_args", "kind=first",
        "--tasks", "recipe_mpr_sample", "--output_path", str(out), "--log_samples", python=str(python),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    done = run_python("-m", "recipe_mpr_task.cli", "leaderboard", str(out), "--out", str(out), python=str(python))
    assert done.returncode == 0, done.stderr
    assert "| first " in (out / "leaderboard.md").read_text()
    pip(python, "uninstall", "-y", "lm-eval-recipe-mpr")
    assert files_of(site) == before


def test_validate_finds_the_tasks():
    done = run_python("-I", "-m", "lm_eval", "validate", "--tasks", "recipe_mpr,recipe_mpr_folds,recipe_mpr_test")
    assert done.returncode == 0, done.stdout + done.stderr
