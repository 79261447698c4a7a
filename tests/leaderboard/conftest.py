"""Define the fixtures of the leaderboard's tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.fake_runs import run_files
from tests.support.needs import skip
from tests.support.tables import HONEST

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a separate cache of runs for this test."""
    monkeypatch.setenv("RECIPE_MPR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a folder with an honest run in `good`."""
    run_files(tmp_path / "runs" / "good", name=HONEST)
    return tmp_path / "runs"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
              "--disable-sync", "--no-first-run"]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Return a running Chromium."""
    if CHROMIUM is None:
        skip("no chromium: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip("playwright is not installed: pip install -e '.[dev]'")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """Return an empty page. A console message, an error, a dialog or a network request on it fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened, faults = context.new_page(), []
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("dialog", lambda dialog: (faults.append("dialog"), dialog.dismiss()))
    opened.on("request", lambda request: request.url.startswith(("file:", "data:,")) or faults.append(request.url))
    yield opened
    assert faults == []
    context.close()
