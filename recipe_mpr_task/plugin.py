"""Extend lm-eval with Recipe-MPR's tasks and models, and check and record runs of Recipe-MPR tasks.

The autoload calls this module while lm-eval is being imported. So this module imports only the standard library and
modules of this package that load fast.
"""

import contextlib
import functools
import importlib.metadata
import inspect
import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from recipe_mpr_task.errors import install_excepthook
from recipe_mpr_task.models import MODELS
from recipe_mpr_task.tasks import TASKS_PATH

SWITCH = "RECIPE_MPR_AUTOLOAD"
AUTOLOAD_MODULE = "_recipe_mpr_autoload"
_MARK = "_recipe_mpr"
_asked: ContextVar[Mapping[str, Any]] = ContextVar("recipe_mpr_asked", default={})  # noqa: B039 (never changed)
"""Arguments of the running `simple_evaluate`. `evaluate` receives only the loaded model, not these arguments."""


def hooked_spec(name: str, path: Any, target: Any) -> ModuleSpec | None:
    """Find the import spec of an lm-eval module, and make its loader call `activate` after loading.

    Args:
        name: full name of the module.
        path: the second argument of `importlib`'s `find_spec`.
        target: the third argument of `importlib`'s `find_spec`.

    Returns:
        The first spec that another finder returns; None if no finder knows the module.
    """
    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") == AUTOLOAD_MODULE or not hasattr(finder, "find_spec"):
            continue
        if spec := finder.find_spec(name, path, target):
            with contextlib.suppress(AttributeError):  # leave a missing or read-only loader unchanged
                _call_after_loading(spec.loader)
            return spec
    return None


def _call_after_loading(loader: Any) -> None:
    exec_module = loader.exec_module

    def exec_and_activate(module: ModuleType) -> None:
        exec_module(module)
        activate(module)

    loader.exec_module = exec_and_activate


def activate(module: ModuleType) -> None:
    """Add Recipe-MPR to an lm-eval module that has just been loaded, unless the autoload is switched off.

    A failure causes only a warning, because lm-eval must keep working for other tasks.

    Args:
        module: `lm_eval.models`, `lm_eval.tasks.manager` or `lm_eval.evaluator`.
    """
    if switched_off():
        return
    try:
        _register_with(module)
    except Exception as error:  # noqa: BLE001
        warnings.warn(f"Recipe-MPR could not register with lm-eval: {error}; run `recipe-mpr doctor`", stacklevel=2)


def switched_off() -> bool:
    """Return whether the user has switched off the autoload with the environment variable named in SWITCH."""
    return os.environ.get(SWITCH, "1").strip().lower() in ("0", "false", "no", "off")


def activate_all(modules: Iterable[ModuleType], *, skip_builtin_tasks: bool) -> None:
    """Add Recipe-MPR to lm-eval modules for `recipe-mpr run`, even if the autoload is switched off.

    Args:
        modules: loaded modules of lm-eval. `activate` lists the possible modules.
        skip_builtin_tasks: whether every later TaskManager omits lm-eval's own tasks.
    """
    for module in modules:
        _register_with(module)
        if skip_builtin_tasks and module.__name__ == "lm_eval.tasks.manager":
            manager = module.TaskManager
            manager.__init__ = functools.partialmethod(manager.__init__, include_defaults=False)


def _register_with(module: ModuleType) -> None:
    if module.__name__ == "lm_eval.models":
        if not discovers_models():
            _register_models()
    elif module.__name__ == "lm_eval.evaluator":
        _check_runs(module)
    elif not discovers_tasks(module):
        _add_tasks_folder(module.TaskManager)
    install_excepthook()


def discovers_models() -> bool:
    """Return whether the installed lm-eval finds models by entry points (versions after 0.4.13)."""
    from lm_eval.api import registry

    return hasattr(registry, "load_plugins")


def discovers_tasks(manager: ModuleType) -> bool:
    """Return whether the installed lm-eval finds tasks by entry points (proposed in lm-eval's pull request 4015).

    This function makes a task index without lm-eval's built-in tasks. Then it looks for `recipe_mpr` in this index. In
    lm-eval 0.4.13, the index is empty.

    Args:
        manager: the module `lm_eval.tasks.manager`.
    """
    asked = object.__new__(manager.TaskManager)
    init = getattr(manager.TaskManager.__init__, "__wrapped__", manager.TaskManager.__init__)
    init(asked, include_defaults=False)
    return "recipe_mpr" in asked.all_tasks


def _register_models() -> None:
    from lm_eval.api.registry import model_registry

    for name, target in MODELS.items():
        if name not in model_registry:
            model_registry.register(name, target=target)


