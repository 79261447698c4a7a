"""Create virtual environments with packages from the package index and without this project."""

import os
import subprocess
import tempfile
import venv
from pathlib import Path

CONSTRAINED = ("--constraint", str(Path(__file__).parents[2] / "constraints.txt"))
"""Arguments of pip that select the package versions used in development."""


def environment_with(folder: Path, *steps: tuple[str, ...]) -> Path:
    """Create a virtual environment and return its `bin` folder.

    Args:
        folder: the environment's folder.
        *steps: for each call of pip, the packages to install and other arguments.
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
    """Run a command outside the checkout, without PYTHONPATH. Return its output; fail if the exit code is not 0."""
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
