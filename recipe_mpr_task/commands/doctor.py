"""Define `recipe-mpr doctor`: show how lm-eval finds the tasks, and check data, versions and devices."""

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import click

from recipe_mpr_task import TASK_VERSION, __version__
from recipe_mpr_task.errors import EXIT_FAULT_FOUND, DataError, one_line
from recipe_mpr_task.lines import say

_PACKAGES = ("lm-eval", "torch", "transformers", "peft", "accelerate", "datasets", "jinja2")
_OURS = ("recipe_mpr_task", "finetune", "leaderboard", "harness_configs")
_DISTRIBUTION = "lm-eval-recipe-mpr"


@click.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check the installation: tasks, data, versions and devices.

    The output also shows how lm-eval finds the tasks. The exit code is 1 if there is a fault.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    faults = []
    say(f"recipe-mpr {__version__}, task version {TASK_VERSION}, Python {platform.python_version()}")
    for section, rows in (
        ("lm-eval", _plugin()),
        ("data", _data()),
        ("versions", _versions()),
        ("devices", _devices()),
    ):
        say(f"\n{section}")
        for name, (value, fault) in rows.items():
            say(f"  {'FAULT' if fault else 'ok   '}  {name}: {value}")
            faults += [name] if fault else []
    for problem in _shadowed():
        say(f"\n  FAULT  {problem}")
        faults.append(problem)
    say(f"\nfaults found: {len(faults)}" if faults else "\nno fault found")
    ctx.exit(EXIT_FAULT_FOUND if faults else 0)


Rows = dict[str, tuple[str, bool]]


def _plugin() -> Rows:
    from lm_eval.tasks import TaskManager

    from recipe_mpr_task.plugin import status
    from recipe_mpr_task.tasks import TASKS_PATH

    current = status()
    # Missing tasks or models are a fault, unless the user has switched off the autoload.
    wanted = not current["autoload"].startswith("off")
    rows = {name: (value, wanted and value.startswith("not ")) for name, value in current.items()}
    entry = TaskManager(include_defaults=False).task_index.get("recipe_mpr")
    if entry is not None:
        path = Path(str(entry.yaml_path))
        shadowed = path.parent.resolve() != TASKS_PATH.resolve()
        rows["recipe_mpr"] = (f"{path} (shadowed by another package)" if shadowed else str(path), shadowed)
    return rows


def _data() -> Rows:
    from recipe_mpr_task.data import DATA_VARIABLE, FILE_NAME, load_items, local_source

    source = local_source()
    if source is None:
        remedy = f"run `recipe-mpr data fetch`, or set {DATA_VARIABLE} to the path of {FILE_NAME}"
        return {"dataset": (f"this machine has no copy; {remedy}", True)}
    try:
        return {"dataset": (f"{len(load_items())} items, {source.origin} {source.path}, SHA-256 correct", False)}
    except DataError as error:
        return {"dataset": (one_line(error), True)}


def _versions() -> Rows:
    rows = {}
    for name in _PACKAGES:
        try:
            rows[name] = (importlib.metadata.version(name), False)
        except importlib.metadata.PackageNotFoundError:
            rows[name] = ("not installed", True)
    return rows


def _devices() -> Rows:
    import torch

    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {"cpu": (f"{torch.get_num_threads()} threads", False), "cuda": (", ".join(names) or "none", False)}


def _shadowed() -> list[str]:
    """Return one message per package of this project that is missing, shadowed or also in another distribution."""
    home = Path(__file__).parents[2].resolve()
    distributions = importlib.metadata.packages_distributions()
    problems = []
    for name in _OURS:
        others = sorted(set(distributions.get(name, ())) - {_DISTRIBUTION})
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            problems.append(f"package {name} is missing; reinstall {_DISTRIBUTION}")
        elif Path(spec.origin).resolve().parent.parent != home:
            problems.append(f"package {name} is shadowed by {spec.origin}{_of(others)}; expected it in {home}; "
                            "remove or rename the other package")  # fmt: skip
        elif others:
            problems.append(f"package {name} is also installed by another distribution{_of(others)}; "
                            f"uninstall the other distribution, then reinstall {_DISTRIBUTION}")  # fmt: skip
    return problems


def _of(distributions: Sequence[str]) -> str:
    return f" ({', '.join(distributions)})" if distributions else ""
