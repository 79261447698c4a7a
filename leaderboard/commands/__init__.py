"""The subcommands of `recipe-mpr` that read results; see `recipe_mpr_task.cli`."""
