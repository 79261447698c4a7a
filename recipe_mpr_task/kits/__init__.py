"""Write folders that put Recipe-MPR into other projects. Each folder works without this package.

- `upstream`: the tasks as lm-eval keeps its own, for a pull request there.
- `hub`: the dataset for the Hugging Face Hub, also read by Inspect and EuroEval. `push` uploads this folder.
- `bundle`: copies functions of this package into the kit's source text, so that a kit cannot drift from the package.
- `folder`: writes a kit's files.
"""
