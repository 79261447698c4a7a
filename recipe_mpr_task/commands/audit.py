"""`recipe-mpr audit [FILE]`."""

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the audit to it.")
def audit(file: Path | None, json_file: Path | None) -> None:
    """Show what options, positions and ids give away, against 20%: of the dataset, or of any FILE in its schema."""
    from recipe_mpr_task.audit import audit_items
    from recipe_mpr_task.data import load_items
    from recipe_mpr_task.errors import DataError
    from recipe_mpr_task.files import write_atomic
    from recipe_mpr_task.item import items_from_json

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
    click.echo(_table(result.as_dict()))
    if json_file:
        write_atomic(json_file, json.dumps(result.as_dict(), indent=2) + "\n")
        click.echo(f"wrote {json_file}")


def _table(found: dict[str, Any]) -> str:
    from tabulate import tabulate

    rows = [
        [a["name"], a["reads"], f"{100 * a['acc']:.1f} [{100 * a['low']:.1f}, {100 * a['high']:.1f}]"]
        for a in found["artifacts"]
    ]
    shares = ", ".join(f"{split} {100 * share:.0f}%" for split, share in found["shared_options"].items())
    return (
        f"{found['items']} items; accuracy in percent with its 95% Wilson interval, chance is 20\n\n"
        + tabulate(rows, ["Artifact", "Reads", "Accuracy"], tablefmt="pipe", disable_numparse=True)
        + f"\n\nTest items that share an option with their training part: {shares}"
    )
