"""Hold the task YAML files. lm-eval indexes this folder."""

from pathlib import Path

TASKS_PATH = Path(__file__).parent