def _add_tasks_folder(manager: Any) -> None:
    """Make every TaskManager index Recipe-MPR's tasks after lm-eval's own tasks and before the user's tasks."""
    original = manager.__init__
    if getattr(original, _MARK, False):
        return

    @functools.wraps(original)
    def init(self: Any, verbosity: Any = None, include_path: Any = None, *args: Any, **kwargs: Any) -> None:
        original(self, verbosity, _with_ours(include_path), *args, **kwargs)
        self.include_path = include_path

    setattr(init, _MARK, True)
    manager.__init__ = init


def _check_runs(evaluator: Any) -> None:
    """Wrap lm-eval's `evaluate` and `simple_evaluate`.

    Before a run, check the model and the tasks. After the run, add model, training and cost to the results.
    """
    original = evaluator.evaluate
    if getattr(original, _MARK, False):
        return

    @functools.wraps(original)
    def evaluate(lm: Any, task_dict: Any, *args: Any, **kwargs: Any) -> Any:
        from recipe_mpr_task.checks import mark_seen_items, warn_about_run
        from recipe_mpr_task.evaluation_cost import CostMeter
        from recipe_mpr_task.generation import leave_out_unanswerable

        task_dict = leave_out_unanswerable(lm, task_dict, kwargs)
        tasks = task_dict.get("tasks", {}) if isinstance(task_dict, dict) else {}
        warn_about_run(lm, tasks, chat=bool(kwargs.get("apply_chat_template")))
        recorded = mark_seen_items(lm, tasks, _asked.get())
        meter = CostMeter(lm, tasks)
        results = original(lm, task_dict, *args, **kwargs)
        if results:  # in a run of several processes, only the first process has results
            results.update(recorded | meter.record(results))
        return results

    setattr(evaluate, _MARK, True)
    evaluator.evaluate = evaluate
    evaluator.simple_evaluate = _noting_arguments(evaluator.simple_evaluate)


def _noting_arguments(original: Any) -> Any:
    """Wrap `simple_evaluate`, so that `_asked` holds the arguments of a call during the call."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def simple_evaluate(*args: Any, **kwargs: Any) -> Any:
        noted: Mapping[str, Any] = {}
        with contextlib.suppress(TypeError):  # lm-eval itself reports wrong arguments
            noted = signature.bind(*args, **kwargs).arguments
        token = _asked.set(noted)
        try:
            return original(*args, **kwargs)
        finally:
            _asked.reset(token)

    return simple_evaluate


def _with_ours(include_path: Any) -> Any:
    listed = include_path if isinstance(include_path, (list, tuple)) else [include_path] if include_path else []
    if any(Path(path).resolve() == TASKS_PATH.resolve() for path in listed):
        return (
            include_path  # the user passed this folder; listing the folder twice would cause a warning for every task
        )
    return [TASKS_PATH, *listed]


def status() -> dict[str, str]:
    """Return how lm-eval finds Recipe-MPR's tasks and models on this machine, as texts keyed by topic."""
    installed = any(getattr(finder, "__name__", "") == AUTOLOAD_MODULE for finder in sys.meta_path)
    if switched_off():
        autoload = f"off: {SWITCH}={os.environ[SWITCH]}"
    elif installed:
        autoload = "on: start-up file in site-packages"
    else:
        autoload = "not loaded: Python read no start-up file (python -S, --target, zipapp), or none is installed"
    from lm_eval.tasks import manager

    return {
        "autoload": autoload,
        "tasks": "lm-eval's own discovery" if discovers_tasks(manager) else _found_tasks(manager.TaskManager),
        "models": "lm-eval's own discovery" if discovers_models() else _found_models(),
        "entry points": ", ".join(sorted(_our_entry_points()))
        or "none: the package is not installed as a distribution",
    }


def _found_tasks(manager: Any) -> str:
    if getattr(manager.__init__, _MARK, False):
        return "found by the autoload"
    return 'not found: use --include_path "$(recipe-mpr tasks-path)"'


def _found_models() -> str:
    import lm_eval.models  # noqa: F401  (the import fills the registry)
    from lm_eval.api.registry import model_registry

    missing = [name for name in MODELS if name not in model_registry]
    return f"not found: {', '.join(missing)}; use `recipe-mpr run`" if missing else ", ".join(MODELS)


def _our_entry_points() -> list[str]:
    try:
        points = importlib.metadata.distribution("lm-eval-recipe-mpr").entry_points
    except importlib.metadata.PackageNotFoundError:
        return []
    return [f"{point.group}:{point.name}" for point in points if point.group.startswith("lm_eval.")]
