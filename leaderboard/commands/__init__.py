"""The subcommands of `recipe-mpr` that read results. `recipe_mpr_task.cli` lists all subcommands."""
