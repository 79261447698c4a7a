"""Run lm_eval as a separate process, as a user would, and keep its output in a log."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LOG = "lm_eval.log"


def lm_eval(arguments: Sequence[str], out: Path, *, all_tasks: bool) -> str:
    """Run `lm_eval run` into a folder.

    Args:
        arguments: flags of `lm_eval run`, without --output_path.
        out: folder of the results; the run's output goes to `LOG` in it.
        all_tasks: call lm_eval itself; else `recipe-mpr run`, which does not index lm-eval's own tasks.

    Returns:
        "" on success, else the end of the output.
    """
    module = ["-m", "lm_eval"] if all_tasks else ["-m", "recipe_mpr_task.cli"]
    command = [sys.executable, *module, "run", *arguments, "--output_path", str(out)]
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    out.mkdir(parents=True, exist_ok=True)
    (out / LOG).write_text(done.stdout + done.stderr)
    return "\n".join(done.stderr.splitlines()[-5:]) if done.returncode else ""
