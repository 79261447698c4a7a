"""The leaderboard: a pure function of result files, one package a stage.

`load` (lm-eval's output folders and compact records to runs) -> `validate` (a run to checked items, a status and its
reason) -> `compute` (rows, pooled folds, ranks inside a board, paired statistics) -> `render` (page, Markdown, JSON,
CSV, exports, and the folder that changes as one). `digest` takes many files to the rows of their runs at once,
`remembered` keeps those for the next build, `build` does all four stages. All numbers come from per-item results.
Beside them stand the commands.
"""
