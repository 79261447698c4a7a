"""Recipe-MPR as an lm-evaluation-harness task: what is measured.

The ground floor of the project: it imports nothing of the packages above it. Importing it
loads neither torch nor lm_eval, so that the command line and the autoload stay fast.

The walk of one item, in the order of the modules: `item` (raw record to Item), `data` (pinned,
hashed source), `splits`, `orders` (which option stands at which letter), `prompts` (the text),
`task` (what lm-eval calls), `shots`, `metrics`, and in `models` the adapters that lm-eval lacks.
"""

__version__ = "0.1.0"

TASK_VERSION = 1
"""Version of every `recipe_mpr*` task; equals `metadata.version` in `tasks/_base.yaml`.

Raised by any change that moves a score (data, order, prompt, shots, metric). Results of two
versions never share a board. The dated reasons are in CHANGELOG.md.
"""
