"""Subcommands of `recipe-mpr` that import only this package; see `recipe_mpr_task.cli`."""
