"""Define Recipe-MPR as a task of lm-evaluation-harness.

`finetune` and `leaderboard` import this package. This package imports neither `finetune` nor `leaderboard`.
`import recipe_mpr_task` does not load torch or lm_eval, so that the command line and the autoload stay fast.

An item passes through these modules in order:

- `data`: download and verify the dataset file.
- `item`: check a raw record and make an Item.
- `splits`: decide which items are scored.
- `orders`: decide which option has which letter.
- `task`: build the document that lm-eval reads.
- `prompts`: render the document to text.
- `shots`: select few-shot examples.
- `metrics`: score the answer.

`models` holds adapters for models that lm-eval cannot load. `kits` writes folders for other projects.
"""

__version__ = "0.2.0.dev0"
"""Version of the package: the newest heading of CHANGELOG.md, with .dev0 until this version is released."""

TASK_VERSION = 1
"""Version of all `recipe_mpr*` tasks, equal to `metadata.version` in `tasks/_base.yaml`.

Increase the version if a change to data, order, prompt, shots or metrics changes a score. Write the reason into
CHANGELOG.md. A leaderboard never compares results of different versions.
"""
