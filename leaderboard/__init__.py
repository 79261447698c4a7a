"""The leaderboard: a pure function of result files. Every number is computed from per-item results.

Data flows one way. Each stage is a package that imports only the stages before it:

    load      lm-eval's output folders and compact records -> Run, typed; later stages see no raw JSON
    verify    Run -> VerifiedRun: all checks in one list; recomputed items, a status and its reason
    rank      VerifiedRun -> Row -> Board: pooled folds, repeated runs excluded, ranks, paired statistics
    site      Board -> page, Markdown, JSON and CSV, published in one atomic step
    exports   Board -> the formats of other projects

These modules combine the stages:

    collect   many files to rows, in parallel; cache keeps the rows for the next build
    build     load -> verify -> rank -> site; runs -> compact records without dataset text, as committed in results/
    compare   compare two rows item by item
    commands  the subcommands of recipe-mpr that read results; `add` and `demo` also run lm-eval
"""
