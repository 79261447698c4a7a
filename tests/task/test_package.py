"""The package: one version everywhere, typed, complete citation, distributions that an index accepts."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from recipe_mpr_task import TASK_VERSION, __version__

CHECKOUT = Path(__file__).parents[2]
HEADINGS = re.findall(r"^## ([\d.]+), (unreleased|\d{4}-\d\d-\d\d), task version (\d+)$",
                      (CHECKOUT / "CHANGELOG.md").read_text(), re.M)  # fmt: skip


def test_the_version_follows_the_changelog():
    version, date, task_version = HEADINGS[0]
    assert __version__ == (f"{version}.dev0" if date == "unreleased" else version)
    assert int(task_version) == TASK_VERSION
    assert len(HEADINGS) == len(re.findall("^## ", (CHECKOUT / "CHANGELOG.md").read_text(), re.M))


def test_the_citation_is_of_the_last_release():
    citation = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text())
    version, date, _ = next(heading for heading in HEADINGS if heading[1] != "unreleased")
    assert (citation["version"], citation["date-released"]) == (version, date)
    assert citation["preferred-citation"]["doi"] in (CHECKOUT / "README.md").read_text()


@pytest.mark.integration
def test_wheel_and_sdist_pass_twine_and_hold_what_is_declared(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True)
    wheel, sdist = sorted(tmp_path.iterdir(), reverse=True, key=lambda file: file.suffix)
    checked = subprocess.run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)],
                             check=False, capture_output=True, text=True)  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    names = zipfile.ZipFile(wheel).namelist()
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = {name.partition("/")[0] for name in names if "/" in name and ".dist-info" not in name}
    assert folders == set(declared["packages"])
    assert {f"{package}/py.typed" for package in ("recipe_mpr_task", "finetune", "leaderboard")} <= set(names)
    assert wheel.name.startswith(f"lm_eval_recipe_mpr-{__version__}-")
