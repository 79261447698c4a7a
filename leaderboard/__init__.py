"""The leaderboard: a pure function of result files, one module a step.

`load` (lm-eval's output folders to runs) -> `validate` (a run to checked items, a status and its
reason) -> `compute` (rows, pooled folds, ranks inside a board) -> `render` (Markdown, JSON, CSV).
`published` adds the rows that others reported. All numbers come from per-item results.
"""
