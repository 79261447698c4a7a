"""The lm-eval task files; this package's folder is what lm-eval indexes."""

from pathlib import Path

TASKS_PATH = Path(__file__).parent
