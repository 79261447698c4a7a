"""Training: a recipe (data, `harness_configs/recipes/`) turns a base model into a checkpoint with a manifest.

In the order in which a run passes through them: `recipe` reads and checks, `base` finds or builds the
base model, `causal` makes examples and losses of items, `lora` adds the adapter, `steps` deals out
each epoch's batches, `trainer` runs them, `progress` shows and records them, `outputs` writes what
remains, `engine` is the run as a whole and `command` its command line.
"""
