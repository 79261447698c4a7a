"""docs/quickstart.ipynb: every cell runs, and prints what the notebook shows.

To write the outputs again after a change, set RECIPE_MPR_WRITE_NOTEBOOK=1.
"""

import os
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "quickstart.ipynb"


def texts(notebook):
    """Return the text of every output of every cell."""
    return [[output.get("text") or output["data"]["text/plain"] for output in cell.get("outputs", [])]
            for cell in notebook.cells]  # fmt: skip


@pytest.mark.slow
def test_every_cell_runs_and_prints_what_is_shown(tmp_path, minilm):
    import nbformat
    from nbclient import NotebookClient

    # The model's name on the hub is read as a folder here, since a folder of this name is there.
    (tmp_path / "sentence-transformers").mkdir()
    (tmp_path / "sentence-transformers" / "all-MiniLM-L6-v2").symlink_to(minilm)
    shown = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.from_dict(shown)
    NotebookClient(run, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    if os.environ.get("RECIPE_MPR_WRITE_NOTEBOOK"):
        for cell in run.cells:
            cell.metadata = {}
        nbformat.write(run, NOTEBOOK)
        return
    assert texts(run) == texts(shown)
