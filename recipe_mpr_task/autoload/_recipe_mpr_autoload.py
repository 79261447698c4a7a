"""Let lm-eval find Recipe-MPR without a flag. This module is installed at the root of site-packages.

lm-eval 0.4.13 does not discover plugins. So Python loads this module at every start, through a
start-up file: `recipe_mpr_autoload.pth` up to Python 3.14, `recipe_mpr_autoload.start` (PEP 829)
from Python 3.15 on. The module adds itself to `sys.meta_path` as an import finder. When lm-eval
imports a module named in HOOKED, the finder calls `recipe_mpr_task.plugin`. Keep this module small,
because every Python start loads this module. `benchmarks/autoload.py` measures the loading time.

Python does not read start-up files with `python -S`, in zipapps, or after `pip install --target`.
In these cases, import this module yourself, or run lm_eval with
`--include_path "$(recipe-mpr tasks-path)"`. `RECIPE_MPR_AUTOLOAD=0` switches the autoload off.
"""

import sys

HOOKED = ("lm_eval.models", "lm_eval.tasks.manager", "lm_eval.evaluator")


def find_spec(name, path=None, target=None):
    """Return the import spec of a module named in HOOKED. Loading this spec activates the plugin.

    Return None for any other module, if the plugin cannot be imported, or if no other finder knows the module.
    """
    if name in HOOKED:
        try:
            from recipe_mpr_task.plugin import hooked_spec
        except Exception:  # lm-eval must keep working even if our package is partly removed
            return None
        return hooked_spec(name, path, target)
    return None


def install():
    """Add this module to `sys.meta_path`, and activate the plugin in HOOKED modules that are already loaded.

    Do nothing if `sys.meta_path` already contains this module.
    """
    this = sys.modules[__name__]
    if this not in sys.meta_path:
        sys.meta_path.insert(0, this)
        loaded = [sys.modules[name] for name in HOOKED if name in sys.modules]
        for module in loaded:
            from recipe_mpr_task.plugin import activate

            activate(module)


install()
