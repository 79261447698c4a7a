"""Check the accessibility of pages with axe-core."""

import os
from pathlib import Path
from typing import Any

from tests.support.needs import skip

_DEFAULT = Path(__file__).parents[2] / ".venv/node_modules/axe-core/axe.min.js"
AXE = Path(os.environ.get("RECIPE_MPR_AXE", _DEFAULT))


def need_axe() -> None:
    """Skip the test if axe-core is not installed."""
    if not AXE.is_file():
        skip(f"no axe-core: npm install --prefix {AXE.parents[2]} axe-core")


def serious_faults(page: Any) -> dict[str, str]:
    """Return the serious and critical violations that axe finds: the HTML of the first element, keyed by rule."""
    page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run().then((result) => result.violations)")
    return {v["id"]: v["nodes"][0]["html"][:200] for v in found if v["impact"] in ("serious", "critical")}
