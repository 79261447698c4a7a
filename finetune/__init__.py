"""Training: a recipe (data, `harness_configs/recipes/`) turns a base model into a checkpoint with a manifest.

In the order in which a run passes through them: `recipe` reads and checks, `base` finds or builds the
base model, `causal` and `encoders` make examples and losses of items, `lora` adds the adapter, `steps` deals out
each epoch's batches, `setup` assembles the trainer, `step_trainer` runs the steps, `progress` shows and records
them, `outputs` writes what remains, `run` is the run as a whole and `command` its command line.
"""
