"""Honest runs that must not be harmed: each keeps its row, its number, and no word against it.

The cases are in the files `honest_*.py`, each with a dictionary HONEST.
"""

import lm_eval.utils
import pytest

from leaderboard.load import specs
from tests.tables import Table, collected
from tests.test_exploits import COMPILED

pytestmark = pytest.mark.honest

CASES = collected("honest_", "HONEST")


@pytest.fixture(autouse=True)
def _fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(specs, "_RENDERED", {}, raising=False)
    monkeypatch.setattr(lm_eval.utils.env, "from_string", COMPILED)


@pytest.mark.real_data
@pytest.mark.parametrize("name", list(CASES))
def test_an_honest_run_is_not_harmed(name, tmp_path):
    case = CASES[name]
    case.build(tmp_path / "runs")
    case.check(Table(tmp_path / "runs"))
