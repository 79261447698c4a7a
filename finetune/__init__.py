"""Train models. A recipe is a file of training settings; `harness_configs/recipes/` holds the shipped recipes.

A run trains a base model by a recipe. It writes a checkpoint, and a manifest that lists the items used for training.

The main modules, in the order of a run:

- `command` defines the command line, and `run` executes a whole run.
- `recipe` reads and checks the settings, and `data` loads the items.
- `base` finds or builds the base model, and `lora` adds the adapter.
- `causal`, `encoders` and `bi_encoder` turn items into examples and compute losses; `objective` is their interface.
- `steps` divides each epoch into optimizer steps, `setup` assembles the trainer, and `step_trainer` runs the steps.
- `progress` shows the steps and adds up the cost.
- `checkpoints` locks the run's folder and finds the checkpoint to resume from.
- `outputs` writes the card and the curves, and `merge` merges an adapter into its base model.
"""
