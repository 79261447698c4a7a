"""Subcommands of `recipe-mpr` that need only this package; see `recipe_mpr_task.cli`."""
