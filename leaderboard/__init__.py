"""The leaderboard: a pure function of result files. Every number is computed from per-item results.

One way, each stage a package that imports only the ones before it:

    load      lm-eval's output folders and compact records -> Run: pydantic types; raw JSON ends here
    verify    Run -> VerifiedRun: every check in one list; items computed anew, a status and its reason
    rank      VerifiedRun -> Row -> Board: pooled folds, each run once, ranks, paired statistics
    site      Board -> page, Markdown, JSON, CSV, and the folder that changes as one
    exports   Board -> the formats of others

What puts the stages together:

    collect   many files to rows side by side; cache keeps the rows for the next build
    build     load -> verify -> rank -> site; runs -> compact records without dataset text, as committed in results/
    compare   two rows, item by item
    commands  the subcommands of recipe-mpr; checkpoints and run_lm_eval score what `add` and `demo` show
"""
