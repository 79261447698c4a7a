"""Run commands as a user would run them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def recipe_mpr(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the recipe-mpr command."""
    return run_python("-m", "recipe_mpr_task.cli", *arguments, **environment)


def run_python(*arguments: str, python: str = sys.executable, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python command as a user would. The caller must check the exit code."""
    variables = {**os.environ, **environment}
    return subprocess.run([python, *arguments], capture_output=True, text=True, check=False, env=variables, timeout=600)


class LmEvalRun:
    """Read the files that one `lm_eval run --log_samples` wrote."""

    def __init__(self, folder: Path) -> None:
        (self.file,) = folder.rglob("results_*.json")
        self.folder = folder
        self.results: dict[str, Any] = json.loads(self.file.read_text())

    def acc(self, task: str, metric: str = "acc") -> float:
        return float(self.results["results"][task][f"{metric},none"])

    def samples(self, task: str) -> list[dict[str, Any]]:
        (file,) = self.folder.rglob(f"samples_{task}_2*.jsonl")
        return [json.loads(line) for line in file.read_text().splitlines()]
