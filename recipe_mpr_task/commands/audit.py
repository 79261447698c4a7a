"""`recipe-mpr audit [FILE]`: score simple rules on a dataset; `--exploit`: reproduce the published 100%."""

import importlib
import json
import tempfile
from pathlib import Path
from typing import Any

import click

from recipe_mpr_task.lines import say

_DEMONSTRATION = "finetune.exploit"
"""Named as text, because this package imports no other package of ours."""


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the result here.")
@click.option("--exploit", is_flag=True, help="Reproduce the published 100% with a random model.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Keep --exploit's runs in this folder.")
def audit(file: Path | None, json_file: Path | None, exploit: bool, out: Path | None) -> None:
    """Show how well simple rules on options, positions and ids score (chance: 20%), on the dataset or on FILE."""
    from recipe_mpr_task.audit import audit_items
    from recipe_mpr_task.data import load_items
    from recipe_mpr_task.errors import DataError
    from recipe_mpr_task.files import write_atomic
    from recipe_mpr_task.item import items_from_json

    if exploit:
        if file is not None:
            raise click.UsageError("--exploit runs on the dataset itself; leave FILE out")
        _exploit(json_file, out)
        return
    if out is not None:
        raise click.UsageError("--out keeps the runs of --exploit; give both, or use --json")
    if file is None:
        items = load_items()
    else:
        try:
            items = items_from_json(file.read_bytes(), source=str(file), prefix="item")
        except OSError as error:
            raise DataError(f"{file}: {error.strerror}") from None
        if len(items) < 10:
            raise DataError(f"{file}: {len(items)} records; an audit needs at least 10")
    result = audit_items(items, splits=file is None)
    say(_table(result.as_dict()))
    if json_file:
        write_atomic(json_file, json.dumps(result.as_dict(), indent=2) + "\n")
        say(f"wrote {json_file}")


def _exploit(json_file: Path | None, out: Path | None) -> None:
    """Train and score the demonstration's models, print its table, write its outcomes to `json_file`."""
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
        f"{audit_result['items']} items; accuracy in percent with its 95% Wilson interval, chance is 20\n\n"
        + tabulate(rows, ["Artifact", "Reads", "Accuracy"], tablefmt="pipe", disable_numparse=True)
        + f"\n\nTest items that share an option with their training part: {shares}"
    )
