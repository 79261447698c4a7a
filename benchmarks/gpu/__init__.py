"""Measure training and scoring on one GPU, with random weights and without a network.

The modules, in the order of a run:

- `__main__` is the command line. It runs the steps and prints the table.
- `steps` lists the steps. `worker` runs the steps in a separate process, each with a time limit.
- `shapes` has the sizes of the models. `bench` creates items, tokenizers and models.
- `training`, `scoring` and `encoders` measure. `flops` counts the floating-point operations that a model needs.
- `table` formats the results.
"""
