"""Define the subcommands of `recipe-mpr` that belong to this package. `cli.COMMANDS` lists all subcommands."""
