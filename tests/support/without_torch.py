"""Print the requirements of the tests that need no torch, one per line, from pyproject.toml.

`make test-py` runs this file with a bare interpreter, so this file imports only the standard library.
"""

import re
import tomllib
from pathlib import Path

NEED_TORCH = {"torch", "transformers", "peft", "accelerate"}
FOR_TESTS = {"editables", "hatchling", "hypothesis", "pytest", "pytest-timeout", "pytest-xdist"}


def requirements() -> list[str]:
    """Return the dependencies that need no torch, and the packages that run the tests."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    needed = [entry for entry in project["dependencies"] if _name(entry) not in NEED_TORCH]
    for_tests = [entry for entry in project["optional-dependencies"]["dev"] if _name(entry) in FOR_TESTS]
    return [entry.replace("lm-eval[hf]", "lm-eval") for entry in needed + for_tests]


def _name(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement)[0]


if __name__ == "__main__":
    print("\n".join(requirements()))  # noqa: T201
