"""Define `recipe-mpr run`: run `lm_eval run`, but skip lm-eval's own 14,000 task files if all tasks are ours."""

import sys
import traceback
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.lines import say
from recipe_mpr_task.tasks import TASKS_PATH

_PASS_THROUGH = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=_PASS_THROUGH, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: Sequence[str]) -> None:
    """Score a model with lm_eval run, but start faster.

    All flags of lm_eval run are allowed. --config also takes the name of a file in harness_configs.
    If all tasks are Recipe-MPR tasks, lm-eval's own task files are not indexed. This saves seconds.
    The results file is the same as with lm_eval.
    """
    import lm_eval.evaluator
    import lm_eval.models
    import lm_eval.tasks.manager
    from lm_eval.__main__ import cli_evaluate

    from recipe_mpr_task import plugin

    sys.argv = ["lm_eval", "run", *_with_config_path(arguments)]
    plugin.activate_all(
        (lm_eval.models, lm_eval.tasks.manager, lm_eval.evaluator), skip_builtin_tasks=_all_tasks_are_ours()
    )
    try:
        cli_evaluate()
    except RecipeMPRError:
        raise
    except Exception:  # noqa: BLE001 (show an error of lm_eval as lm_eval shows it)
        say(traceback.format_exc(), err=True)
        sys.exit(1)


def config_path(name: str) -> str:
    """Return the path of a config file.

    Args:
        name: path of a file, or the name of a file in harness_configs with or without ".yaml".

    Raises:
        RecipeMPRError: the file does not exist.
    """
    folder = files("harness_configs")
    shipped = folder / (name if name.endswith(".yaml") else f"{name}.yaml")
    if Path(name).is_file():
        return name
    if shipped.is_file():
        return str(shipped)
    known = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))
    raise RecipeMPRError(f"--config {name}: no such file; allowed: a path, or one of {', '.join(known)}")


def _with_config_path(arguments: Sequence[str]) -> list[str]:
    changed = list(arguments)
    for i, argument in enumerate(changed):
        if argument in ("--config", "-C") and i + 1 < len(changed):
            changed[i + 1] = config_path(changed[i + 1])
        elif argument.startswith("--config="):
            changed[i] = f"--config={config_path(argument.removeprefix('--config='))}"
    return changed


def _all_tasks_are_ours() -> bool:
    """Return whether all requested tasks are Recipe-MPR tasks.

    The tasks are read from `sys.argv`. If `sys.argv` names no tasks, they are read from the config file.
    """
    import argparse

    import yaml
    from lm_eval._cli.run import Run

    subparsers = argparse.ArgumentParser().add_subparsers()
    Run.create(subparsers)
    known, _ = subparsers.choices["run"].parse_known_args(sys.argv[2:])
    config: Any = yaml.safe_load(Path(known.config).read_text()) if getattr(known, "config", None) else {}
    tasks = getattr(known, "tasks", None) or (config or {}).get("tasks") or []
    names = [name for entry in ([tasks] if isinstance(tasks, str) else tasks) for name in str(entry).split(",")]
    ours = {path.stem for path in TASKS_PATH.glob("recipe_mpr*.yaml")}
    return bool(names) and set(names) <= ours
