"""Add our tasks folder and model names to lm-eval, and check and record runs of our tasks; called by the autoload.

This module runs inside lm-eval's own imports, so it imports only the standard library and light modules of ours.
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
"""Arguments of the running `simple_evaluate`; `evaluate` alone does not know how its model was made."""


def hooked_spec(name: str, path: Any, target: Any) -> ModuleSpec | None:
    """Return the other finders' spec of a module of lm-eval, extended to call `activate` after loading.

    Args:
        name: the module; `path` and `target` as `importlib` hands them to a finder.
        path: see `name`.
        target: see `name`.
    """
    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") == AUTOLOAD_MODULE or not hasattr(finder, "find_spec"):
            continue
        if spec := finder.find_spec(name, path, target):
            with contextlib.suppress(AttributeError):  # no loader, or a read-only one: lm-eval works without us
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
    """Register with a module of lm-eval that has just been loaded.

    Does nothing if lm-eval reads our entry points itself, or if the autoload is switched off. A failure is a warning,
    because lm-eval must keep working for other tasks.

    Args:
        module: `lm_eval.models`, `lm_eval.tasks.manager` or `lm_eval.evaluator`.
    """
    if switched_off():
        return
    try:
        _register_with(module)
    except Exception as error:  # noqa: BLE001
        warnings.warn(f"Recipe-MPR could not register with lm-eval: {error}; see `recipe-mpr doctor`", stacklevel=2)


def switched_off() -> bool:
    """Return whether the user has switched the autoload off."""
    return os.environ.get(SWITCH, "1").strip().lower() in ("0", "false", "no", "off")


def activate_all(modules: Iterable[ModuleType], *, skip_builtin_tasks: bool) -> None:
    """Register even if the autoload is switched off, for our own command.

    Args:
        modules: the modules that `activate` takes.
        skip_builtin_tasks: omit lm-eval's own task files from every later index.
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
    """Return whether this lm-eval reads the entry points of group `lm_eval.models` (merged after 0.4.13)."""
    from lm_eval.api import registry

    return hasattr(registry, "load_plugins")


def discovers_tasks(manager: ModuleType) -> bool:
    """Return whether this lm-eval finds our tasks by their entry point (proposed upstream, pull request 4015).

    Asks lm-eval's unwrapped TaskManager for an index without built-in tasks, which is empty in 0.4.13.
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
    """Make every TaskManager index our folder after lm-eval's own tasks and before the user's."""
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
    """Wrap `evaluate`: check runs of our tasks before they start; record model, training and cost afterwards."""
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
        if results:  # of several processes only the first has results
            results.update(recorded | meter.record(results))
        return results

    setattr(evaluate, _MARK, True)
    evaluator.evaluate = evaluate
    evaluator.simple_evaluate = _noting_arguments(evaluator.simple_evaluate)


def _noting_arguments(original: Any) -> Any:
    """Wrap `simple_evaluate` to keep its arguments while it runs."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def simple_evaluate(*args: Any, **kwargs: Any) -> Any:
        noted: Mapping[str, Any] = {}
        with contextlib.suppress(TypeError):  # lm-eval reports wrong arguments itself
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
        return include_path  # the user passed our folder: indexing it twice would warn for every task
    return [TASKS_PATH, *listed]


def status() -> dict[str, str]:
    """Return how lm-eval finds our tasks and models here, and why; for `recipe-mpr doctor`."""
    installed = any(getattr(finder, "__name__", "") == AUTOLOAD_MODULE for finder in sys.meta_path)
    if switched_off():
        autoload = f"off: {SWITCH}={os.environ[SWITCH]}"
    elif installed:
        autoload = "on: start-up file in site-packages"
    else:
        autoload = "not loaded: start-up files were not read (python -S, --target, zipapp) or not installed"
    from lm_eval.tasks import manager

    return {
        "autoload": autoload,
        "tasks": "lm-eval's own discovery" if discovers_tasks(manager) else _found_tasks(manager.TaskManager),
        "models": "lm-eval's own discovery" if discovers_models() else _found_models(),
        "entry points": ", ".join(sorted(_our_entry_points())) or "none: not installed as a distribution",
    }


def _found_tasks(manager: Any) -> str:
    if getattr(manager.__init__, _MARK, False):
        return "found by the autoload"
    return 'not found: use --include_path "$(recipe-mpr tasks-path)"'


def _found_models() -> str:
    import lm_eval.models  # noqa: F401  (fills the registry)
    from lm_eval.api.registry import model_registry

    missing = [name for name in MODELS if name not in model_registry]
    return f"not found: {', '.join(missing)}" if missing else ", ".join(MODELS)


def _our_entry_points() -> list[str]:
    try:
        points = importlib.metadata.distribution("lm-eval-recipe-mpr").entry_points
    except importlib.metadata.PackageNotFoundError:
        return []
    return [f"{point.group}:{point.name}" for point in points if point.group.startswith("lm_eval.")]
