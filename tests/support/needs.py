"""Check what a test needs on the machine."""

import os
from typing import NoReturn

import pytest

REQUIRE = "RECIPE_MPR_REQUIRE_ALL"
"""Set by .ci/run: a test that would skip for want of data or weights fails instead."""


def skip(reason: str) -> NoReturn:
    """Skip the test; fail it where `REQUIRE` is set."""
    if os.environ.get(REQUIRE):
        pytest.fail(f"{reason}, and {REQUIRE} is set")
    pytest.skip(reason)
