"""Skip or fail tests that lack data, weights or programs."""

import os
from typing import NoReturn

import pytest

REQUIRE = "RECIPE_MPR_REQUIRE_ALL"
"""Variable that .ci/run sets. If it is set, a test that lacks data or weights fails instead of being skipped."""


def skip(reason: str) -> NoReturn:
    """Skip the test. Fail the test if the variable `REQUIRE` is set."""
    if os.environ.get(REQUIRE):
        pytest.fail(f"{reason}, and {REQUIRE} is set")
    pytest.skip(reason)
