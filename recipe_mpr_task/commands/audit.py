"""Define `recipe-mpr audit [FILE]`: score simple rules on a dataset.

With `--exploit`, reproduce the published accuracy of 100% instead.
"""

import importlib
import json
import tempfile
from pathlib import Path
from typing import Any

import click

from recipe_mpr_task.lines import say

_DEMONSTRATION = "finetune.exploit"
"""Name of the module that `--exploit` imports. An import statement would make this package depend on `finetune`."""


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the result to this file."
)
@click.option("--exploit", is_flag=True, help="Reproduce the published accuracy of 100% with a random model.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="With --exploit: keep the runs in this folder."
)
def audit(file: Path | None, json_file: Path | None, exploit: bool, out: Path | None) -> None:
    """Score simple rules that need no understanding; chance is 20%.

    The rules are scored on the items in FILE, or on the dataset if there is no FILE.
    """
    from recipe_mpr_task.audit import audit_items
    from recipe_mpr_task.data import load_items
    from recipe_mpr_task.errors import DataError
    from recipe_mpr_task.files import write_atomic
    from recipe_mpr_task.item import items_from_json

    if exploit:
        if file is not None:
            raise click.UsageError("--exploit runs only on the dataset; leave out FILE")
        _exploit(json_file, out)
        return
    if out is not None:
        raise click.UsageError("--out is allowed only with --exploit; add --exploit, or use --json")
    if file is None:
        items = load_items()
    else:
        try:
            items = items_from_json(file.read_bytes(), source=str(file), prefix="item")
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror}") from None
        if len(items) < 10:
            raise DataError(f"{file}: {len(items)} records; an audit needs at least 10")
    result = audit_items(items, splits=file is None)
    say(_table(result.as_dict()))
    if json_file:
        write_atomic(json_file, json.dumps(result.as_dict(), indent=2) + "\n")
        say(f"wrote {json_file}")


def _exploit(json_file: Path | None, out: Path | None) -> None:
    """Train and score the models of `finetune.exploit`, and print a table of their accuracies.

    Args:
        json_file: file for the results as JSON; None for no file.
        out: folder in which to keep lm-eval's results files; None to delete these files.
    """
    from recipe_mpr_task.files import write_atomic

    demonstration = importlib.import_module(_DEMONSTRATION)
    with tempfile.TemporaryDirectory(prefix="recipe-mpr-exploit-") as folder:
        runs = out or Path(folder, "runs")
        outcomes = demonstration.demonstrate(Path(folder), runs, lambda line: say(f"{line} ...", err=True))
    for line in demonstration.table(outcomes):
        say(line)
    if json_file:
        write_atomic(json_file, json.dumps([outcome.as_dict() for outcome in outcomes], indent=2) + "\n")
        say(f"wrote {json_file}")


def _table(audit_result: dict[str, Any]) -> str:
    from tabulate import tabulate

    rows = [
        [a["name"], a["reads"], f"{100 * a['acc']:.1f} [{100 * a['low']:.1f}, {100 * a['high']:.1f}]"]
        for a in audit_result["artifacts"]
    ]
    shares = ", ".join(f"{split} {100 * share:.0f}%" for split, share in audit_result["shared_options"].items())
    return (
        f"{audit_result['items']} items; accuracy in percent with its 95% Wilson interval; chance is 20\n\n"
        + tabulate(rows, ["Artifact", "Reads", "Accuracy"], tablefmt="pipe", disable_numparse=True)
        + f"\n\nTest items that share an option with a training item of the split: {shares}"
    )
