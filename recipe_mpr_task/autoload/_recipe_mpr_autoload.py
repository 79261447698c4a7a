"""Lets lm-eval find Recipe-MPR without a flag. Installed at the root of site-packages.

lm-eval 0.4.13 discovers no plugins. `recipe_mpr_autoload.pth` (Python up to 3.14) or
`recipe_mpr_autoload.start` (PEP 829, Python 3.15 on) calls `install` at interpreter start, which
only adds a finder that waits for two modules of lm-eval; what then happens is in
`recipe_mpr_task.plugin`. Nothing but `sys` is imported here: every Python start pays for this file.

Where start-up files are not read (`python -S`, zipapps, `--target`), import this module by hand or
use `--include_path "$(recipe-mpr tasks-path)"`. `RECIPE_MPR_AUTOLOAD=0` switches it off.
"""

import sys

HOOKED_MODULES = ("lm_eval.tasks.manager", "lm_eval.models")


def _activate(module):
    import os

    if os.environ.get("RECIPE_MPR_AUTOLOAD", "1").strip().lower() in ("0", "false", "no", "off"):
        return
    try:
        from recipe_mpr_task import plugin

        plugin.activate(module)
    except Exception as error:  # lm-eval must go on working for everybody else's tasks
        import warnings

        warnings.warn("Recipe-MPR could not register with lm-eval: %s; see `recipe-mpr doctor`" % error)


class _Finder:
    """Finds nothing itself: wraps the loading of the hooked modules, whoever finds them."""

    def find_spec(self, name, path=None, target=None):
        if name not in HOOKED_MODULES:
            return None
        for finder in sys.meta_path:
            find_spec = None if isinstance(finder, _Finder) else getattr(finder, "find_spec", None)
            spec = find_spec(name, path, target) if find_spec else None
            if spec is not None:
                if getattr(spec.loader, "exec_module", None):
                    _wrap(spec.loader)
                return spec
        return None


def _wrap(loader):
    exec_module = loader.exec_module

    def exec_and_activate(module):
        exec_module(module)
        _activate(module)

    loader.exec_module = exec_and_activate


def install():
    """Add the finder, once; register at once with the parts of lm-eval that are already loaded."""
    if not any(type(finder).__name__ == "_Finder" and type(finder).__module__ == __name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
        for name in HOOKED_MODULES:
            if name in sys.modules:
                _activate(sys.modules[name])


install()
