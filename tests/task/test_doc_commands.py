"""Every block of bash or Python in README and docs is run, in page order, unless a comment says why not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipe_mpr_task.data import load_items
from tests.support.doc_blocks import CHECKOUT, PAGES, blocks_of

TO_RUN = [page for page in PAGES if any(block.to_run for block in blocks_of(page))]

pytestmark = [pytest.mark.integration, pytest.mark.real_data]


@pytest.fixture
def folder(tmp_path, tiny_qwen, minilm):
    """A folder like a checkout, with small models under the hub's names: lm-eval reads these as local folders."""
    for name in ("harness_configs", "leaderboard"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    models = {"HuggingFaceTB/SmolLM2-135M-Instruct": tiny_qwen, "sentence-transformers/all-MiniLM-L6-v2": minilm}
    for name, weights in models.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).symlink_to(weights)
    choices = [{"item_id": item.item_id, "option_id": item.options[0].recipe_id} for item in load_items()]
    (tmp_path / "predictions.jsonl").write_text("\n".join(map(json.dumps, choices)))
    return tmp_path


@pytest.mark.parametrize("page", TO_RUN, ids=lambda page: page.stem)
def test_blocks_of_a_page_run(page, folder):
    # Commands come from this environment, and this checkout's packages before any other.
    paths = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
             "PYTHONPATH": str(CHECKOUT), "HF_HUB_OFFLINE": "1"}  # fmt: skip
    for block in blocks_of(page):
        if not block.to_run:
            continue
        program = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
        done = subprocess.run([*program, block.to_run], cwd=folder, env={**os.environ, **paths}, check=False,
                              capture_output=True, text=True, timeout=300)  # fmt: skip
        assert done.returncode == 0, f"{block.place}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
