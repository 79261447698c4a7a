"""Fixtures of the leaderboard's tests."""

from pathlib import Path

import pytest

from tests.support.fake_runs import run_files
from tests.support.tables import HONEST


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is remembered of runs apart from other tests."""
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a folder with an honest run in `good`."""
    run_files(tmp_path / "runs" / "good", name=HONEST)
    return tmp_path / "runs"
