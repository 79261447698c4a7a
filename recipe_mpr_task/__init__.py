"""Define Recipe-MPR as a task of lm-evaluation-harness.

This package imports neither `finetune` nor `leaderboard`, which both import it. Importing it loads neither torch nor
lm_eval, so that the command line and the autoload stay fast.

An item passes through the modules in this order: `item` (raw record to Item), `data` (pinned, hashed source),
`splits`, `orders` (which option has which letter), `prompts` (the text), `task` (the documents that lm-eval
reads), `shots`, `metrics`; `models` holds adapters for models that lm-eval does not load.
"""

__version__ = "0.1.0"

TASK_VERSION = 1
"""Version of every `recipe_mpr*` task; equals `metadata.version` in `tasks/_base.yaml`.

Raise it with any change that moves a score (data, order, prompt, shots, metric), and write the reason into
CHANGELOG.md. Results of two versions never share a board.
"""
