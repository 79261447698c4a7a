"""Build the leaderboard only from result files. Every ranked number is computed from per-item results.

Data flows one way. Each stage is a package, and imports only the stages above it in this list:

    load      files -> Run: parse lm-eval's output folders and compact records; later stages see no raw JSON
    verify    Run -> VerifiedRun: run all checks, recompute the item results, give each run a status and a reason
    rank      VerifiedRun -> Row -> Board: pool the folds, exclude repeated runs, rank, compute paired statistics
    site      Board -> page, Markdown, JSON and CSV: publish all files in one atomic step
    exports   Board -> the file formats of other projects

These modules combine the stages:

    collect   turn many files into rows, in parallel
    cache     keep the rows of each file for the next build
    build     build the site; also write compact records without dataset text, as committed in results/
    compare   compare two rows item by item
    sweep     run many models on many tasks with lm-eval
    commands  define the subcommands of recipe-mpr that read results; `add`, `demo` and `sweep` also run lm-eval
"""
