"""Define `recipe-mpr run`: run `lm_eval run`, but skip lm-eval's 14,000 task files if no task needs them."""

import argparse
import re
import sys
import traceback
from collections.abc import Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from recipe_mpr_task.errors import RecipeMPRError
from recipe_mpr_task.lines import say
from recipe_mpr_task.suggest import did_you_mean
from recipe_mpr_task.tasks import TASKS_PATH

_CONFIGS = files("harness_configs")


class _WithFlagsOfLmEval(click.Command):
    """A click command whose help text ends with the help text of `lm_eval run`."""

    def get_help(self, ctx: click.Context) -> str:
        flags = lm_eval_parser().format_help()
        return f"{super().get_help(ctx)}\n\nAll flags of lm_eval run are allowed:\n\n{flags}"


def _print_configs(ctx: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if not is_asked or ctx.resilient_parsing:
        return
    formatter = ctx.make_formatter()
    formatter.write_dl([(name, _description(name)) for name in config_names()])
    say(formatter.getvalue(), nl=False)
    ctx.exit()


@click.command(cls=_WithFlagsOfLmEval,
               context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]})  # fmt: skip
@click.option("--list", is_flag=True, expose_value=False, is_eager=True, callback=_print_configs,
              help="List the shipped configs, then exit.")  # fmt: skip
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[FLAGS OF LM_EVAL RUN]...")
def run(arguments: Sequence[str]) -> None:
    """Score a model as lm_eval run does, but start faster.

    --config also takes the name of a shipped config, such as minilm.

    If all tasks are Recipe-MPR tasks, lm-eval's own task files are not indexed, which saves seconds. The results file
    is the same as that of lm_eval run.
    """
    import lm_eval.evaluator
    import lm_eval.models
    import lm_eval.tasks.manager
    from lm_eval.__main__ import cli_evaluate

    from recipe_mpr_task import plugin

    sys.argv = ["lm_eval", "run", *_with_config_path(arguments)]
    _check_trackers()
    plugin.activate_all(
        (lm_eval.models, lm_eval.tasks.manager, lm_eval.evaluator), skip_builtin_tasks=_all_tasks_are_ours()
    )
    try:
        cli_evaluate()
    except RecipeMPRError:
        raise
    except Exception as error:  # noqa: BLE001 (show an error of lm_eval as lm_eval shows it)
        if unknown := _unknown_name(str(error)):
            raise RecipeMPRError(unknown) from None
        say(traceback.format_exc(), err=True)
        sys.exit(1)


def _unknown_name(error: str) -> str | None:
    """Return a one-line message for lm-eval's error about an unknown task or model; None for any other error."""
    if match := re.match(r"Tasks not found: (.+)", error):
        option, what, known = "--tasks", "task", sorted(path.stem for path in TASKS_PATH.glob("recipe_mpr*.yaml"))
    elif match := re.match(r"Attempted to load model '(.+?)'.+ Supported model names: (.+)", error, re.DOTALL):
        option, what, known = "--model", "model", match[2].split(", ")
    else:
        return None
    hint = did_you_mean(match[1], known) or f"; allowed: {', '.join(known)}"
    return f"{option} {match[1]}: no such {what}{hint}"


def _check_trackers() -> None:
    """Raise RecipeMPRError if `sys.argv` or the config file names a tracker that is not installed.

    Without this check, lm-eval would stop with a traceback.
    """
    for flag, package in (("wandb_args", "wandb"), ("trackio_args", "trackio")):
        if _asked(flag) and not find_spec(package):
            raise RecipeMPRError(f"--{flag} needs the package {package}; run `pip install {package}`")


def config_path(name: str) -> str:
    """Return the path of a config file.

    Args:
        name: path of a file, or the name of a shipped config with or without ".yaml".

    Raises:
        RecipeMPRError: the file does not exist.
    """
    if Path(name).is_file():
        return name
    known = config_names()
    shipped = name.removesuffix(".yaml")
    if shipped not in known:
        hint = did_you_mean(shipped, known) or f"; allowed: a path, or one of {', '.join(known)}"
        raise RecipeMPRError(f"--config {name}: no such file{hint}")
    return str(_CONFIGS / f"{shipped}.yaml")


def config_names() -> list[str]:
    """Return the names of the shipped configs, sorted."""
    return sorted(file.name.removesuffix(".yaml") for file in _CONFIGS.iterdir() if file.name.endswith(".yaml"))


def _description(name: str) -> str:
    """Return the description of a shipped config: the comment in its first line."""
    return (_CONFIGS / f"{name}.yaml").read_text().partition("\n")[0].removeprefix("# ")


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
    tasks = _asked("tasks") or []
    names = [name for entry in ([tasks] if isinstance(tasks, str) else tasks) for name in str(entry).split(",")]
    ours = {path.stem for path in TASKS_PATH.glob("recipe_mpr*.yaml")}
    return bool(names) and set(names) <= ours


def _asked(option: str) -> Any:
    """Return the value of an option of `lm_eval run`, from `sys.argv` or else from the config file; None if unset."""
    import yaml

    known, _ = lm_eval_parser().parse_known_args(sys.argv[2:])
    config: Any = yaml.safe_load(Path(known.config).read_text()) if getattr(known, "config", None) else {}
    return getattr(known, option, None) or (config or {}).get(option)


def lm_eval_parser() -> argparse.ArgumentParser:
    """Return the parser of `lm_eval run`."""
    from lm_eval._cli.run import Run

    subparsers = argparse.ArgumentParser().add_subparsers()
    Run.create(subparsers)
    parser: argparse.ArgumentParser = subparsers.choices["run"]
    return parser
