"""Train models: a recipe (a file in `harness_configs/recipes/`) turns a base model into a checkpoint with a manifest.

Modules, in the order of a run: `command` is the command line and `run` the whole run; `recipe` reads and checks the
settings; `data` loads the items; `base` finds or builds the base model; `lora` adds the adapter; `objective` is the
interface of `causal`, `encoders` and `bi_encoder`, which turn items into examples and compute losses; `steps` makes
each epoch's optimizer steps; `setup` assembles the trainer; `step_trainer` runs the steps; `progress` shows them and
adds up the cost; `checkpoints` locks and checks the run's folder; `outputs` writes card and curves; `merge` merges an
adapter.
"""
