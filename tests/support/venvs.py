"""Make environments with packages from the index and without this project."""

import os
import subprocess
import tempfile
import venv
from pathlib import Path

CONSTRAINED = ("--constraint", str(Path(__file__).parents[2] / "constraints.txt"))
"""Arguments of pip for the versions that development runs with."""


def environment_with(folder: Path, *steps: tuple[str, ...]) -> Path:
    """Make a virtual environment and return its `bin` folder.

    Args:
        folder: the environment's folder.
        *steps: packages to install and other arguments of pip, one call of pip for each step.
    """
    venv.create(folder, with_pip=True)
    pip = (
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--no-compile",
    )
    for packages in steps:
        run(*pip, *packages)
    return folder / "bin"


def run(*command: str, **environment: str) -> str:
    """Run a command outside the checkout, without PYTHONPATH. Return its standard output; fail if it fails."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tempfile.gettempdir(),
        env=inherited | environment,
        timeout=900,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout
