"""Run many models on many tasks: `recipe-mpr sweep SWEEP.yaml`.

Read the modules in this order:

- `sweep_file`: the YAML file
- `models` and `cells`: what to run
- `recognition`: which results exist
- `plan`: the state of each cell before the sweep
- `worker`: one process with one loaded model
- `local` and `ray_cluster`: where workers run
- `run`: the loop
- `board`: the live table
"""
