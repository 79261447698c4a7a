"""Define the subcommands of `recipe-mpr` that import no other package of ours. See `cli.COMMANDS` for all names."""
