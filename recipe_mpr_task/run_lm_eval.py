"""Run lm_eval in a separate process, as a user does, and write the output to a log file."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LOG = "lm_eval.log"


def lm_eval(arguments: Sequence[str], out: Path, *, all_tasks: bool) -> str:
    """Run an evaluation and write its results into a folder.

    Args:
        arguments: flags of `lm_eval run`, without --output_path.
        out: folder for the results. The command's output is written to the file `LOG` in this folder.
        all_tasks: True runs `lm_eval run`. False runs `recipe-mpr run`, which does not index lm-eval's own tasks.

    Returns:
        "" on success, else the last five lines of standard error.
    """
    module = ["-m", "lm_eval"] if all_tasks else ["-m", "recipe_mpr_task.cli"]
    command = [sys.executable, *module, "run", *arguments, "--output_path", str(out)]
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    out.mkdir(parents=True, exist_ok=True)
    (out / LOG).write_text(done.stdout + done.stderr)
    return "\n".join(done.stderr.splitlines()[-5:]) if done.returncode else ""
