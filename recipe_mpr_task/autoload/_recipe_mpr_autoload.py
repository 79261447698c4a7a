"""Let lm-eval find Recipe-MPR without a flag. Installed at the root of site-packages.

lm-eval 0.4.13 discovers no plugins. `recipe_mpr_autoload.pth` (Python up to 3.14) or
`recipe_mpr_autoload.start` (PEP 829, Python 3.15 on) loads this module at interpreter start. The
module puts itself on `sys.meta_path` as a finder and calls `recipe_mpr_task.plugin` when one of three
modules of lm-eval is imported. It is small because every Python start loads it (benchmarks/autoload.py).

Where start-up files are not read (`python -S`, zipapps, `--target`), import this module by hand or
use `--include_path "$(recipe-mpr tasks-path)"`. `RECIPE_MPR_AUTOLOAD=0` switches it off.
"""

import sys

HOOKED = ("lm_eval.models", "lm_eval.tasks.manager", "lm_eval.evaluator")


def find_spec(name, path=None, target=None):
    """Return the plugin's spec for a hooked module of lm-eval; None for any other module."""
    if name in HOOKED:
        try:
            from recipe_mpr_task.plugin import hooked_spec
        except Exception:  # even if our package is partly removed, lm-eval must keep working
            return None
        return hooked_spec(name, path, target)
    return None


def install():
    """Add the finder once, and register with the modules of lm-eval that are already loaded."""
    this = sys.modules[__name__]
    if this not in sys.meta_path:
        sys.meta_path.insert(0, this)
        loaded = [sys.modules[name] for name in HOOKED if name in sys.modules]
        for module in loaded:
            from recipe_mpr_task.plugin import activate

            activate(module)


install()
